//! Pods with an unrecoverable failure, each with its reason in the first line.

use std::time::Duration;

use lab::testbed::{Capacity, ScriptedStatus, Testbed, scripts};
use serde_json::{Value, json};

use crate::fixture::{NEW, PodFixture, expect, passed, workload};

#[test]
fn a_missing_image_fails_within_ten_seconds() {
    let fixture = PodFixture::new();
    fixture
        .namespace
        .pods(scripts::image_pull_backoff(&format!("{NEW}: not found")));
    fixture.deploy(NEW, 2);
    let run = fixture.verify().run();
    let said = format!(
        "cannot pull {NEW} on {}: {NEW}: not found",
        fixture.namespace.name()
    );
    expect(
        &run,
        10,
        "image-not-found",
        "change",
        &["deployment/dex: dex-", "container dex", &said],
    );
    assert!(run.elapsed < Duration::from_secs(10), "{run}");
    assert!(
        run.json()["hints"].to_string().contains("check-image"),
        "{run}"
    );
}

#[test]
fn an_invalid_image_name_fails_at_once() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::invalid_image_name());
    fixture.deploy(NEW, 1);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "invalid-image-name",
        "change",
        &["couldn't parse image name"],
    );
    assert!(run.elapsed < Duration::from_secs(3), "{run}");
}

#[test]
fn missing_settings_fail_after_ten_seconds() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::config_error(
        "couldn't find key url in Secret dex/dex-env",
    ));
    fixture.deploy(NEW, 1);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "config-error",
        "change",
        &["couldn't find key url in Secret dex/dex-env"],
    );
    assert!((10..16).contains(&run.elapsed.as_secs()), "{run}");
}

#[test]
fn a_crash_is_shown_with_its_log() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::crash_loop(
        1,
        "starting\nurl postgres://dex:hunter2@db\nno such table: users\n",
    ));
    fixture.deploy(NEW, 1);
    let pod = fixture.first_pod();
    fixture.namespace.event(
        "pods",
        &pod,
        "Warning",
        "BackOff",
        "Back-off restarting failed container dex",
    );
    let plain = fixture.verify().args(["--format", "plain"]).run();
    assert_eq!(plain.code, 10, "{plain}");
    for line in [
        "crashed",
        "(exit code 1)",
        "[crash-loop]",
        "event BackOff: Back-off restarting failed container dex",
        "before it restarted, the last 3 lines:",
        "  no such table: users",
        "  url postgres://***@db",
    ] {
        assert!(plain.stderr.contains(line), "{line}\n{plain}");
    }
}

#[test]
fn log_lines_limits_the_shown_log() {
    let fixture = PodFixture::new();
    let crash = scripts::crash_loop(1, "starting\nno such table: users\n");
    fixture.namespace.pods(crash);
    fixture.deploy(NEW, 1);
    let short = fixture
        .verify()
        .args(["--log-lines", "1", "--format", "plain"])
        .run();
    assert!(
        short.stderr.contains("no such table") && !short.stderr.contains("  starting"),
        "{short}"
    );
    let silent = fixture.verify().args(["--log-lines", "0"]).run();
    expect(&silent, 10, "crash-loop", "change", &[]);
    assert!(!format!("{silent}").contains("no such table"), "{silent}");
    assert!(
        silent.json()["hints"].to_string().contains("--log-lines"),
        "{silent}"
    );
}

#[test]
fn an_out_of_memory_kill_names_the_limit() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::oom_killed());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({ "limits": { "memory": "256Mi" } });
    fixture.namespace.create("apps/deployments", &deployment);
    expect(
        &fixture.verify().run(),
        10,
        "out-of-memory",
        "change",
        &["OOMKilled (limit 256Mi)"],
    );
}

#[test]
fn a_failing_init_container_is_named() {
    let fixture = PodFixture::new();
    fixture
        .namespace
        .pods(scripts::init_crash_loop(3, "migration 7 failed\n"));
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["initContainers"] =
        json!([{ "name": "migrate", "image": NEW }]);
    fixture.namespace.create("apps/deployments", &deployment);
    let run = fixture.verify().args(["--format", "plain"]).run();
    assert_eq!(run.code, 10, "{run}");
    for words in [
        "init container migrate: crashed once (exit code 3)",
        "[init-failed]",
        "  migration 7 failed",
    ] {
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
}

#[test]
fn a_failing_probe_is_shown_at_the_deadline() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(scripts::never_ready());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({ "httpGet": { "path": "/readyz", "port": 8080 } });
    fixture.namespace.create("apps/deployments", &deployment);
    let pod = fixture.first_pod();
    let said = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    fixture
        .namespace
        .event("pods", &pod, "Warning", "Unhealthy", said);
    let run = fixture
        .verify()
        .args(["--timeout", "4s", "--format", "plain"])
        .run();
    assert_eq!(run.code, 11, "{run}");
    for words in ["0 of 1 pods ready", "GET :8080/readyz", "[not-ready]", said] {
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
}

/// A pod that requests more than its node has.
fn large() -> (PodFixture, Value) {
    let small = Capacity {
        cpu: 1,
        ..Capacity::default()
    };
    let fixture = PodFixture::of(Testbed::shared().namespace_on(small));
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({ "requests": { "cpu": "2" } });
    (fixture, deployment)
}

#[test]
fn a_node_is_awaited_for_the_grace_period() {
    let (fixture, deployment) = large();
    fixture.namespace.create("apps/deployments", &deployment);
    let run = fixture.verify().args(["--schedule-grace", "2s"]).run();
    expect(
        &run,
        10,
        "unschedulable",
        "environment",
        &["Insufficient cpu"],
    );
    let mut running = fixture.verify().spawn();
    running.wait_for("Insufficient cpu");
    let resources = json!({ "cpu": "8", "memory": "8Gi", "pods": "10" });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    let node = format!("/api/v1/nodes/{}/status", fixture.namespace.name());
    Testbed::shared().kubernetes().patch(&node, &status);
    passed(&running.wait());
}

#[test]
fn a_scale_up_extends_the_grace_period() {
    let (fixture, deployment) = large();
    fixture.namespace.create("apps/deployments", &deployment);
    let pod = fixture.first_pod();
    fixture.namespace.event(
        "pods",
        &pod,
        "Normal",
        "TriggeredScaleUp",
        "pod triggered scale-up: 1->2",
    );
    let run = fixture
        .verify()
        .args(["--schedule-grace", "1s", "--timeout", "20s"])
        .run();
    expect(
        &run,
        10,
        "unschedulable",
        "environment",
        &["Insufficient cpu"],
    );
    assert!(run.elapsed > Duration::from_secs(4), "five graces: {run}");
    assert!(
        run.stderr
            .contains("waits for a node that an autoscaler is adding"),
        "{run}"
    );
}

#[test]
fn an_unbound_claim_is_reported_as_volume() {
    let fixture = PodFixture::new();
    let claim = json!({
        "metadata": { "name": "data" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    fixture.namespace.create("persistentvolumeclaims", &claim);
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    fixture.namespace.create("apps/deployments", &deployment);
    let run = fixture.verify().args(["--schedule-grace", "2s"]).run();
    expect(&run, 10, "volume", "environment", &["claims data"]);
}

#[test]
fn a_failed_mount_is_reported_from_its_event() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(|_| ScriptedStatus::creating());
    fixture.deploy(NEW, 1);
    let pod = fixture.first_pod();
    let said = "MountVolume.SetUp failed for volume \"tls\" : secret \"dex-tls\" not found";
    fixture
        .namespace
        .event("pods", &pod, "Warning", "FailedMount", said);
    let run = fixture.verify().args(["--schedule-grace", "2s"]).run();
    expect(
        &run,
        10,
        "volume",
        "environment",
        &["FailedMount", "secret \"dex-tls\" not found"],
    );
}

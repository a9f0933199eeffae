//! Pods that will not become well by themselves, each with its reason in the first line.

use std::time::Duration;

use lab::testbed::{Capacity, PodStatus, Testbed, scripts};
use serde_json::{Value, json};

use crate::world::{NEW, World, expect, passed, workload};

#[test]
fn v11_an_image_that_is_not_there_ends_it_within_ten_seconds() {
    let world = World::new();
    world
        .namespace
        .pods(scripts::image_pull_backoff(&format!("{NEW}: not found")));
    world.deploy(NEW, 2);
    let run = world.verify().run();
    let said = format!(
        "cannot pull {NEW} on {}: {NEW}: not found",
        world.namespace.name()
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
fn v13_a_name_that_is_none_ends_it_at_once() {
    let world = World::new();
    world.namespace.pods(scripts::invalid_image_name());
    world.deploy(NEW, 1);
    let run = world.verify().run();
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
fn v14_settings_that_are_not_there_end_it_after_ten_seconds() {
    let world = World::new();
    world.namespace.pods(scripts::config_error(
        "couldn't find key url in Secret dex/dex-env",
    ));
    world.deploy(NEW, 1);
    let run = world.verify().run();
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
fn v16_a_crash_is_shown_with_the_end_of_its_log() {
    let world = World::new();
    world.namespace.pods(scripts::crash_loop(
        1,
        "starting\nurl postgres://dex:hunter2@db\nno such table: users\n",
    ));
    world.deploy(NEW, 1);
    world
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let pod = world.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    world.namespace.event(
        "pods",
        &pod,
        "Warning",
        "BackOff",
        "Back-off restarting failed container dex",
    );
    let plain = world.verify().args(["--format", "plain"]).run();
    assert_eq!(plain.code, 10, "{plain}");
    for line in [
        "crashed",
        "(exit code 1)",
        "[crash-loop]",
        "event BackOff: Back-off restarting failed container dex",
        "before it was started again, the last 3 lines:",
        "  no such table: users",
        "  url postgres://***@db",
    ] {
        assert!(plain.stderr.contains(line), "{line}\n{plain}");
    }
    let short = world
        .verify()
        .args(["--log-lines", "1", "--format", "plain"])
        .run();
    assert!(
        short.stderr.contains("no such table") && !short.stderr.contains("  starting"),
        "{short}"
    );
    let silent = world.verify().args(["--log-lines", "0"]).run();
    expect(&silent, 10, "crash-loop", "change", &[]);
    assert!(!format!("{silent}").contains("no such table"), "{silent}");
    assert!(
        silent.json()["hints"].to_string().contains("--log-lines"),
        "{silent}"
    );
}

#[test]
fn v17_memory_that_is_never_enough_names_the_limit() {
    let world = World::new();
    world.namespace.pods(scripts::oom_killed());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({ "limits": { "memory": "256Mi" } });
    world.namespace.create("apps/deployments", &deployment);
    expect(
        &world.verify().run(),
        10,
        "out-of-memory",
        "change",
        &["OOMKilled (limit 256Mi)"],
    );
}

#[test]
fn v18_an_init_container_that_fails_is_named() {
    let world = World::new();
    world
        .namespace
        .pods(scripts::init_crash_loop(3, "migration 7 failed\n"));
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["initContainers"] =
        json!([{ "name": "migrate", "image": NEW }]);
    world.namespace.create("apps/deployments", &deployment);
    let run = world.verify().args(["--format", "plain"]).run();
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
fn v21_a_probe_that_never_answers_is_shown_at_the_deadline() {
    let world = World::new();
    world.namespace.pods(scripts::never_ready());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({ "httpGet": { "path": "/readyz", "port": 8080 } });
    world.namespace.create("apps/deployments", &deployment);
    world
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let pod = world.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    world
        .namespace
        .event("pods", &pod, "Warning", "Unhealthy", said);
    let run = world
        .verify()
        .args(["--timeout", "4s", "--format", "plain"])
        .run();
    assert_eq!(run.code, 11, "{run}");
    for words in ["0 of 1 pods ready", "GET :8080/readyz", "[not-ready]", said] {
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
}

/// A pod that wants more than its node has.
fn large() -> (World, Value) {
    let small = Capacity {
        cpu: 1,
        ..Capacity::default()
    };
    let world = World::of(Testbed::shared().namespace_on(small));
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({ "requests": { "cpu": "2" } });
    (world, deployment)
}

#[test]
fn v24_v25_a_node_is_waited_for_and_not_for_ever() {
    let (world, deployment) = large();
    world.namespace.create("apps/deployments", &deployment);
    let run = world.verify().args(["--schedule-grace", "2s"]).run();
    expect(
        &run,
        10,
        "unschedulable",
        "environment",
        &["Insufficient cpu"],
    );
    let mut running = world.verify().spawn();
    running.wait_for("Insufficient cpu");
    let resources = json!({ "cpu": "8", "memory": "8Gi", "pods": "10" });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    let node = format!("/api/v1/nodes/{}/status", world.namespace.name());
    Testbed::shared().kubernetes().patch(&node, &status);
    passed(&running.wait());
}

#[test]
fn a_node_that_is_being_made_extends_the_grace() {
    let (world, deployment) = large();
    world.namespace.create("apps/deployments", &deployment);
    world
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let pod = world.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    world.namespace.event(
        "pods",
        &pod,
        "Normal",
        "TriggeredScaleUp",
        "pod triggered scale-up: 1->2",
    );
    let run = world
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
        run.stderr.contains("waits for a node that is being made"),
        "{run}"
    );
}

#[test]
fn v28_a_claim_that_is_not_bound_is_about_the_volume() {
    let world = World::new();
    let claim = json!({
        "metadata": { "name": "data" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    world.namespace.create("persistentvolumeclaims", &claim);
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["template"]["spec"]["volumes"] =
        json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    world.namespace.create("apps/deployments", &deployment);
    let run = world.verify().args(["--schedule-grace", "2s"]).run();
    expect(&run, 10, "volume", "environment", &["claims data"]);
}

#[test]
fn a_volume_that_does_not_mount_is_told_by_its_event() {
    let world = World::new();
    world.namespace.pods(|_| PodStatus::creating());
    world.deploy(NEW, 1);
    world
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let pod = world.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = "MountVolume.SetUp failed for volume \"tls\" : secret \"dex-tls\" not found";
    world
        .namespace
        .event("pods", &pod, "Warning", "FailedMount", said);
    let run = world.verify().args(["--schedule-grace", "2s"]).run();
    expect(
        &run,
        10,
        "volume",
        "environment",
        &["FailedMount", "secret \"dex-tls\" not found"],
    );
}

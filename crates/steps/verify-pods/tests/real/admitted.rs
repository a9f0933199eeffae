//! Rollouts that the cluster's rules or the workload's settings prevent.

use lab::testbed::Testbed;
use serde_json::json;

use crate::fixture::{NEW, OLD, PodFixture, expect, passed, workload};

#[test]
fn an_admission_rule_is_reported_verbatim() {
    let fixture = PodFixture::new();
    let restricted =
        json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    let path = format!("/api/v1/namespaces/{}", fixture.namespace.name());
    Testbed::shared().kubernetes().patch(&path, &restricted);
    fixture.deploy(NEW, 1);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "admission",
        "change",
        &["violates PodSecurity \"restricted:latest\""],
    );
}

#[test]
fn an_exceeded_quota_fails_every_kind() {
    let fixture = PodFixture::new();
    let quota = json!({ "metadata": { "name": "small" }, "spec": { "hard": { "pods": "1" } } });
    fixture.namespace.create("resourcequotas", &quota);
    lab::wait::until("the quota", || {
        fixture.namespace.list("resourcequotas")[0]["status"]["hard"]["pods"] == "1"
    });
    fixture.deploy(NEW, 2);
    fixture
        .namespace
        .wait_for_pods("the first pod", |pods| pods.len() == 1);
    let mut stateful = workload(NEW, 1);
    stateful["metadata"]["name"] = json!("db");
    fixture.namespace.create("apps/statefulsets", &stateful);
    let spawned = ["deployment/dex", "statefulset/db"]
        .map(|name| fixture.verify().args(["--workload", name]).spawn());
    for running in spawned {
        expect(
            &running.wait(),
            10,
            "quota",
            "environment",
            &["exceeded quota: small"],
        );
    }
}

#[test]
fn a_strategy_that_keeps_pods_fails_immediately() {
    let fixture = PodFixture::new();
    let mut stateful = workload(OLD, 2);
    stateful["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    fixture.namespace.create("apps/statefulsets", &stateful);
    fixture.wait_until_ready(OLD, 2);
    fixture.set_image("statefulsets/dex", NEW);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "on-delete",
        "configuration",
        &["OnDelete: 2 pods"],
    );
    let partition = json!({
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } },
    });
    fixture.change("statefulsets/dex", &partition);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "partitioned",
        "configuration",
        &["partition 1: 1 pod will keep the old image"],
    );
    fixture.change(
        "statefulsets/dex",
        &json!({ "updateStrategy": { "rollingUpdate": { "partition": 0 } } }),
    );
    passed(&fixture.verify().run());
}

#[test]
fn a_paused_deployment_fails_at_once() {
    let fixture = PodFixture::new();
    fixture.deploy(OLD, 1);
    fixture.wait_until_ready(OLD, 1);
    fixture.change("deployments/dex", &json!({ "paused": true }));
    fixture.set_image("deployments/dex", NEW);
    let run = fixture.verify().run();
    expect(&run, 10, "paused", "configuration", &["is paused"]);
    assert!(run.elapsed.as_secs() < 3, "{run}");
}

#[test]
fn a_second_container_with_old_tag_fails() {
    let fixture = PodFixture::new();
    let mut deployment = workload(NEW, 1);
    let containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    containers.push(json!({ "name": "worker", "image": OLD }));
    fixture.namespace.create("apps/deployments", &deployment);
    fixture
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "old-pods",
        "environment",
        &[OLD, "container worker"],
    );
}

#[test]
fn a_stalled_rollout_reports_its_pods_reason() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(lab::testbed::scripts::never_ready());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["progressDeadlineSeconds"] = json!(1);
    fixture.namespace.create("apps/deployments", &deployment);
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "not-ready",
        "environment",
        &["the rollout is stuck"],
    );
    let limited = lab::testbed::scripts::image_pull_backoff("429 Too Many Requests");
    fixture.namespace.pods(limited);
    Testbed::shared()
        .kubernetes()
        .delete(&fixture.namespace.path("pods"));
    fixture
        .namespace
        .wait_for_pods("a new pod that cannot pull", |pods| {
            let waiting = pods.iter().filter(|pod| {
                pod["metadata"]["deletionTimestamp"].is_null()
                    && pod.to_string().contains("429 Too Many Requests")
            });
            waiting.count() > 0
        });
    let run = fixture.verify().run();
    expect(
        &run,
        10,
        "image-pull",
        "environment",
        &["429 Too Many Requests"],
    );
}

//! What the cluster's own rules, and the workload's settings, do not let happen.

use lab::testbed::Testbed;
use serde_json::json;

use crate::world::{NEW, OLD, World, expect, passed, workload};

#[test]
fn v27_a_rule_of_the_cluster_is_told_in_its_words() {
    let world = World::new();
    let restricted =
        json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    let path = format!("/api/v1/namespaces/{}", world.namespace.name());
    Testbed::shared().kubernetes().patch(&path, &restricted);
    world.deploy(NEW, 1);
    let run = world.verify().run();
    expect(
        &run,
        10,
        "admission",
        "change",
        &["violates PodSecurity \"restricted:latest\""],
    );
}

#[test]
fn a_quota_that_is_used_up_is_told_for_every_kind() {
    let world = World::new();
    let quota = json!({ "metadata": { "name": "small" }, "spec": { "hard": { "pods": "1" } } });
    world.namespace.create("resourcequotas", &quota);
    lab::wait::until("the quota", || {
        world.namespace.list("resourcequotas")[0]["status"]["hard"]["pods"] == "1"
    });
    world.deploy(NEW, 2);
    world
        .namespace
        .wait_for_pods("the first pod", |pods| pods.len() == 1);
    let mut stateful = workload(NEW, 1);
    stateful["metadata"]["name"] = json!("db");
    world.namespace.create("apps/statefulsets", &stateful);
    let spawned = ["deployment/dex", "statefulset/db"]
        .map(|name| world.verify().args(["--workload", name]).spawn());
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
fn v9_a_strategy_that_leaves_old_pods_alone_is_told_at_once() {
    let world = World::new();
    let mut stateful = workload(OLD, 2);
    stateful["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    world.namespace.create("apps/statefulsets", &stateful);
    world.wait_until_ready(OLD, 2);
    world.set_image("statefulsets/dex", NEW);
    let run = world.verify().run();
    expect(
        &run,
        10,
        "on-delete",
        "configuration",
        &["OnDelete: 2 pods"],
    );
    let partition = json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } } });
    world.change("statefulsets/dex", &partition);
    let run = world.verify().run();
    expect(
        &run,
        10,
        "partitioned",
        "configuration",
        &["partition 1: 1 pod will keep the old image"],
    );
    world.change(
        "statefulsets/dex",
        &json!({ "updateStrategy": { "rollingUpdate": { "partition": 0 } } }),
    );
    passed(&world.verify().run());
}

#[test]
fn a_paused_deployment_is_told_at_once() {
    let world = World::new();
    world.deploy(OLD, 1);
    world.wait_until_ready(OLD, 1);
    world.change("deployments/dex", &json!({ "paused": true }));
    world.set_image("deployments/dex", NEW);
    let run = world.verify().run();
    expect(&run, 10, "paused", "configuration", &["is paused"]);
    assert!(run.elapsed.as_secs() < 3, "{run}");
}

#[test]
fn v37_a_second_container_with_an_old_tag_is_named() {
    let world = World::new();
    let mut deployment = workload(NEW, 1);
    let containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    containers.push(json!({ "name": "worker", "image": OLD }));
    world.namespace.create("apps/deployments", &deployment);
    world
        .namespace
        .wait_for_pods("a pod", |pods| pods.len() == 1);
    let run = world.verify().run();
    expect(
        &run,
        10,
        "old-pods",
        "environment",
        &[OLD, "container worker"],
    );
}

#[test]
fn a_rollout_that_its_controller_gave_up_is_told_by_the_pods_reason() {
    let world = World::new();
    world.namespace.pods(lab::testbed::scripts::never_ready());
    let mut deployment = workload(NEW, 1);
    deployment["spec"]["progressDeadlineSeconds"] = json!(1);
    world.namespace.create("apps/deployments", &deployment);
    let run = world.verify().run();
    expect(
        &run,
        10,
        "not-ready",
        "environment",
        &["the rollout is stuck"],
    );
    let limited = lab::testbed::scripts::image_pull_backoff("429 Too Many Requests");
    world.namespace.pods(limited);
    Testbed::shared()
        .kubernetes()
        .delete(&world.namespace.path("pods"));
    let run = world.verify().run();
    expect(
        &run,
        10,
        "image-pull",
        "environment",
        &["429 Too Many Requests"],
    );
}

//! Old pods, until they are gone.

use lab::testbed::{PodStatus, Testbed, scripts};
use serde_json::json;

use crate::world::{NEW, OLD, World, expect, passed};

/// A Deployment of the old image that is running.
fn running(replicas: u32) -> World {
    let world = World::new();
    world.deploy(OLD, replicas);
    world.wait_until_ready(OLD, replicas as usize);
    world
}

#[test]
fn v6_an_old_pod_that_stays_is_named_with_its_replica_set() {
    let world = running(1);
    world.namespace.pods(|pod| match pod.image == NEW {
        true => PodStatus::running().not_ready(),
        false => PodStatus::running(),
    });
    world.set_image("deployments/dex", NEW);
    let run = world.verify().args(["--timeout", "4s"]).run();
    expect(
        &run,
        11,
        "old-pods",
        "environment",
        &["1 of 2 pods are old", "(ReplicaSet dex-", OLD],
    );
    world.namespace.pods(scripts::healthy);
    passed(&world.verify().run());
}

#[test]
fn v7_v8_an_old_pod_that_does_not_go_is_waited_for_or_noted() {
    let world = running(1);
    let pod = world.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = world.namespace.path(&format!("pods/{pod}"));
    let kubernetes = Testbed::shared().kubernetes();
    kubernetes.patch(
        &path,
        &json!({ "metadata": { "finalizers": ["example.org/drain"] } }),
    );
    world.set_image("deployments/dex", NEW);
    let stuck = world.verify().args(["--timeout", "4s"]).run();
    let kept = format!("{pod} is still terminating, kept by the finalizer example.org/drain");
    expect(&stuck, 11, "old-pods", "environment", &[&kept]);
    assert!(passed(&world.verify().args(["--terminating", "ignore"]).run()).contains(&kept));
    let mut waiting = world.verify().spawn();
    waiting.wait_for("is still terminating");
    kubernetes.patch(&path, &json!({ "metadata": { "finalizers": null } }));
    passed(&waiting.wait());
}

#[test]
fn a_replica_set_that_is_not_kept_may_go_before_its_pods() {
    let world = running(1);
    world.namespace.pods(scripts::stuck_terminating());
    world.change("deployments/dex", &json!({ "revisionHistoryLimit": 0 }));
    world.set_image("deployments/dex", NEW);
    lab::wait::until("the end of the old ReplicaSet", || {
        world.namespace.list("apps/replicasets").len() == 1
    });
    let stuck = world.verify().args(["--timeout", "4s"]).run();
    expect(
        &stuck,
        11,
        "old-pods",
        "environment",
        &["is still terminating"],
    );
}

#[test]
fn a_sick_pod_of_an_older_template_is_no_doom_of_the_same_image() {
    let world = World::new();
    world.namespace.pods(
        |pod| match pod.object["spec"]["containers"][0]["env"].is_array() {
            true => scripts::healthy(pod),
            false => scripts::crash_loop(1, "DEX_URL is not set\n")(pod),
        },
    );
    world.deploy(NEW, 1);
    world.namespace.wait_for_pods("a crash", |pods| {
        pods.iter()
            .any(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() > Some(0))
    });
    let with_setting =
        json!([{ "name": "dex", "image": NEW, "env": [{ "name": "DEX_URL", "value": "x" }] }]);
    world.change(
        "deployments/dex",
        &json!({ "template": { "spec": { "containers": with_setting } } }),
    );
    passed(&world.verify().run());
}

#[test]
fn a_stateful_pod_that_is_made_anew_starts_with_no_past() {
    let world = World::new();
    world
        .namespace
        .create("apps/statefulsets", &crate::world::workload(OLD, 1));
    world.namespace.pods(|pod| match pod.image == OLD {
        true => PodStatus::running().restarted(7, 1, "Error"),
        false => scripts::crash_loop(1, "no such table: users\n")(pod),
    });
    world.wait_until_ready(OLD, 1);
    let mut running = world.verify().spawn();
    running.wait_for("dex-0");
    world.set_image("statefulsets/dex", NEW);
    expect(&running.wait(), 10, "crash-loop", "change", &["dex-0"]);
}

#[test]
fn a_workload_that_is_deleted_meanwhile_refuses_before_the_deadline() {
    let world = running(1);
    let mut waiting = world
        .verify()
        .args(["--workload", "deployment/dex"])
        .spawn();
    waiting.wait_for("pods are old");
    Testbed::shared()
        .kubernetes()
        .delete(&world.namespace.path("apps/deployments/dex"));
    let run = waiting.wait();
    expect(
        &run,
        10,
        "no-pods",
        "configuration",
        &["there is no deployment/dex any more"],
    );
}

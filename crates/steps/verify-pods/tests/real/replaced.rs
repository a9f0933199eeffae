//! Old pods, until they are gone.

use lab::testbed::{ScriptedStatus, Testbed, scripts};
use serde_json::json;

use crate::fixture::{NEW, OLD, PodFixture, expect, passed};

/// A Deployment of the old image that is running.
fn running(replicas: u32) -> PodFixture {
    let fixture = PodFixture::new();
    fixture.deploy(OLD, replicas);
    fixture.wait_until_ready(OLD, replicas as usize);
    fixture
}

#[test]
fn an_old_pod_names_its_replica_set() {
    let fixture = running(1);
    fixture.namespace.pods(|pod| match pod.image.as_str() {
        NEW => ScriptedStatus::running().not_ready(),
        _ => ScriptedStatus::running(),
    });
    fixture.set_image("deployments/dex", NEW);
    let run = fixture.verify().args(["--timeout", "4s"]).run();
    expect(
        &run,
        11,
        "old-pods",
        "environment",
        &["1 of 2 pods are old", "(ReplicaSet dex-", OLD],
    );
    fixture.namespace.pods(scripts::healthy);
    passed(&fixture.verify().run());
}

#[test]
fn a_terminating_pod_is_awaited_or_noted() {
    let fixture = running(1);
    let pod = fixture.namespace.list("pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = fixture.namespace.path(&format!("pods/{pod}"));
    let kubernetes = Testbed::shared().kubernetes();
    kubernetes.patch(
        &path,
        &json!({ "metadata": { "finalizers": ["example.org/drain"] } }),
    );
    fixture.set_image("deployments/dex", NEW);
    let stuck = fixture.verify().args(["--timeout", "4s"]).run();
    let kept = format!("{pod} is still terminating, kept by the finalizer example.org/drain");
    expect(&stuck, 11, "old-pods", "environment", &[&kept]);
    assert!(passed(&fixture.verify().args(["--terminating", "ignore"]).run()).contains(&kept));
    let mut waiting = fixture.verify().spawn();
    waiting.wait_for("is still terminating");
    kubernetes.patch(&path, &json!({ "metadata": { "finalizers": null } }));
    passed(&waiting.wait());
}

#[test]
fn a_replica_set_may_disappear_before_pods() {
    let fixture = running(1);
    fixture.namespace.pods(scripts::stuck_terminating());
    fixture.change("deployments/dex", &json!({ "revisionHistoryLimit": 0 }));
    fixture.set_image("deployments/dex", NEW);
    lab::wait::until("the end of the old ReplicaSet", || {
        fixture.namespace.list("apps/replicasets").len() == 1
    });
    let stuck = fixture.verify().args(["--timeout", "4s"]).run();
    expect(
        &stuck,
        11,
        "old-pods",
        "environment",
        &["is still terminating"],
    );
}

#[test]
fn an_outdated_failing_pod_does_not_count() {
    let fixture = PodFixture::new();
    fixture.namespace.pods(
        |pod| match pod.object["spec"]["containers"][0]["env"].as_array() {
            Some(_) => scripts::healthy(pod),
            None => scripts::crash_loop(1, "DEX_URL is not set\n")(pod),
        },
    );
    fixture.deploy(NEW, 1);
    fixture.namespace.wait_for_pods("a crash", |pods| {
        pods.iter()
            .any(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() > Some(0))
    });
    let with_setting =
        json!([{ "name": "dex", "image": NEW, "env": [{ "name": "DEX_URL", "value": "x" }] }]);
    fixture.change(
        "deployments/dex",
        &json!({ "template": { "spec": { "containers": with_setting } } }),
    );
    passed(&fixture.verify().run());
}

#[test]
fn a_recreated_stateful_pod_has_no_history() {
    let fixture = PodFixture::new();
    fixture
        .namespace
        .create("apps/statefulsets", &crate::fixture::workload(OLD, 1));
    fixture.namespace.pods(|pod| match pod.image.as_str() {
        OLD => ScriptedStatus::running().restarted(7, 1, "Error"),
        _ => scripts::crash_loop(1, "no such table: users\n")(pod),
    });
    fixture.wait_until_ready(OLD, 1);
    let mut running = fixture.verify().spawn();
    running.wait_for("dex-0");
    fixture.set_image("statefulsets/dex", NEW);
    expect(&running.wait(), 10, "crash-loop", "change", &["dex-0"]);
}

#[test]
fn a_deleted_workload_refuses_before_the_deadline() {
    let fixture = running(1);
    let mut waiting = fixture
        .verify()
        .args(["--workload", "deployment/dex"])
        .spawn();
    waiting.wait_for("pods are old");
    Testbed::shared()
        .kubernetes()
        .delete(&fixture.namespace.path("apps/deployments/dex"));
    let run = waiting.wait();
    expect(
        &run,
        10,
        "no-pods",
        "configuration",
        &["there is no deployment/dex any more"],
    );
}

//! Workloads of kinds that a cluster may lack.

use lab::{Faulty, HermeticCommand, ProgramRun, ScriptedReply, SeenRequest};
use serde_json::{Value, json};

use crate::fake_api::{
    IMAGE, TOKEN, expect, is_watch, kubeconfig, list_of, list_with, metadata, of_workload,
    owned_by, quiet, status,
};

/// Lists a Rollout with this status, whose only pod is ready. `None` is a cluster without the kind.
fn cluster(seen: &SeenRequest, rollout: Option<&Value>) -> ScriptedReply {
    if is_watch(seen) {
        return quiet();
    }
    let containers = json!([{ "name": "dex", "image": IMAGE }]);
    let path = seen.path.split('?').next().unwrap_or_default();
    let item = match (path.rsplit('/').next(), rollout) {
        (Some("rollouts"), Some(status)) => json!({
            "metadata": metadata("dex", &json!([])),
            "spec": { "replicas": 1, "template": { "spec": { "containers": containers } } },
            "status": status,
        }),
        (Some("rollouts"), None) => return ScriptedReply::status(404),
        (Some("replicasets"), _) => json!({
            "metadata": metadata("dex-1", &owned_by("Rollout", "dex")),
            "spec": { "replicas": 1 },
        }),
        _ => return list_with(seen, &json!([{ "type": "Ready", "status": "True" }])),
    };
    list_of(&item)
}

fn verify(rollout: Option<Value>) -> ProgramRun {
    let server = Faulty::answering(move |seen| cluster(seen, rollout.as_ref()));
    of_rollout(&server).args(["--timeout", "3s"]).run()
}

fn of_rollout(server: &Faulty) -> HermeticCommand {
    let config = kubeconfig(&server.url(), None, &json!({ "token": TOKEN }));
    of_workload("rollout/dex", &config.to_string())
}

fn rollout(phase: &str, message: &str) -> Value {
    json!({
        "observedGeneration": "1",
        "replicas": 1,
        "updatedReplicas": 1,
        "availableReplicas": 1,
        "phase": phase,
        "message": message,
    })
}

#[test]
fn a_rollout_says_itself_whether_it_is_healthy() {
    let healthy = verify(Some(rollout("Healthy", "")));
    healthy.expect_code(0);
    assert_eq!(healthy.json()["notices"], json!([]), "{healthy}");
    let paused = verify(Some(rollout("Paused", "CanaryPauseStep")));
    expect(&paused, 11, "not-available", "environment");
    let summary = paused.json()["summary"].to_string();
    assert!(
        summary.contains("rollout says: Paused: CanaryPauseStep"),
        "{paused}"
    );
    let aborted = verify(Some(rollout("Degraded", "RolloutAborted: metric")));
    expect(&aborted, 10, "not-ready", "environment");
}

#[test]
fn a_kind_that_the_cluster_lacks_is_named() {
    let run = verify(None);
    run.expect_code(0);
    let notices = run.json()["notices"].to_string();
    assert!(
        notices.contains("rollout/dex") && notices.contains("wait-argo"),
        "{run}"
    );
}

#[test]
fn a_missing_permission_for_rollouts_is_named() {
    let server = Faulty::answering(|seen| {
        if seen.path.contains("/rollouts") {
            return status(403, "Forbidden", "rollouts.argoproj.io is forbidden");
        }
        cluster(seen, None)
    });
    let run = of_rollout(&server).run();
    expect(&run, 21, "permission-missing", "configuration");
    let hints = run.json()["hints"].to_string();
    assert!(hints.contains(kubernetes::ROLLOUTS.line), "{run}");
}

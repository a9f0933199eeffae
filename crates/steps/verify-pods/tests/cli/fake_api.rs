//! An API server that the tests play, and the command that asks it.

use lab::{HermeticCommand, ProgramRun, ScriptedReply, SeenRequest};
use serde_json::{Value, json};

pub(crate) const IMAGE: &str = "ghcr.io/data-literate/dex:v2";
pub(crate) const TOKEN: &str = "s3cr3t-of-the-kubeconfig";

/// Returns a kubeconfig for a server and a user.
pub(crate) fn kubeconfig(server: &str, ca_pem: Option<&str>, user: &Value) -> Value {
    use base64::Engine as _;
    let ca = ca_pem.map(|pem| base64::engine::general_purpose::STANDARD.encode(pem));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "c",
            "cluster": { "server": server, "certificate-authority-data": ca },
        }],
        "users": [{ "name": "u", "user": user }],
        "contexts": [{ "name": "here", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "here",
    })
}

/// Verifies one Deployment with a kubeconfig in the home directory.
pub(crate) fn with_config(config: &str) -> HermeticCommand {
    of_workload("deployment/dex", config)
}

/// Verifies one workload with a kubeconfig in the home directory.
pub(crate) fn of_workload(workload: &str, config: &str) -> HermeticCommand {
    let verify = HermeticCommand::new(env!("CARGO_BIN_EXE_verify-pods"));
    let file = verify.home().join("kubeconfig");
    std::fs::write(&file, config).unwrap();
    verify
        .args([
            "--namespace",
            "dex-prod",
            "--workload",
            workload,
            "--format",
            "json",
        ])
        .env("RUNBOOK_IMAGE", IMAGE)
        .env("RUNBOOK_TIMEOUT", "20s")
        .env("RUNBOOK_SOAK", "0")
        .env("KUBECONFIG", file)
}

pub(crate) fn at(server: &str) -> HermeticCommand {
    with_config(&kubeconfig(server, None, &json!({ "token": TOKEN })).to_string())
}

/// Returns code, reason and fault.
pub(crate) fn outcome(run: &ProgramRun) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

#[track_caller]
pub(crate) fn expect(run: &ProgramRun, code: i32, reason: &str, fault: &str) {
    assert_eq!(outcome(run), (code, json!(reason), json!(fault)), "{run}");
}

/// Returns an error in the format of the API.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> ScriptedReply {
    ScriptedReply::json(
        code,
        &json!({
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }),
    )
}

/// Lists one Deployment with one pod.
pub(crate) fn list(seen: &SeenRequest, ready: bool) -> ScriptedReply {
    list_with(
        seen,
        &json!([{ "type": "Ready", "status": if ready { "True" } else { "False" } }]),
    )
}

/// Returns the metadata of an object.
pub(crate) fn metadata(name: &str, owners: &Value) -> Value {
    json!({
        "name": name,
        "namespace": "dex-prod",
        "uid": name,
        "resourceVersion": "5",
        "generation": 1,
        "ownerReferences": owners,
    })
}

/// Returns the owner references of an object with one owner.
pub(crate) fn owned_by(kind: &str, name: &str) -> Value {
    json!([{
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": name,
        "uid": name,
        "controller": true,
    }])
}

/// Lists them with these conditions of the pod.
pub(crate) fn list_with(seen: &SeenRequest, conditions: &Value) -> ScriptedReply {
    let ready = conditions[0]["status"] == "True";
    let container = json!({ "name": "dex", "ready": ready, "state": { "running": {} } });
    list_with_container(seen, conditions, &container)
}

/// Lists them with these conditions of the pod and this status of its container.
pub(crate) fn list_with_container(
    seen: &SeenRequest,
    conditions: &Value,
    container: &Value,
) -> ScriptedReply {
    let containers = json!([{ "name": "dex", "image": IMAGE }]);
    let template = json!({ "spec": { "containers": containers } });
    let item = match seen
        .path
        .split('?')
        .next()
        .unwrap_or_default()
        .rsplit('/')
        .next()
    {
        Some("deployments") => json!({
            "metadata": metadata("dex", &json!([])),
            "spec": { "replicas": 1, "template": template },
            "status": { "observedGeneration": 1, "updatedReplicas": 1 },
        }),
        Some("replicasets") => {
            json!({ "metadata": metadata("dex-1", &owned_by("Deployment", "dex")) })
        }
        _ => json!({
            "metadata": metadata("dex-1-a", &owned_by("ReplicaSet", "dex-1")),
            "spec": { "nodeName": "node-1", "containers": containers },
            "status": {
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": [container],
            },
        }),
    };
    list_of(&item)
}

/// Returns a list of one object.
pub(crate) fn list_of(item: &Value) -> ScriptedReply {
    ScriptedReply::json(
        200,
        &json!({
            "kind": "List",
            "apiVersion": "v1",
            "metadata": { "resourceVersion": "7" },
            "items": [item],
        }),
    )
}

pub(crate) fn is_watch(seen: &SeenRequest) -> bool {
    seen.query("watch").is_some()
}

/// Returns a watch without events.
pub(crate) fn quiet() -> ScriptedReply {
    ScriptedReply::status(200)
        .header("Content-Type", "application/json")
        .filled(b' ', 1000)
        .headers_only()
}

pub(crate) fn answering(
    ready: bool,
) -> impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static {
    move |seen| {
        if is_watch(seen) {
            quiet()
        } else {
            list(seen, ready)
        }
    }
}

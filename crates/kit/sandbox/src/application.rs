//! The applications, as Argo CD writes them.

use serde_json::{Value, json};

use crate::{
    objects::{back_off, pull_error, set_name, time, uid},
    rollout::{RolloutPhase, RolloutPod, RolloutSet},
    state::AppState,
};

/// Returns the application.
pub(crate) fn application(app: &AppState, remote: &str) -> Value {
    let name = &app.app.name;
    let mut value = json!({
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "uid": name,
            "resourceVersion": app.version.to_string(),
            "annotations": {},
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": remote,
                "path": app.app.overlay,
                "targetRevision": app.app.branch,
            },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": name },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
        "status": status(app),
    });
    if app.syncing.is_some() {
        value["operation"] = operation(app);
    }
    value
}

/// Returns the tree of an application's resources.
pub(crate) fn tree(app: &AppState) -> Value {
    let mut nodes = vec![node(app, "apps", "Deployment", "dex")];
    for set in &app.sets {
        let set_name = set_name(set);
        let mut replica_set = node(app, "apps", "ReplicaSet", &set_name);
        let revision = format!("Rev:{}", set.number);
        replica_set["info"] = json!([{ "name": "Revision", "value": revision }]);
        replica_set["parentRefs"] = json!([parent(app, "Deployment", "dex")]);
        nodes.push(replica_set);
        for pod in &set.pods {
            let mut value = node(app, "", "Pod", &pod.name);
            value["parentRefs"] = json!([parent(app, "ReplicaSet", &set_name)]);
            value["images"] = json!([set.image]);
            value["createdAt"] = json!(time(pod.created));
            (value["health"], value["info"]) = pod_info(set, pod);
            nodes.push(value);
        }
    }
    json!({ "nodes": nodes })
}

fn status(app: &AppState) -> Value {
    let syncing = app.syncing.is_some();
    let health = if app.is_healthy() && !syncing {
        "Healthy"
    } else {
        "Progressing"
    };
    let sync = if syncing { "OutOfSync" } else { "Synced" };
    let images: Vec<&str> = app.sets.iter().map(|set| &*set.image).collect();
    json!({
        "sync": { "status": sync, "revision": app.revision },
        "health": { "status": health },
        "operationState": operation_state(app),
        "reconciledAt": time(app.compared),
        "summary": { "images": images },
        "resources": [{
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": app.app.name,
            "name": "dex",
            "status": sync,
            "health": { "status": health },
        }],
    })
}

fn operation(app: &AppState) -> Value {
    json!({
        "sync": { "revision": app.last_sync.revision },
        "initiatedBy": { "automated": true },
    })
}

fn operation_state(app: &AppState) -> Value {
    let syncing = app.syncing.is_some();
    let mut state = json!({
        "phase": if syncing { "Running" } else { "Succeeded" },
        "operation": operation(app),
        "startedAt": time(app.last_sync.started),
        "syncResult": { "revision": app.last_sync.revision },
    });
    if !syncing {
        state["finishedAt"] = json!(time(app.last_sync.finished));
        state["message"] = json!("successfully synced (all tasks run)");
    }
    state
}

fn node(app: &AppState, group: &str, kind: &str, name: &str) -> Value {
    json!({
        "group": group,
        "version": "v1",
        "kind": kind,
        "namespace": app.app.name,
        "name": name,
        "uid": uid(app, name),
        "parentRefs": [],
        "createdAt": time(app.compared),
    })
}

fn parent(app: &AppState, kind: &str, name: &str) -> Value {
    let (namespace, uid) = (&app.app.name, uid(app, name));
    json!({ "group": "apps", "kind": kind, "namespace": namespace, "name": name, "uid": uid })
}

/// Returns health and info of a pod (`controller/cache/info.go`, `populatePodInfo`).
fn pod_info(set: &RolloutSet, pod: &RolloutPod) -> (Value, Value) {
    let (reason, health) = match pod.phase {
        RolloutPhase::Creating => ("ContainerCreating", json!({ "status": "Progressing" })),
        RolloutPhase::PullFailed => (
            "ErrImagePull",
            json!({ "status": "Degraded", "message": pull_error(set) }),
        ),
        RolloutPhase::BackOff => (
            "ImagePullBackOff",
            json!({ "status": "Degraded", "message": back_off(set) }),
        ),
        RolloutPhase::Started => ("Running", json!({ "status": "Progressing" })),
        RolloutPhase::Ready => ("Running", json!({ "status": "Healthy" })),
        RolloutPhase::Terminating => ("Terminating", json!({ "status": "Progressing" })),
    };
    let ready = u8::from(pod.phase == RolloutPhase::Ready);
    let info = json!([
        { "name": "Status Reason", "value": reason },
        { "name": "Node", "value": "node-1" },
        { "name": "Containers", "value": format!("{ready}/1") },
    ]);
    (health, info)
}

//! The same state as Kubernetes and as Argo CD write it.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::{
    delivery::{AppState, State},
    rollout::{Phase, Pod, REPLICAS, ReplicaSet},
};

/// Returns a time as Kubernetes writes it, in seconds.
pub(crate) fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Returns the objects of a kind in a namespace.
pub(crate) fn objects(state: &State, namespace: &str, kind: &str) -> Vec<Value> {
    let Some(app) = state.apps.iter().find(|app| app.app.name == namespace) else {
        return Vec::new();
    };
    match kind {
        "pods" => app
            .sets
            .iter()
            .flat_map(|set| set.pods.iter().map(|pod| self::pod(app, set, pod)))
            .collect(),
        "replicasets" => app.sets.iter().map(|set| replica_set(app, set)).collect(),
        "deployments" => app
            .newest()
            .map(|newest| deployment(app, newest))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn labels(set: &ReplicaSet) -> Value {
    json!({ "app": "dex", "pod-template-hash": hash(set) })
}

fn hash(set: &ReplicaSet) -> String {
    format!("{:08x}", set.number)
}

fn set_name(set: &ReplicaSet) -> String {
    format!("dex-{}", hash(set))
}

fn uid(app: &AppState, name: &str) -> String {
    format!("{}/{name}", app.app.name)
}

fn template(set: &ReplicaSet) -> Value {
    json!({ "metadata": { "labels": labels(set) }, "spec": { "containers": [{ "name": "dex", "image": set.image }] } })
}

fn pod(app: &AppState, set: &ReplicaSet, pod: &Pod) -> Value {
    let ready = pod.phase == Phase::Ready;
    let up = matches!(
        pod.phase,
        Phase::Started | Phase::Ready | Phase::Terminating
    );
    let condition = |kind: &str, good: bool| json!({ "type": kind, "status": if good { "True" } else { "False" }, "lastTransitionTime": time(pod.created) });
    let mut value = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name, "namespace": app.app.name, "uid": uid(app, &pod.name),
            "resourceVersion": pod.version.to_string(), "creationTimestamp": time(pod.created), "labels": labels(set),
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set_name(set), "uid": uid(app, &set_name(set)), "controller": true }],
        },
        "spec": { "nodeName": "node-1", "containers": [{ "name": "dex", "image": set.image }] },
        "status": {
            "phase": if up { "Running" } else { "Pending" },
            "startTime": time(pod.created),
            "conditions": [condition("PodScheduled", true), condition("Initialized", true), condition("Ready", ready)],
            "containerStatuses": [container(set, pod, ready, up)],
        },
    });
    if pod.phase == Phase::Terminating {
        value["metadata"]["deletionTimestamp"] = Value::from(time(SystemTime::now()));
        value["metadata"]["deletionGracePeriodSeconds"] = Value::from(30);
    }
    value
}

fn container(set: &ReplicaSet, pod: &Pod, ready: bool, up: bool) -> Value {
    let name = set
        .image
        .rsplit_once(':')
        .map_or(set.image.as_str(), |(name, _)| name);
    let image_id = set
        .digest
        .as_ref()
        .filter(|_| up)
        .map(|digest| format!("{name}@{digest}"))
        .unwrap_or_default();
    let state = match pod.phase {
        Phase::Creating => json!({ "waiting": { "reason": "ContainerCreating" } }),
        Phase::PullFailed => {
            json!({ "waiting": { "reason": "ErrImagePull", "message": pull_error(set) } })
        }
        Phase::BackOff => {
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{}\": ErrImagePull: {}", set.image, pull_error(set)) } })
        }
        _ => json!({ "running": { "startedAt": time(pod.created) } }),
    };
    json!({ "name": "dex", "image": set.image, "imageID": image_id, "ready": ready, "started": up, "restartCount": 0, "state": state, "lastState": {} })
}

/// What containerd says when a registry does not have the tag.
fn pull_error(set: &ReplicaSet) -> String {
    let image = &set.image;
    format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
}

fn replica_set(app: &AppState, set: &ReplicaSet) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": set_name(set), "namespace": app.app.name, "uid": uid(app, &set_name(set)), "generation": 1,
            "resourceVersion": app.version.to_string(), "creationTimestamp": time(app.compared), "labels": labels(set),
            "annotations": { "deployment.kubernetes.io/revision": set.number.to_string() },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "dex", "uid": uid(app, "dex"), "controller": true }],
        },
        "spec": { "replicas": set.pods.len(), "selector": { "matchLabels": labels(set) }, "template": template(set) },
        "status": { "observedGeneration": 1, "replicas": set.pods.len(), "fullyLabeledReplicas": set.pods.len(), "readyReplicas": set.ready(), "availableReplicas": set.ready() },
    })
}

fn deployment(app: &AppState, newest: &ReplicaSet) -> Value {
    let all: usize = app
        .sets
        .iter()
        .map(|set| {
            set.pods
                .iter()
                .filter(|pod| pod.phase != Phase::Terminating)
                .count()
        })
        .sum();
    let ready: usize = app.sets.iter().map(ReplicaSet::ready).sum();
    let done = newest.is_ready() && all == REPLICAS;
    let reason = if done {
        "NewReplicaSetAvailable"
    } else {
        "ReplicaSetUpdated"
    };
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "dex", "namespace": app.app.name, "uid": uid(app, "dex"), "generation": newest.number,
            "resourceVersion": app.version.to_string(), "creationTimestamp": time(app.compared),
            "annotations": { "deployment.kubernetes.io/revision": newest.number.to_string() },
        },
        "spec": {
            "replicas": REPLICAS, "selector": { "matchLabels": { "app": "dex" } }, "progressDeadlineSeconds": 600,
            "template": { "metadata": { "labels": { "app": "dex" } }, "spec": { "containers": [{ "name": "dex", "image": newest.image }] } },
        },
        "status": {
            "observedGeneration": newest.number, "replicas": all, "updatedReplicas": newest.pods.len(),
            "readyReplicas": ready, "availableReplicas": ready,
            "conditions": [
                { "type": "Available", "status": if ready >= REPLICAS { "True" } else { "False" }, "reason": "MinimumReplicasAvailable" },
                { "type": "Progressing", "status": "True", "reason": reason },
            ],
        },
    })
}

/// Returns the application as Argo CD shows it.
pub(crate) fn application(app: &AppState, remote: &str) -> Value {
    let syncing = app.syncing.is_some();
    let (started, finished, synced) = &app.synced;
    let operation = json!({ "sync": { "revision": synced }, "initiatedBy": { "automated": true } });
    let mut state = json!({
        "phase": if syncing { "Running" } else { "Succeeded" },
        "operation": operation, "startedAt": time(*started),
        "syncResult": { "revision": synced },
    });
    if !syncing {
        state["finishedAt"] = Value::from(time(*finished));
        state["message"] = Value::from("successfully synced (all tasks run)");
    }
    let health = if app.is_healthy() && !syncing {
        "Healthy"
    } else {
        "Progressing"
    };
    let mut value = json!({
        "metadata": { "name": app.app.name, "namespace": "argocd", "uid": app.app.name, "resourceVersion": app.version.to_string(), "annotations": {} },
        "spec": {
            "project": "default",
            "source": { "repoURL": remote, "path": app.app.overlay, "targetRevision": app.app.branch },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": app.app.name },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
        "status": {
            "sync": { "status": if syncing { "OutOfSync" } else { "Synced" }, "revision": app.revision },
            "health": { "status": health },
            "operationState": state, "reconciledAt": time(app.compared),
            "summary": { "images": app.sets.iter().map(|set| set.image.clone()).collect::<Vec<_>>() },
            "resources": [{ "group": "apps", "version": "v1", "kind": "Deployment", "namespace": app.app.name, "name": "dex",
                "status": if syncing { "OutOfSync" } else { "Synced" }, "health": { "status": health } }],
        },
    });
    if syncing {
        value["operation"] = operation;
    }
    value
}

/// Returns the tree of an application's resources.
pub(crate) fn tree(app: &AppState) -> Value {
    let node = |group: &str, kind: &str, name: &str, parent: Option<(&str, &str)>| {
        let parents: Vec<Value> = parent.iter().map(|(kind, name)| json!({ "group": "apps", "kind": kind, "namespace": app.app.name, "name": name, "uid": uid(app, name) })).collect();
        json!({ "group": group, "version": "v1", "kind": kind, "namespace": app.app.name, "name": name, "uid": uid(app, name), "parentRefs": parents, "createdAt": time(app.compared) })
    };
    let mut nodes = vec![node("apps", "Deployment", "dex", None)];
    for set in &app.sets {
        let mut replica_set = node(
            "apps",
            "ReplicaSet",
            &set_name(set),
            Some(("Deployment", "dex")),
        );
        replica_set["info"] =
            json!([{ "name": "Revision", "value": format!("Rev:{}", set.number) }]);
        nodes.push(replica_set);
        for pod in &set.pods {
            let mut value = node("", "Pod", &pod.name, Some(("ReplicaSet", &set_name(set))));
            value["images"] = json!([set.image]);
            value["createdAt"] = Value::from(time(pod.created));
            (value["health"], value["info"]) = seen(set, pod);
            nodes.push(value);
        }
    }
    json!({ "nodes": nodes })
}

/// What Argo CD makes of a pod (`controller/cache/info.go`, `populatePodInfo`).
fn seen(set: &ReplicaSet, pod: &Pod) -> (Value, Value) {
    let (reason, health) = match pod.phase {
        Phase::Creating => ("ContainerCreating", json!({ "status": "Progressing" })),
        Phase::PullFailed => (
            "ErrImagePull",
            json!({ "status": "Degraded", "message": pull_error(set) }),
        ),
        Phase::BackOff => {
            let message = format!(
                "Back-off pulling image \"{}\": ErrImagePull: {}",
                set.image,
                pull_error(set)
            );
            (
                "ImagePullBackOff",
                json!({ "status": "Degraded", "message": message }),
            )
        }
        Phase::Started => ("Running", json!({ "status": "Progressing" })),
        Phase::Ready => ("Running", json!({ "status": "Healthy" })),
        Phase::Terminating => ("Terminating", json!({ "status": "Progressing" })),
    };
    let ready = u8::from(pod.phase == Phase::Ready);
    let info = json!([
        { "name": "Status Reason", "value": reason },
        { "name": "Node", "value": "node-1" },
        { "name": "Containers", "value": format!("{ready}/1") },
    ]);
    (health, info)
}

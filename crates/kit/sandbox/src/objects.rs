//! The objects of the cluster, as Kubernetes writes them.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::{
    rollout::{REPLICAS, RolloutPhase, RolloutPod, RolloutSet},
    state::{AppState, SandboxState},
};

/// Returns the objects of a kind in a namespace.
pub(crate) fn objects(state: &SandboxState, namespace: &str, kind: &str) -> Vec<Value> {
    let Some(app) = state.apps.iter().find(|app| app.app.name == namespace) else {
        return Vec::new();
    };
    match kind {
        "pods" => pods(app),
        "replicasets" => app.sets.iter().map(|set| replica_set(app, set)).collect(),
        "deployments" => {
            let newest = app.newest().into_iter();
            newest.map(|newest| deployment(app, newest)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a time as Kubernetes writes it, in seconds.
pub(crate) fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

pub(crate) fn uid(app: &AppState, name: &str) -> String {
    format!("{}/{name}", app.app.name)
}

pub(crate) fn set_name(set: &RolloutSet) -> String {
    format!("dex-{}", hash(set))
}

/// Returns containerd's message for a tag that the registry does not have.
pub(crate) fn pull_error(set: &RolloutSet) -> String {
    let image = &set.image;
    format!(
        "failed to pull and unpack image \"{image}\": \
         failed to resolve reference \"{image}\": {image}: not found"
    )
}

/// Returns the kubelet's message while it waits between two pulls.
pub(crate) fn back_off(set: &RolloutSet) -> String {
    let (image, error) = (&set.image, pull_error(set));
    format!("Back-off pulling image \"{image}\": ErrImagePull: {error}")
}

fn pods(app: &AppState) -> Vec<Value> {
    let mut pods = Vec::new();
    for set in &app.sets {
        pods.extend(set.pods.iter().map(|one| pod(app, set, one)));
    }
    pods
}

fn labels(set: &RolloutSet) -> Value {
    json!({ "app": "dex", "pod-template-hash": hash(set) })
}

fn hash(set: &RolloutSet) -> String {
    format!("{:08x}", set.number)
}

fn pod_spec(set: &RolloutSet) -> Value {
    json!({ "containers": [{ "name": "dex", "image": set.image }] })
}

fn owner(app: &AppState, kind: &str, name: &str) -> Value {
    let uid = uid(app, name);
    json!({ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true })
}

fn status(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

fn pod(app: &AppState, set: &RolloutSet, pod: &RolloutPod) -> Value {
    let mut spec = pod_spec(set);
    spec["nodeName"] = json!("node-1");
    let mut value = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": app.app.name,
            "uid": uid(app, &pod.name),
            "resourceVersion": pod.version.to_string(),
            "creationTimestamp": time(pod.created),
            "labels": labels(set),
            "ownerReferences": [owner(app, "ReplicaSet", &set_name(set))],
        },
        "spec": spec,
        "status": pod_status(set, pod),
    });
    if pod.phase == RolloutPhase::Terminating {
        value["metadata"]["deletionTimestamp"] = json!(time(SystemTime::now()));
        value["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    }
    value
}

fn pod_status(set: &RolloutSet, pod: &RolloutPod) -> Value {
    let created = time(pod.created);
    let condition = |kind: &str, holds: bool| {
        let status = status(holds);
        json!({ "type": kind, "status": status, "lastTransitionTime": created })
    };
    json!({
        "phase": if is_up(pod) { "Running" } else { "Pending" },
        "startTime": created,
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("Ready", pod.phase == RolloutPhase::Ready),
        ],
        "containerStatuses": [container(set, pod)],
    })
}

fn is_up(pod: &RolloutPod) -> bool {
    matches!(
        pod.phase,
        RolloutPhase::Started | RolloutPhase::Ready | RolloutPhase::Terminating
    )
}

fn container(set: &RolloutSet, pod: &RolloutPod) -> Value {
    let up = is_up(pod);
    let name = set
        .image
        .rsplit_once(':')
        .map_or(&*set.image, |(name, _)| name);
    let digest = set.digest.as_ref().filter(|_| up);
    let image_id = digest.map(|digest| format!("{name}@{digest}"));
    json!({
        "name": "dex",
        "image": set.image,
        "imageID": image_id.unwrap_or_default(),
        "ready": pod.phase == RolloutPhase::Ready,
        "started": up,
        "restartCount": 0,
        "state": container_state(set, pod),
        "lastState": {},
    })
}

fn container_state(set: &RolloutSet, pod: &RolloutPod) -> Value {
    match pod.phase {
        RolloutPhase::Creating => json!({ "waiting": { "reason": "ContainerCreating" } }),
        RolloutPhase::PullFailed => {
            json!({ "waiting": { "reason": "ErrImagePull", "message": pull_error(set) } })
        }
        RolloutPhase::BackOff => {
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": back_off(set) } })
        }
        _ => json!({ "running": { "startedAt": time(pod.created) } }),
    }
}

fn replica_set(app: &AppState, set: &RolloutSet) -> Value {
    let (name, replicas, ready) = (set_name(set), set.pods.len(), set.ready());
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": app.app.name,
            "uid": uid(app, &name),
            "generation": 1,
            "resourceVersion": app.version.to_string(),
            "creationTimestamp": time(app.compared),
            "labels": labels(set),
            "annotations": { "deployment.kubernetes.io/revision": set.number.to_string() },
            "ownerReferences": [owner(app, "Deployment", "dex")],
        },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels(set) },
            "template": { "metadata": { "labels": labels(set) }, "spec": pod_spec(set) },
        },
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "fullyLabeledReplicas": replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    })
}

fn deployment(app: &AppState, newest: &RolloutSet) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "dex",
            "namespace": app.app.name,
            "uid": uid(app, "dex"),
            "generation": newest.number,
            "resourceVersion": app.version.to_string(),
            "creationTimestamp": time(app.compared),
            "annotations": { "deployment.kubernetes.io/revision": newest.number.to_string() },
        },
        "spec": {
            "replicas": REPLICAS,
            "selector": { "matchLabels": { "app": "dex" } },
            "progressDeadlineSeconds": 600,
            "template": { "metadata": { "labels": { "app": "dex" } }, "spec": pod_spec(newest) },
        },
        "status": deployment_status(app, newest),
    })
}

fn deployment_status(app: &AppState, newest: &RolloutSet) -> Value {
    let all: usize = app.sets.iter().map(RolloutSet::running).sum();
    let ready: usize = app.sets.iter().map(RolloutSet::ready).sum();
    let reason = if newest.is_ready() && all == REPLICAS {
        "NewReplicaSetAvailable"
    } else {
        "ReplicaSetUpdated"
    };
    json!({
        "observedGeneration": newest.number,
        "replicas": all,
        "updatedReplicas": newest.pods.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [
            {
                "type": "Available",
                "status": status(ready >= REPLICAS),
                "reason": "MinimumReplicasAvailable",
            },
            { "type": "Progressing", "status": "True", "reason": reason },
        ],
    })
}

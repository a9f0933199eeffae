//! Reads a pod of the rules from Kubernetes' JSON.

use pods::{Container, Owner, Pod, PodCondition, PodPhase, RunState, Termination};
use serde_json::Value;

pub(super) fn read(object: &Value) -> Pod {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    Pod {
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        id: text(&metadata["uid"]),
        phase: phase(status["phase"].as_str()),
        reason: text(&status["reason"]),
        message: text(&status["message"]),
        conditions: list(&status["conditions"]).map(condition).collect(),
        init_containers: containers(&spec["initContainers"], &status["initContainerStatuses"]),
        containers: containers(&spec["containers"], &status["containerStatuses"]),
        terminating: metadata["deletionTimestamp"].as_str().map(str::to_owned),
        finalizers: list(&metadata["finalizers"]).map(text).collect(),
        node: spec["nodeName"].as_str().map(str::to_owned),
        owner: list(&metadata["ownerReferences"])
            .next()
            .map(|owner| Owner {
                kind: text(&owner["kind"]),
                name: text(&owner["name"]),
            }),
        claims: list(&spec["volumes"])
            .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
            .map(str::to_owned)
            .collect(),
        memory_limit: memory_limit(spec),
        ..Pod::default()
    }
}

/// Returns the memory limit of a pod or of a container.
fn memory_limit(spec: &Value) -> Option<String> {
    let limit = spec["resources"]["limits"]["memory"].as_str();
    limit.map(str::to_owned)
}

fn containers(specs: &Value, statuses: &Value) -> Vec<Container> {
    let status = |name: &Value| {
        list(statuses)
            .find(|status| status["name"] == *name)
            .unwrap_or(&Value::Null)
    };
    list(specs)
        .map(|spec| container(spec, status(&spec["name"])))
        .collect()
}

fn container(spec: &Value, status: &Value) -> Container {
    Container {
        name: text(&spec["name"]),
        image: text(&spec["image"]),
        image_id: text(&status["imageID"]),
        ready: status["ready"] == true,
        state: state(&status["state"]),
        last: status["lastState"]["terminated"]
            .as_object()
            .map(|_| ended(&status["lastState"]["terminated"])),
        restarts: status["restartCount"]
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        sidecar: spec["restartPolicy"] == "Always",
        memory_limit: memory_limit(spec),
        probe: probe(&spec["readinessProbe"]["httpGet"]),
        ..Container::default()
    }
}

fn state(state: &Value) -> RunState {
    if state["waiting"].is_object() {
        let waiting = &state["waiting"];
        return RunState::Waiting {
            reason: text(&waiting["reason"]),
            message: text(&waiting["message"]),
        };
    }
    if state["terminated"].is_object() {
        return RunState::Terminated(ended(&state["terminated"]));
    }
    if state["running"].is_object() {
        RunState::Running
    } else {
        RunState::Unknown
    }
}

fn ended(value: &Value) -> Termination {
    let code = value["exitCode"]
        .as_i64()
        .and_then(|code| i32::try_from(code).ok())
        .unwrap_or(-1);
    Termination {
        code,
        reason: text(&value["reason"]),
        message: text(&value["message"]),
    }
}

fn condition(value: &Value) -> PodCondition {
    PodCondition {
        kind: text(&value["type"]),
        is_true: value["status"] == "True",
        reason: text(&value["reason"]),
        message: text(&value["message"]),
    }
}

fn probe(get: &Value) -> Option<String> {
    let path = get["path"].as_str()?;
    let port = get["port"]
        .as_str()
        .map(str::to_owned)
        .or_else(|| get["port"].as_u64().map(|p| p.to_string()));
    Some(format!("GET :{}{path}", port.unwrap_or_default()))
}

fn phase(word: Option<&str>) -> PodPhase {
    match word {
        Some("Pending") => PodPhase::Pending,
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        _ => PodPhase::Unknown,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_json_becomes_a_pod() {
        let pod = read(&serde_json::json!({
            "metadata": {
                "namespace": "n", "name": "p",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "r"}],
            },
            "spec": {
                "nodeName": "node-1",
                "containers": [{
                    "name": "dex", "image": "x:v1",
                    "resources": {"limits": {"memory": "256Mi"}},
                }],
            },
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [{
                    "name": "dex", "restartCount": 3, "imageID": "x@sha256:a",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                }],
            },
        }));
        let container = &pod.containers[0];
        assert_eq!(
            (pod.phase, pod.is_ready(), container.restarts),
            (PodPhase::Running, false, 3)
        );
        assert_eq!(container.last.as_ref().map(|last| last.code), Some(137));
        assert!(
            matches!(&container.state, RunState::Waiting { reason, .. } if reason == "CrashLoopBackOff")
        );
        assert_eq!(container.memory_limit.as_deref(), Some("256Mi"));
    }
}

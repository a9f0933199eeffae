//! Converts the objects of the API to the values that the rules judge.

mod controller;
mod extension;
mod mirrored;
mod others;
mod owners;
mod previous;

use std::{collections::BTreeMap, mem};

use kubernetes as k;
use pods::{
    Container, Owner, Pod, PodCondition, PodPhase, PreviousTemplate, Rollout, RunState,
    Termination, WorkloadKind,
};

use self::{controller::controller, owners::Owners};
use super::{NamespaceState, WorkloadState, mask::masked};
use crate::{Request, request::WorkloadName};

/// Converts the requested workloads of a namespace and all of its pods.
pub(super) fn namespace(name: &str, view: &k::NamespaceView, request: &Request) -> NamespaceState {
    let mut members = Members::sorted(view, request.max_log_lines);
    let mut workloads = Vec::new();
    for (kind, objects) in &view.workloads {
        for object in objects.values() {
            let mut rollout = Rollout {
                previous: previous::template(view, object),
                ..rollout(*kind, object)
            };
            if request.selects(&rollout) {
                let pods = members.take(&rollout);
                if rollout.images.is_empty() {
                    // A Rollout may refer to the template of a Deployment (`workloadRef`).
                    rollout.images = others::images(&pods);
                }
                let pods = pods.into();
                workloads.push(WorkloadState { rollout, pods });
            }
        }
    }
    let mut unread = Vec::new();
    for name in request
        .workloads
        .iter()
        .filter(|name| is_unread(name, view))
    {
        let pods = members.take_owned_by(name);
        unread.push(name.to_string());
        if let Some(rollout) = others::rollout(name, view, &pods) {
            let pods = pods.into();
            workloads.push(WorkloadState { rollout, pods });
        }
    }
    NamespaceState {
        name: name.to_owned(),
        workloads,
        strangers: members.strangers,
        unread,
    }
}

/// Returns whether only the pods of a workload are known, not its own status.
fn is_unread(name: &WorkloadName, view: &k::NamespaceView) -> bool {
    matches!(name.kind, WorkloadKind::Other(_)) || view.lacks(controller_kind(&name.kind))
}

/// The pods of a namespace, by the workload that they belong to.
#[derive(Default)]
struct Members {
    /// By the unique id of the workload: any pod may claim to be of a name.
    of: BTreeMap<String, Vec<Pod>>,
    /// The pods of no known workload.
    strangers: Vec<Pod>,
}

impl Members {
    /// Sorts all pods of a namespace.
    fn sorted(view: &k::NamespaceView, max_log_lines: usize) -> Self {
        let (mut members, owners) = (Self::default(), Owners::of(view));
        for object in view.pods.values() {
            let mut pod = pod(object);
            pod.limit_termination_messages(max_log_lines);
            match owners.workload_of(object) {
                Some(owner) => {
                    pod.outdated = owners.are_newer(object, owner);
                    let uid = owner.workload.metadata.uid.clone();
                    members
                        .of
                        .entry(uid.unwrap_or_default())
                        .or_default()
                        .push(pod);
                }
                None => {
                    pod.owner = owners.root_of(object);
                    members.strangers.push(pod);
                }
            }
        }
        members
    }

    /// Takes the pods that name a workload of another kind as their owner, or whose ReplicaSet does.
    fn take_owned_by(&mut self, name: &WorkloadName) -> Vec<Pod> {
        let (owned, others) = mem::take(&mut self.strangers)
            .into_iter()
            .partition(|pod| others::is_owner(name, pod));
        self.strangers = others;
        owned
    }

    /// Takes the pods of one workload.
    fn take(&mut self, workload: &Rollout) -> Vec<Pod> {
        self.of.remove(&workload.id).unwrap_or_default()
    }
}

fn pod(object: &k::PodObject) -> Pod {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let owner = controller(meta);
    Pod {
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        id: meta.uid.clone().unwrap_or_default(),
        phase: phase(&status.phase),
        reason: status.reason.clone(),
        message: status.message.clone(),
        conditions: status.conditions.iter().map(condition).collect(),
        init_containers: containers(&spec.init_containers, &status.init_container_statuses),
        containers: containers(&spec.containers, &status.container_statuses),
        terminating: meta
            .deletion_timestamp
            .as_ref()
            .map(|time| time.0.to_string()),
        finalizers: meta.finalizers.clone().unwrap_or_default(),
        node: spec.node_name.clone(),
        owner: owner.map(|owner| Owner {
            kind: owner.kind.clone(),
            name: owner.name.clone(),
        }),
        outdated: false,
        claims: spec
            .volumes
            .iter()
            .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone()))
            .collect(),
        memory_limit: spec.resources.limits.get("memory").cloned(),
    }
}

fn phase(word: &str) -> PodPhase {
    match word {
        "Pending" => PodPhase::Pending,
        "Running" => PodPhase::Running,
        "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ => PodPhase::Unknown,
    }
}

fn condition(condition: &k::StatusCondition) -> PodCondition {
    PodCondition {
        kind: condition.kind.clone(),
        is_true: condition.status == "True",
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    }
}

fn containers(specs: &[k::ContainerSpec], statuses: &[k::ContainerStatus]) -> Vec<Container> {
    let container = |spec: &k::ContainerSpec| {
        let status = statuses.iter().find(|status| status.name == spec.name);
        let status = status.cloned().unwrap_or_default();
        Container {
            name: spec.name.clone(),
            image: spec.image.clone(),
            image_id: status.image_id,
            ready: status.ready,
            state: state(&status.state),
            last: status.last_state.terminated.as_ref().map(ended),
            restarts: status.restart_count,
            sidecar: spec.restart_policy.as_deref() == Some("Always"),
            memory_limit: spec.resources.limits.get("memory").cloned(),
            resources: resources(&spec.resources),
            probe: spec.readiness_probe.as_ref().and_then(probe),
        }
    };
    specs.iter().map(container).collect()
}

/// Returns all requests and limits in one text.
fn resources(resources: &k::ContainerResources) -> String {
    let all = resources.requests.iter().chain(&resources.limits);
    let texts: Vec<String> = all
        .map(|(name, amount)| format!("{name}={amount}"))
        .collect();
    texts.join(" ")
}

fn state(state: &k::ContainerState) -> RunState {
    match (&state.waiting, &state.running, &state.terminated) {
        (_, _, Some(end)) => RunState::Terminated(ended(end)),
        (_, Some(_), _) => RunState::Running,
        (Some(waiting), ..) => RunState::Waiting {
            reason: waiting.reason.clone(),
            message: waiting.message.clone(),
        },
        _ => RunState::Unknown,
    }
}

fn ended(end: &k::TerminatedState) -> Termination {
    // The message may be the end of the log, so likely secrets are masked as they are there.
    let lines: Vec<String> = end.message.lines().map(masked).collect();
    Termination {
        code: end.exit_code,
        reason: end.reason.clone(),
        message: lines.join("\n"),
    }
}

/// Returns what a probe asks: `GET :8080/readyz`.
fn probe(probe: &k::ReadinessProbe) -> Option<String> {
    if let Some(get) = &probe.http_get {
        return Some(format!("GET :{}{}", port(&get.port), get.path));
    }
    if let Some(socket) = &probe.tcp_socket {
        return Some(format!("connect :{}", port(&socket.port)));
    }
    if let Some(grpc) = &probe.grpc {
        return Some(format!("grpc :{}", port(&grpc.port)));
    }
    let exec = probe.exec.as_ref()?;
    Some(format!("`{}`", exec.command.join(" ")))
}

/// A port is a number or a name.
fn port(port: &serde_json::Value) -> String {
    port.as_str()
        .map_or_else(|| port.to_string(), str::to_owned)
}

fn rollout(kind: k::ControllerKind, object: &k::Workload) -> Rollout {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let (wanted, updated) = replicas(kind, object);
    let strategy = &spec.update_strategy;
    Rollout {
        kind: workload_kind(kind),
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        id: meta.uid.clone().unwrap_or_default(),
        images: images(&spec.template.spec),
        observed: status
            .observed_generation
            .is_some_and(|observed| meta.generation.is_none_or(|current| observed >= current)),
        wanted,
        updated,
        paused: spec.paused || strategy.paused,
        on_delete: strategy.kind == "OnDelete",
        partition: match &strategy.rolling_update {
            Some(rolling) => rolling.partition.unwrap_or(0),
            None => extension::partition(&strategy.partition, wanted),
        },
        stalled: message(status, |condition| {
            condition.kind == "Progressing"
                && condition.status == "False"
                && condition.reason == "ProgressDeadlineExceeded"
        })
        .or_else(|| extension::degraded(kind, status)),
        replica_failure: message(status, |condition| {
            condition.kind == "ReplicaFailure" && condition.status == "True"
        }),
        available: available(kind, object),
        min_ready_seconds: spec.min_ready_seconds,
        not_available: message(status, |condition| {
            condition.kind == "Available" && condition.status == "False"
        })
        .or_else(|| extension::not_healthy(kind, status)),
        ordered: kind == k::ControllerKind::StatefulSet && spec.pod_management_policy != "Parallel",
        previous: PreviousTemplate::Unknown,
    }
}

/// Returns the number of wanted pods, and of pods of the current template.
fn replicas(kind: k::ControllerKind, object: &k::Workload) -> (u32, u32) {
    let status = &object.status;
    if kind == k::ControllerKind::DaemonSet {
        let wanted = status.desired_number_scheduled;
        return (wanted, status.updated_number_scheduled);
    }
    (object.spec.replicas.unwrap_or(1), status.updated_replicas)
}

/// Returns the number of pods that the controller counts as available. The API leaves out a zero,
/// so the number of the others may be all that it tells; old versions tell neither.
fn available(kind: k::ControllerKind, object: &k::Workload) -> Option<u32> {
    let status = &object.status;
    let (wanted, _) = replicas(kind, object);
    let (available, others) = if kind == k::ControllerKind::DaemonSet {
        (status.number_available, status.number_unavailable)
    } else {
        (status.available_replicas, status.unavailable_replicas)
    };
    available.or_else(|| others.map(|others| wanted.saturating_sub(others)))
}

fn images(template: &k::PodSpec) -> Vec<String> {
    template
        .init_containers
        .iter()
        .chain(&template.containers)
        .map(|container| container.image.clone())
        .collect()
}

/// Returns the message of the first condition that is meant.
fn message(
    status: &k::ControllerStatus,
    is_meant: impl Fn(&k::StatusCondition) -> bool,
) -> Option<String> {
    let mut conditions = status.conditions.iter();
    conditions
        .find(|condition| is_meant(condition))
        .map(|condition| condition.message.clone())
}

fn workload_kind(kind: k::ControllerKind) -> WorkloadKind {
    match kind {
        k::ControllerKind::Deployment => WorkloadKind::Deployment,
        k::ControllerKind::StatefulSet => WorkloadKind::StatefulSet,
        k::ControllerKind::DaemonSet => WorkloadKind::DaemonSet,
        k::ControllerKind::Rollout => WorkloadKind::Rollout,
        k::ControllerKind::CloneSet => WorkloadKind::CloneSet,
    }
}

/// Returns the kind as the API client has it. Pods of another kind may belong to it through
/// ReplicaSets, as those of a Deployment.
pub(super) fn controller_kind(kind: &WorkloadKind) -> k::ControllerKind {
    match kind {
        WorkloadKind::Deployment | WorkloadKind::Other(_) => k::ControllerKind::Deployment,
        WorkloadKind::StatefulSet => k::ControllerKind::StatefulSet,
        WorkloadKind::DaemonSet => k::ControllerKind::DaemonSet,
        WorkloadKind::Rollout => k::ControllerKind::Rollout,
        WorkloadKind::CloneSet => k::ControllerKind::CloneSet,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_zero_that_is_left_out_is_still_a_zero() {
        use k::ControllerKind::{DaemonSet, Deployment, StatefulSet};
        let available = |kind, status| {
            let spec = json!({ "replicas": 2 });
            let object = json!({ "spec": spec, "status": status });
            rollout(kind, &serde_json::from_value(object).unwrap()).available
        };
        let nodes = json!({ "desiredNumberScheduled": 2, "numberUnavailable": 2 });
        for (kind, status, expected) in [
            (
                Deployment,
                json!({ "availableReplicas": 1, "unavailableReplicas": 1 }),
                Some(1),
            ),
            (Deployment, json!({ "unavailableReplicas": 2 }), Some(0)),
            (Deployment, json!({}), None),
            (StatefulSet, json!({ "availableReplicas": 0 }), Some(0)),
            (DaemonSet, nodes, Some(0)),
            (DaemonSet, json!({ "numberAvailable": 2 }), Some(2)),
        ] {
            assert_eq!(
                available(kind, status.clone()),
                expected,
                "{kind:?} {status}"
            );
        }
    }

    #[test]
    fn only_an_ordered_stateful_set_waits_for_each_pod() {
        let ordered = |kind, policy: &str| {
            let object = json!({ "spec": { "podManagementPolicy": policy } });
            rollout(kind, &serde_json::from_value(object).unwrap()).ordered
        };
        assert!(ordered(k::ControllerKind::StatefulSet, "OrderedReady"));
        assert!(ordered(k::ControllerKind::StatefulSet, ""));
        assert!(!ordered(k::ControllerKind::StatefulSet, "Parallel"));
        assert!(!ordered(k::ControllerKind::Deployment, ""));
    }
}

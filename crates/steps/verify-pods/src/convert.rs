//! From the objects of the API to the values that the rules judge.

use std::collections::BTreeMap;

use kubernetes as k;
use pods::{
    Container, Owner, Pod, PodCondition, PodPhase, Rollout, RunState, Termination, WorkloadKind,
};

/// The pods of a namespace, by the workload that they belong to.
#[derive(Default)]
pub(crate) struct Members {
    of: BTreeMap<(WorkloadKind, String), Vec<Pod>>,
    /// Those of no workload: made by hand, by a job, by a controller that is not known here.
    pub(crate) strangers: Vec<Pod>,
}

impl Members {
    /// Sorts all pods of a namespace.
    pub(crate) fn sorted(view: &k::View) -> Self {
        let (mut members, templates) = (Self::default(), Templates::of(view));
        for object in view.pods.values() {
            let mut pod = pod(object);
            match workload_of(object, view) {
                Some((kind, name)) => {
                    pod.outdated = templates.are_newer(object, kind, &name);
                    members
                        .of
                        .entry((kind_of(kind), name))
                        .or_default()
                        .push(pod);
                }
                None => members.strangers.push(pod),
            }
        }
        members
    }

    /// Takes those of one workload.
    pub(crate) fn take(&mut self, workload: &Rollout) -> Vec<Pod> {
        self.of
            .remove(&(workload.kind, workload.name.clone()))
            .unwrap_or_default()
    }
}

/// Makes a pod of an object.
fn pod(object: &k::Pod) -> Pod {
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
        owner: owner.map(|(kind, name)| Owner { kind, name }),
        outdated: false,
        claims: spec
            .volumes
            .iter()
            .filter_map(|it| Some(it.persistent_volume_claim.as_ref()?.claim_name.clone()))
            .collect(),
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

fn condition(condition: &k::Condition) -> PodCondition {
    PodCondition {
        kind: condition.kind.clone(),
        is_true: condition.status == "True",
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    }
}

fn containers(specs: &[k::Container], statuses: &[k::ContainerStatus]) -> Vec<Container> {
    let container = |spec: &k::Container| {
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
            probe: spec.readiness_probe.as_ref().and_then(probe),
        }
    };
    specs.iter().map(container).collect()
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

fn ended(end: &k::Terminated) -> Termination {
    Termination {
        code: end.exit_code,
        reason: end.reason.clone(),
        message: end.message.clone(),
    }
}

fn probe(probe: &k::Probe) -> Option<String> {
    let port =
        |get: &serde_json::Value| get.as_str().map_or_else(|| get.to_string(), str::to_owned);
    let http = probe
        .http_get
        .as_ref()
        .map(|get| format!("GET :{}{}", port(&get.port), get.path));
    let tcp = || {
        probe
            .tcp_socket
            .as_ref()
            .map(|get| format!("connect :{}", port(&get.port)))
    };
    let grpc = || {
        probe
            .grpc
            .as_ref()
            .map(|get| format!("grpc :{}", port(&get.port)))
    };
    let exec = || {
        probe
            .exec
            .as_ref()
            .map(|exec| format!("`{}`", exec.command.join(" ")))
    };
    http.or_else(tcp).or_else(grpc).or_else(exec)
}

/// Makes a rollout of a workload.
pub(crate) fn rollout(kind: k::Kind, object: &k::Workload) -> Rollout {
    let (meta, spec, status) = (&object.metadata, &object.spec, &object.status);
    let daemon = kind == k::Kind::DaemonSet;
    let template = &spec.template.spec;
    let says = |kind: &str, status: &str, reason: Option<&str>| {
        let right = |it: &&k::Condition| {
            it.kind == kind && it.status == status && reason.is_none_or(|r| it.reason == r)
        };
        object
            .status
            .conditions
            .iter()
            .find(right)
            .map(|it| it.message.clone())
    };
    Rollout {
        kind: kind_of(kind),
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        id: meta.uid.clone().unwrap_or_default(),
        images: template
            .init_containers
            .iter()
            .chain(&template.containers)
            .map(|it| it.image.clone())
            .collect(),
        observed: status
            .observed_generation
            .is_some_and(|seen| meta.generation.is_none_or(|asked| seen >= asked)),
        wanted: if daemon {
            status.desired_number_scheduled
        } else {
            spec.replicas.unwrap_or(1)
        },
        updated: if daemon {
            status.updated_number_scheduled
        } else {
            status.updated_replicas
        },
        paused: spec.paused,
        on_delete: spec.update_strategy.kind == "OnDelete",
        partition: spec
            .update_strategy
            .rolling_update
            .as_ref()
            .and_then(|it| it.partition)
            .unwrap_or(0),
        stalled: says("Progressing", "False", Some("ProgressDeadlineExceeded")),
        replica_failure: says("ReplicaFailure", "True", None),
    }
}

/// The same kinds, as the rules know them.
fn kind_of(kind: k::Kind) -> WorkloadKind {
    match kind {
        k::Kind::Deployment => WorkloadKind::Deployment,
        k::Kind::StatefulSet => WorkloadKind::StatefulSet,
        k::Kind::DaemonSet => WorkloadKind::DaemonSet,
    }
}

/// The same kinds, as the API knows them.
pub(crate) fn api_kind(kind: WorkloadKind) -> k::Kind {
    match kind {
        WorkloadKind::Deployment => k::Kind::Deployment,
        WorkloadKind::StatefulSet => k::Kind::StatefulSet,
        WorkloadKind::DaemonSet => k::Kind::DaemonSet,
    }
}

/// Returns the workload that a pod belongs to; a Deployment's are owned by its ReplicaSets.
fn workload_of(object: &k::Pod, view: &k::View) -> Option<(k::Kind, String)> {
    let (kind, name) = controller(&object.metadata)?;
    let (kind, name) = match view
        .replica_sets
        .get(&name)
        .filter(|_| kind == "ReplicaSet")
    {
        Some(set) => controller(&set.metadata)?,
        // A ReplicaSet that is not kept for the history is gone before its last pods are.
        None if kind == "ReplicaSet" => {
            ("Deployment".to_owned(), name.rsplit_once('-')?.0.to_owned())
        }
        None => (kind, name),
    };
    let kind = k::Kind::ALL
        .into_iter()
        .find(|known| known.name() == kind)?;
    view.workload(kind, &name).map(|_| (kind, name))
}

fn controller(meta: &k::ObjectMeta) -> Option<(String, String)> {
    let owner = meta
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    Some((owner.kind.clone(), owner.name.clone()))
}

/// Which template of each workload is the newest one.
struct Templates<'v> {
    view: &'v k::View,
    /// By Deployment.
    revisions: BTreeMap<String, u64>,
}

impl<'v> Templates<'v> {
    fn of(view: &'v k::View) -> Self {
        let mut revisions = BTreeMap::new();
        for set in view.replica_sets.values() {
            if let (Some((_, deployment)), Some(revision)) =
                (controller(&set.metadata), revision(set))
            {
                let newest = revisions.entry(deployment).or_insert(revision);
                *newest = revision.max(*newest);
            }
        }
        Self { view, revisions }
    }

    /// Returns whether a pod was made of an older one; what is not known is no.
    fn are_newer(&self, object: &k::Pod, kind: k::Kind, name: &str) -> bool {
        let label = |label| mark(object.metadata.labels.as_ref(), label);
        let Some(workload) = self.view.workload(kind, name) else {
            return false;
        };
        let wanted = match kind {
            k::Kind::Deployment => return self.are_newer_than_set(object, name),
            k::Kind::StatefulSet => Some(workload.status.update_revision.as_str()),
            k::Kind::DaemonSet => mark(workload.metadata.annotations.as_ref(), k::GENERATION),
        };
        let own = label(if kind == k::Kind::DaemonSet {
            k::GENERATION_LABEL
        } else {
            k::REVISION_LABEL
        });
        own.zip(wanted.filter(|it| !it.is_empty()))
            .is_some_and(|(own, wanted)| own != wanted)
    }

    fn are_newer_than_set(&self, object: &k::Pod, deployment: &str) -> bool {
        let set =
            controller(&object.metadata).and_then(|(_, set)| self.view.replica_sets.get(&set));
        let Some(set) = set else { return true };
        revision(set)
            .zip(self.revisions.get(deployment))
            .is_some_and(|(own, newest)| own < *newest)
    }
}

fn revision(set: &k::ReplicaSet) -> Option<u64> {
    mark(set.metadata.annotations.as_ref(), k::REVISION)?
        .parse()
        .ok()
}

fn mark<'a>(marks: Option<&'a k::Labels>, name: &str) -> Option<&'a str> {
    marks?.get(name).map(String::as_str)
}

//! A pod as one line, as `kubectl get pods` and Argo CD's tree show it.

use crate::{
    Container, Owner, Pod, PodCondition, PodPhase, RunState, Termination, pod::is_eviction,
};

/// A pod as one line, as `kubectl get pods` and Argo CD's tree show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The word for its state: `Running`, `ImagePullBackOff`, `Init:CrashLoopBackOff`, `Init:0/1`,
    /// `OOMKilled` (`Status Reason` among the `info` of a tree's node).
    pub status: String,
    /// The explanation (`health.message` of a tree's node).
    pub message: String,
    /// The images of its containers.
    pub images: Vec<String>,
    /// The restarts of all containers together.
    pub restarts: u32,
    /// Whether all of its containers are ready.
    pub ready: bool,
    /// The node that it runs on.
    pub node: Option<String>,
    /// The controller that created it.
    pub owner: Option<Owner>,
}

impl Pod {
    /// Makes a pod from one line. The line does not tell which container its status is about, so
    /// that container has no name.
    pub fn from_summary(summary: Summary) -> Self {
        let (is_init, word) = match summary.status.strip_prefix("Init:") {
            Some(word) => (true, word.to_owned()),
            None => (false, summary.status.clone()),
        };
        let (culprit, others) = containers(&summary, &word);
        let (init_containers, containers) = if is_init {
            (vec![culprit], others)
        } else {
            (Vec::new(), [vec![culprit], others].concat())
        };
        Self {
            phase: phase_of(&word),
            conditions: conditions_of(&word, &summary.message),
            terminating: (word == "Terminating").then(String::new),
            reason: Some(word)
                .filter(|word| is_eviction(word))
                .unwrap_or_default(),
            init_containers,
            containers,
            namespace: summary.namespace,
            name: summary.name,
            message: summary.message,
            node: summary.node,
            owner: summary.owner,
            ..Self::default()
        }
    }
}

/// Returns the container that the line describes, and one for each other image.
fn containers(summary: &Summary, word: &str) -> (Container, Vec<Container>) {
    let mut containers = summary.images.iter().map(|image| Container {
        image: image.clone(),
        ..Container::default()
    });
    let culprit = Container {
        state: state_of(word, &summary.message),
        restarts: summary.restarts,
        ready: summary.ready,
        ..containers.next().unwrap_or_default()
    };
    (culprit, containers.collect())
}

fn state_of(word: &str, message: &str) -> RunState {
    match word {
        "" | "Pending" | "Unknown" | "Terminating" => RunState::Unknown,
        "Running" => RunState::Running,
        // `Init:0/1` counts init containers and is no reason.
        _ if word.contains('/') || is_eviction(word) => RunState::Unknown,
        _ => match exit_code_of(word) {
            Some(code) => RunState::Terminated(Termination {
                code,
                reason: word.to_owned(),
                message: message.to_owned(),
            }),
            None => RunState::Waiting {
                reason: word.to_owned(),
                message: message.to_owned(),
            },
        },
    }
}

/// Returns the exit code that a word means: `ExitCode:3`, or the usual code of a named end.
fn exit_code_of(word: &str) -> Option<i32> {
    match word {
        "Completed" | "Succeeded" => Some(0),
        "OOMKilled" => Some(137),
        "Error" | "ContainerCannotRun" | "StartError" | "DeadlineExceeded" | "Failed" => Some(1),
        _ => word.strip_prefix("ExitCode:")?.parse().ok(),
    }
}

fn phase_of(word: &str) -> PodPhase {
    match word {
        "Running" | "CrashLoopBackOff" | "OOMKilled" | "Error" => PodPhase::Running,
        "Completed" | "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ if is_eviction(word) => PodPhase::Failed,
        "" | "Unknown" => PodPhase::Unknown,
        _ => PodPhase::Pending,
    }
}

/// Returns the scheduler's condition, the only one that a line tells.
fn conditions_of(word: &str, message: &str) -> Vec<PodCondition> {
    let reason = match word {
        "SchedulingGated" => "SchedulingGated",
        "Unschedulable" => "Unschedulable",
        "Pending" if message.contains("nodes are available") => "Unschedulable",
        _ => return Vec::new(),
    };
    vec![PodCondition {
        kind: "PodScheduled".to_owned(),
        is_true: false,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }]
}

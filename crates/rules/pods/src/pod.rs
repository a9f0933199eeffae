//! A pod, as far as its fate hangs on it.

/// A pod. Fill in what is known and leave the rest at its default: an empty text is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.uid`: a StatefulSet gives the name of a pod that went to the one that follows.
    pub id: String,
    /// `status.phase`.
    pub phase: PodPhase,
    /// `status.reason`: `Evicted`.
    pub reason: String,
    /// `status.message`.
    pub message: String,
    /// `status.conditions`.
    pub conditions: Vec<PodCondition>,
    /// Its init containers, those that go on as sidecars among them.
    pub init_containers: Vec<Container>,
    /// Its main containers; injected ones and those for debugging are no harm.
    pub containers: Vec<Container>,
    /// `metadata.deletionTimestamp`, once somebody has deleted it.
    pub terminating: Option<String>,
    /// `metadata.finalizers`: who keeps it when it is deleted.
    pub finalizers: Vec<String>,
    /// The node that it is on.
    pub node: Option<String>,
    /// Who made it.
    pub owner: Option<Owner>,
    /// Whether its workload has a newer template than the one that it was made of.
    pub outdated: bool,
    /// The volume claims that it names.
    pub claims: Vec<String>,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PodPhase {
    /// Not all containers have been started once.
    Pending,
    /// On a node, all containers were started.
    Running,
    /// All containers ended well, and none is started again.
    Succeeded,
    /// A container ended badly, and none is started again.
    Failed,
    /// The node does not answer, or it is not known.
    #[default]
    Unknown,
}

/// One condition of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodCondition {
    /// `Ready`, `PodScheduled`, …
    pub kind: String,
    /// Whether it is `True`.
    pub is_true: bool,
    /// `Unschedulable`, `SchedulingGated`, …
    pub reason: String,
    /// The words for it.
    pub message: String,
}

/// The controller of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, `DaemonSet`, `Job`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A container: what was wanted and what is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name; empty when it is not known which one it is.
    pub name: String,
    /// The image of the specification. The status shows another tag of the same bytes at times
    /// (kubernetes/kubernetes#51017), so its `image` is never compared.
    pub image: String,
    /// `imageID` of the status; empty until it was started.
    pub image_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// What it does.
    pub state: RunState,
    /// How it ended the last time, if it was started again.
    pub last: Option<Termination>,
    /// How often it was started again.
    pub restarts: u32,
    /// Whether it is an init container that goes on running (`restartPolicy: Always`).
    pub sidecar: bool,
    /// The memory it may take: `256Mi`.
    pub memory_limit: Option<String>,
    /// What its readiness probe asks: `GET :8080/readyz`.
    pub probe: Option<String>,
}

/// What a container does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RunState {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// It waits.
    Waiting {
        /// `ContainerCreating`, `ImagePullBackOff`, …
        reason: String,
        /// The words for it.
        message: String,
    },
    /// It runs.
    Running,
    /// It has ended.
    Terminated(Termination),
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Termination {
    /// Its exit code.
    pub code: i32,
    /// `OOMKilled`, `Error`, `Completed`, `StartError`, …
    pub reason: String,
    /// The words for it.
    pub message: String,
}

/// A pod as one line, the way `kubectl get pods` and Argo CD's tree show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The word for its state: `Running`, `ImagePullBackOff`, `Init:CrashLoopBackOff`, `Init:0/1`,
    /// `OOMKilled` (`Status Reason` among the `info` of a tree's node).
    pub status: String,
    /// The words for it (`health.message` of a tree's node).
    pub message: String,
    /// The images of its containers.
    pub images: Vec<String>,
    /// How often its containers were started again, all together.
    pub restarts: u32,
    /// Whether all of its containers are ready.
    pub ready: bool,
    /// The node it is on.
    pub node: Option<String>,
    /// Who made it.
    pub owner: Option<Owner>,
}

impl Pod {
    /// Makes a pod of one line. Which container it is about is not known then, so it has no name.
    pub fn from_summary(summary: Summary) -> Self {
        let (init, word) = match summary.status.strip_prefix("Init:") {
            Some(word) => (true, word),
            None => (false, summary.status.as_str()),
        };
        let state = state_of(word, &summary.message);
        let image = summary.images.first().cloned().unwrap_or_default();
        let restarts = summary.restarts;
        let culprit = Container {
            image,
            state,
            restarts,
            ready: summary.ready,
            ..Container::default()
        };
        let others = summary.images.iter().skip(1);
        let others = others.map(|image| Container {
            image: image.clone(),
            ..Container::default()
        });
        let (init_containers, containers) = if init {
            (vec![culprit], others.collect())
        } else {
            (Vec::new(), std::iter::once(culprit).chain(others).collect())
        };
        Self {
            phase: phase_of(word),
            reason: if is_of_the_pod(word) {
                word.to_owned()
            } else {
                String::new()
            },
            conditions: conditions_of(word, &summary.message),
            init_containers,
            containers,
            terminating: (word == "Terminating").then(String::new),
            namespace: summary.namespace,
            name: summary.name,
            message: summary.message,
            node: summary.node,
            owner: summary.owner,
            ..Self::default()
        }
    }

    /// Returns a condition by its name.
    pub fn condition(&self, kind: &str) -> Option<&PodCondition> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// Returns the scheduler's words, while no node takes it; one that waits at a gate was not tried yet.
    pub fn unschedulable(&self) -> Option<&PodCondition> {
        self.condition("PodScheduled")
            .filter(|it| !it.is_true && it.reason == "Unschedulable")
    }

    /// Returns whether it is ready, as its own condition says.
    pub fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|ready| ready.is_true)
    }

    /// Returns whether somebody has deleted it.
    pub fn is_terminating(&self) -> bool {
        self.terminating.is_some()
    }

    /// Returns whether it has ended, for good or bad.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, PodPhase::Succeeded | PodPhase::Failed)
    }

    /// Returns whether its node gave it up; that is no fault of what runs in it, and its controller
    /// makes another one.
    pub fn was_evicted(&self) -> bool {
        self.phase == PodPhase::Failed && is_of_the_pod(&self.reason)
    }

    /// Returns all containers, those that come first first.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// Returns how often all of its containers were started again.
    pub fn restarts(&self) -> u32 {
        self.all_containers()
            .map(|container| container.restarts)
            .sum()
    }

    /// Returns whether it is on a node and nothing is known of its containers but that they are made.
    pub fn is_being_created(&self) -> bool {
        let creating = |container: &Container| matches!(&container.state, RunState::Waiting { reason, .. } if reason == "ContainerCreating" || reason == "PodInitializing");
        self.node.is_some() && self.containers.iter().any(creating) && !self.has_ended()
    }
}

/// The words that are reasons of a whole pod: its node gave it up.
fn is_of_the_pod(word: &str) -> bool {
    const WORDS: [&str; 9] = [
        "Evicted",
        "Preempting",
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
        "NodeAffinity",
        "UnexpectedAdmissionError",
        "TopologyAffinityError",
    ];
    WORDS.contains(&word) || word.starts_with("OutOf")
}

fn state_of(word: &str, message: &str) -> RunState {
    let ended = |code: i32| {
        RunState::Terminated(Termination {
            code,
            reason: word.to_owned(),
            message: message.to_owned(),
        })
    };
    match word {
        "" | "Pending" | "Unknown" | "Terminating" => RunState::Unknown,
        "Running" => RunState::Running,
        "Completed" | "Succeeded" => ended(0),
        "OOMKilled" => ended(137),
        "Error" | "ContainerCannotRun" | "StartError" | "DeadlineExceeded" | "Failed" => ended(1),
        _ => match word
            .strip_prefix("ExitCode:")
            .and_then(|code| code.parse().ok())
        {
            Some(code) => ended(code),
            // `Init:0/1` counts init containers and is no reason.
            None if word.contains('/') || is_of_the_pod(word) => RunState::Unknown,
            None => RunState::Waiting {
                reason: word.to_owned(),
                message: message.to_owned(),
            },
        },
    }
}

fn phase_of(word: &str) -> PodPhase {
    match word {
        "Running" | "CrashLoopBackOff" | "OOMKilled" | "Error" => PodPhase::Running,
        "Completed" | "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ if is_of_the_pod(word) => PodPhase::Failed,
        "" | "Unknown" => PodPhase::Unknown,
        _ => PodPhase::Pending,
    }
}

/// The scheduler's words are the only ones that name it in a line.
fn conditions_of(word: &str, message: &str) -> Vec<PodCondition> {
    let unschedulable =
        word == "Unschedulable" || (word == "Pending" && message.contains("nodes are available"));
    let gated = word == "SchedulingGated";
    if !unschedulable && !gated {
        return Vec::new();
    }
    let reason = if gated {
        "SchedulingGated"
    } else {
        "Unschedulable"
    };
    vec![PodCondition {
        kind: "PodScheduled".to_owned(),
        is_true: false,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }]
}

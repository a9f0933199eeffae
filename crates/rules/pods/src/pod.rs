//! A pod, reduced to what decides about its failures and its image.

/// A pod. Set the fields that are known and leave the others at their default: an empty text means
/// unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.uid`: a StatefulSet gives a new pod the name of the deleted one.
    pub id: String,
    /// `status.phase`.
    pub phase: PodPhase,
    /// `status.reason`: `Evicted`.
    pub reason: String,
    /// `status.message`.
    pub message: String,
    /// `status.conditions`.
    pub conditions: Vec<PodCondition>,
    /// Its init containers, sidecars included.
    pub init_containers: Vec<Container>,
    /// Its main containers; injected ones and those for debugging do no harm.
    pub containers: Vec<Container>,
    /// `metadata.deletionTimestamp`, once the pod is deleted.
    pub terminating: Option<String>,
    /// `metadata.finalizers`: they keep a deleted pod.
    pub finalizers: Vec<String>,
    /// The node that it runs on.
    pub node: Option<String>,
    /// The controller that created it.
    pub owner: Option<Owner>,
    /// Whether its workload has a newer template than the pod.
    pub outdated: bool,
    /// The volume claims that it names.
    pub claims: Vec<String>,
    /// The memory limit of the whole pod: `1Gi`.
    pub memory_limit: Option<String>,
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PodPhase {
    /// Not all containers have started once.
    Pending,
    /// The pod has a node, and all containers have started.
    Running,
    /// All containers have succeeded, and none will restart.
    Succeeded,
    /// A container has failed, and none will restart.
    Failed,
    /// The node does not answer, or the phase is unknown.
    #[default]
    Unknown,
}

/// `status.conditions[]` of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodCondition {
    /// `Ready`, `PodScheduled`, …
    pub kind: String,
    /// Whether it is `True`.
    pub is_true: bool,
    /// `Unschedulable`, `SchedulingGated`, …
    pub reason: String,
    /// The explanation.
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

/// A container: its specification and its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name; empty when unknown.
    pub name: String,
    /// The image of the specification. The `image` of the status may show another tag of the same
    /// bytes (kubernetes/kubernetes#51017), so it is never compared.
    pub image: String,
    /// `imageID` of the status; empty until the container has started.
    pub image_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Its current state.
    pub state: RunState,
    /// How it ended the last time, if it has restarted.
    pub last: Option<Termination>,
    /// How many times it restarted.
    pub restarts: u32,
    /// Whether it is an init container that keeps running (`restartPolicy: Always`).
    pub sidecar: bool,
    /// Its memory limit: `256Mi`.
    pub memory_limit: Option<String>,
    /// All of its requests and limits in one text, to notice that they were changed in place.
    pub resources: String,
    /// The request of its readiness probe: `GET :8080/readyz`.
    pub probe: Option<String>,
}

/// The state of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RunState {
    /// Unknown, or not reported yet.
    #[default]
    Unknown,
    /// It waits.
    Waiting {
        /// `ContainerCreating`, `ImagePullBackOff`, …
        reason: String,
        /// The explanation.
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
    /// The explanation.
    pub message: String,
}

impl Pod {
    /// Returns a condition by its name.
    pub fn condition(&self, kind: &str) -> Option<&PodCondition> {
        self.conditions
            .iter()
            .find(|condition| condition.kind == kind)
    }

    /// Returns the scheduler's explanation, while it finds no node for the pod. A pod that waits at
    /// a scheduling gate was not tried yet.
    pub fn unschedulable(&self) -> Option<&PodCondition> {
        self.condition("PodScheduled")
            .filter(|scheduled| !scheduled.is_true && scheduled.reason == "Unschedulable")
    }

    /// Returns whether the condition `Ready` is true.
    pub fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|ready| ready.is_true)
    }

    /// Returns whether the pod was deleted and still exists.
    pub fn is_terminating(&self) -> bool {
        self.terminating.is_some()
    }

    /// Returns whether the pod has succeeded or failed.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, PodPhase::Succeeded | PodPhase::Failed)
    }

    /// Returns whether its node gave the pod up: it evicted or rejected it. Its controller creates
    /// another pod. A pod whose containers failed has no reason of its own.
    pub fn was_given_up(&self) -> bool {
        let is_disrupted = self
            .condition("DisruptionTarget")
            .is_some_and(|target| target.is_true);
        let has_reason = !self.reason.is_empty() && self.reason != "DeadlineExceeded";
        self.phase == PodPhase::Failed && (has_reason || is_disrupted)
    }

    /// Returns the node that does not answer any more, if so. The node controller only takes away
    /// the condition `Ready`: all else in the status is what the node said last.
    pub fn lost_node(&self) -> Option<&str> {
        let is_unknown = self.phase == PodPhase::Unknown || self.reason == "NodeLost";
        let was_taken = self.condition("Ready").is_some_and(|ready| {
            !ready.is_true && ready.reason.is_empty() && ready.message.is_empty()
        });
        let is_well = self.phase == PodPhase::Running
            && !self.containers.is_empty()
            && self.containers.iter().all(|container| container.ready);
        let is_lost = is_unknown || (was_taken && is_well);
        self.node.as_deref().filter(|_| is_lost)
    }

    /// Returns all containers, init containers first.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// Shortens what containers said at their end, and what a hook said, to this number of lines.
    /// With `terminationMessagePolicy: FallbackToLogsOnError` that is the end of the log, so it is
    /// shown only as far as the log is.
    pub fn limit_termination_messages(&mut self, max_lines: usize) {
        let containers = self.init_containers.iter_mut().chain(&mut self.containers);
        for container in containers {
            match &mut container.state {
                RunState::Terminated(end) => end.limit_message(max_lines),
                RunState::Waiting { reason, message } if max_lines == 0 => {
                    *message = crate::without_command_output(reason, message).to_owned();
                }
                _ => {}
            }
            if let Some(end) = &mut container.last {
                end.limit_message(max_lines);
            }
        }
    }

    /// Returns the restarts of all containers together.
    pub fn restarts(&self) -> u32 {
        self.all_containers()
            .map(|container| container.restarts)
            .sum()
    }

    /// Returns whether the pod has a node and its containers are still being created.
    pub fn is_being_created(&self) -> bool {
        self.node.is_some()
            && !self.has_ended()
            && self.containers.iter().any(Container::is_being_created)
    }
}

impl Termination {
    fn limit_message(&mut self, max_lines: usize) {
        // A container that could not start has no log: its runtime explains why.
        if ["StartError", "ContainerCannotRun"].contains(&self.reason.as_str()) {
            return;
        }
        let lines: Vec<&str> = self.message.trim_end().lines().collect();
        let end = &lines[lines.len().saturating_sub(max_lines)..];
        self.message = end.join("\n");
    }
}

impl Container {
    fn is_being_created(&self) -> bool {
        let RunState::Waiting { reason, .. } = &self.state else {
            return false;
        };
        matches!(reason.as_str(), "ContainerCreating" | "PodInitializing")
    }
}

/// Returns whether a word is the reason of a whole pod that its node gave up, where only a word is
/// known.
pub(crate) fn is_eviction(word: &str) -> bool {
    const WORDS: [&str; 18] = [
        "Evicted",
        "Preempting",
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
        "NodeAffinity",
        "UnexpectedAdmissionError",
        "TopologyAffinityError",
        "AppArmor",
        "SysctlForbidden",
        "PodOSNotSupported",
        "PodOSSelectorNodeLabelDoesNotMatch",
        "SupplementalGroupsPolicyNotSupported",
        "InitContainerRestartPolicyForbidden",
        "InvalidNodeInfo",
        "UnexpectedPredicateFailureType",
        "UnknownReason",
    ];
    WORDS.contains(&word) || word.starts_with("OutOf")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(reason: &str, message: &str) -> Termination {
        Termination {
            code: 1,
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Returns the messages of the current and the previous end, limited.
    fn limited(reason: &str, message: &str, max_lines: usize) -> [String; 2] {
        let end = ended(reason, message);
        let container = Container {
            state: RunState::Terminated(end.clone()),
            last: Some(end),
            ..Container::default()
        };
        let mut pod = Pod {
            init_containers: vec![container.clone()],
            containers: vec![container],
            ..Pod::default()
        };
        pod.limit_termination_messages(max_lines);
        assert_eq!(pod.init_containers, pod.containers);
        let container = pod.containers.remove(0);
        match (container.state, container.last) {
            (RunState::Terminated(state), Some(last)) => [state.message, last.message],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_termination_message_obeys_the_log_lines() {
        let message = "connect\npanic: API_KEY=x\n";
        assert_eq!(limited("Error", message, 0), ["", ""]);
        assert_eq!(
            limited("Error", message, 1),
            ["panic: API_KEY=x", "panic: API_KEY=x"]
        );
        assert_eq!(limited("Completed", message, 25)[0], message.trim_end());
    }

    #[test]
    fn the_runtime_explains_a_failed_start() {
        let message = "exec: \"dex\": not found";
        assert_eq!(limited("StartError", message, 0), [message, message]);
    }
}

//! What was seen of a pod before: since when it is in trouble, and how often it had restarted.

use std::{collections::BTreeMap, time::Duration};

use crate::{Container, Pod, RunState, pull};

/// How long what may pass by itself is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GracePeriods {
    /// For a registry that cannot be asked (`--pull-grace`).
    pub pull: Duration,
    /// For a node that takes the pod, and for its volumes (`--schedule-grace`).
    pub schedule: Duration,
    /// For settings that are on their way: Argo CD and kubelets apply ConfigMaps in any order.
    pub config: Duration,
    /// So many restarts while it is watched are a crash loop (`--max-restarts`); 0: none ever is.
    pub max_restarts: u32,
}

impl GracePeriods {
    /// Returns the same without patience: for what has lasted for long before it was looked at.
    #[must_use]
    pub fn expired(self) -> Self {
        Self {
            pull: Duration::ZERO,
            schedule: Duration::ZERO,
            config: Duration::ZERO,
            ..self
        }
    }
}

impl Default for GracePeriods {
    fn default() -> Self {
        Self {
            pull: Duration::from_secs(90),
            schedule: Duration::from_secs(60),
            config: Duration::from_secs(10),
            max_restarts: 2,
        }
    }
}

/// What was seen of one pod so far. One per pod and run; [`observe`](Self::observe) it at every look,
/// and at least once before asking for its doom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodHistory {
    now: Duration,
    unscheduled: Option<Duration>,
    creating: Option<Duration>,
    containers: BTreeMap<String, Mark>,
}

/// What was seen of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Mark {
    /// Its restarts when it was seen first: those of before are not ours to judge.
    baseline: u32,
    trouble: Option<(Trouble, Duration)>,
    /// Whether it was in trouble at the last look.
    in_trouble: bool,
    /// How often it could not be created or started.
    failures: u32,
    /// The last words of the kubelet that name a cause of the pull's failure; older kubelets only say
    /// `Back-off pulling image` while they wait.
    pull: Option<String>,
}

/// What lasts, and has a grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Pull,
    Config,
    Start,
}

impl PodHistory {
    /// Takes in how the pod is at this time, measured from the start of the run.
    pub fn observe(&mut self, pod: &Pod, at: Duration) {
        self.now = at;
        keep(&mut self.unscheduled, pod.unschedulable().is_some(), at);
        keep(&mut self.creating, pod.is_being_created(), at);
        for container in pod.all_containers() {
            let first = || Mark {
                baseline: container.restarts,
                ..Mark::default()
            };
            self.containers
                .entry(container.name.clone())
                .or_insert_with(first)
                .observe(container, at);
        }
    }

    /// Returns for how long no node has taken it.
    pub fn unscheduled(&self) -> Duration {
        self.unscheduled
            .map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }

    /// Returns for how long its containers have been about to be created: volumes, or the network.
    pub fn creating(&self) -> Duration {
        self.creating
            .map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }

    /// Returns how often the container was started again while it was watched.
    pub fn restarts(&self, container: &Container) -> u32 {
        let baseline = self
            .containers
            .get(&container.name)
            .map_or(container.restarts, |mark| mark.baseline);
        container.restarts.saturating_sub(baseline)
    }

    /// Returns for how long this trouble lasts.
    pub(crate) fn lasts(&self, container: &Container, trouble: Trouble) -> Duration {
        match self
            .containers
            .get(&container.name)
            .and_then(|mark| mark.trouble)
        {
            Some((kind, since)) if kind == trouble => self.now.saturating_sub(since),
            _ => Duration::ZERO,
        }
    }

    /// Returns how often the container could not be created or started.
    pub(crate) fn failures(&self, container: &Container) -> u32 {
        self.containers
            .get(&container.name)
            .map_or(0, |mark| mark.failures)
    }

    /// Returns the words for why the image was not pulled.
    pub(crate) fn pull_message<'a>(&'a self, container: &Container, now: &'a str) -> &'a str {
        let before = self
            .containers
            .get(&container.name)
            .and_then(|mark| mark.pull.as_deref());
        if pull::names_a_cause(now) {
            now
        } else {
            before.unwrap_or(now)
        }
    }
}

impl Mark {
    fn observe(&mut self, container: &Container, at: Duration) {
        let trouble = trouble_of(&container.state);
        if let RunState::Waiting { message, .. } = &container.state
            && trouble == Some(Trouble::Pull)
            && pull::names_a_cause(message)
        {
            self.pull = Some(message.clone());
        }
        self.failures += u32::from(trouble == Some(Trouble::Start) && !self.in_trouble);
        self.in_trouble = trouble == Some(Trouble::Start);
        match trouble {
            Some(trouble) if self.trouble.is_none_or(|(known, _)| known != trouble) => {
                self.trouble = Some((trouble, at));
            }
            // A pull that is tried again shows `ContainerCreating` for a moment: only running ends it.
            None if matches!(container.state, RunState::Running | RunState::Terminated(_)) => {
                self.trouble = None
            }
            _ => {}
        }
    }
}

fn keep(mark: &mut Option<Duration>, still: bool, at: Duration) {
    *mark = still.then(|| mark.unwrap_or(at));
}

pub(crate) fn trouble_of(state: &RunState) -> Option<Trouble> {
    let RunState::Waiting { reason, .. } = state else {
        return None;
    };
    match reason.as_str() {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => Some(Trouble::Pull),
        "CreateContainerConfigError" => Some(Trouble::Config),
        "CreateContainerError"
        | "RunContainerError"
        | "StartError"
        | "ContainerCannotRun"
        | "PreStartHookError"
        | "PostStartHookError" => Some(Trouble::Start),
        _ => None,
    }
}

//! What was observed of a pod over time: since when it fails, and how many times it restarted.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Container, Pod, RunState,
    ends::{ends, is_crash, last_end},
    pull, rules,
};

/// For how long conditions that may pass are tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GracePeriods {
    /// For an image that cannot be pulled for a transient cause (`--pull-grace`).
    pub pull: Duration,
    /// For a pod without a node, and for its volumes (`--schedule-grace`).
    pub schedule: Duration,
    /// For missing settings (`--config-grace`): Argo CD and kubelets apply ConfigMaps in any order.
    pub config: Duration,
    /// For a missing Secret (`--config-grace`): an operator may still be creating it.
    pub secret: Duration,
    /// Restarts that count as a crash loop (`--max-restarts`); 0 turns the check off.
    pub max_restarts: u32,
}

impl GracePeriods {
    /// Returns periods that are over: for conditions that have already lasted for long.
    #[must_use]
    pub fn expired(self) -> Self {
        Self {
            pull: Duration::ZERO,
            schedule: Duration::ZERO,
            config: Duration::ZERO,
            secret: Duration::ZERO,
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
            secret: Duration::from_secs(60),
            max_restarts: 2,
        }
    }
}

/// What was observed of one pod during this run. [`observe`](Self::observe) the pod at least once
/// before asking for its failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodHistory {
    now: Duration,
    unscheduled_since: Option<Duration>,
    creating_since: Option<Duration>,
    containers: BTreeMap<String, ContainerHistory>,
}

/// The observations of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ContainerHistory {
    /// Its restarts at the first observation: earlier ones are not judged.
    baseline: u32,
    /// The condition that lasts, and since when.
    tolerated: Option<(StartCondition, Duration)>,
    /// Whether it could not start at the last observation.
    is_failing: bool,
    /// How many times it could not be created or started.
    failures: u32,
    /// The kubelet's last message that names the cause of a failed pull; older kubelets only say
    /// `Back-off pulling image` while they wait.
    pull_message: Option<String>,
    /// How many times it had ended at the last observation.
    ends: u32,
    /// Its resources and its image at the last observation.
    settings: [String; 2],
    /// Whether its next end is that of a container whose settings were changed in place.
    is_changed: bool,
    /// Whether the last observation showed that it had crashed since the one before.
    has_crashed: bool,
}

/// A condition of a container that is tolerated for a grace period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartCondition {
    /// The image cannot be pulled.
    Pull,
    /// A setting is missing.
    Config,
    /// The container cannot start.
    Start,
}

impl PodHistory {
    /// Adds the state of the pod at a time, measured from the start of the run.
    pub fn observe(&mut self, pod: &Pod, at: Duration) {
        self.now = at;
        mark(
            &mut self.unscheduled_since,
            pod.unschedulable().is_some(),
            at,
        );
        mark(&mut self.creating_since, pod.is_being_created(), at);
        for container in pod.all_containers() {
            let name = container.name.clone();
            let history = self.containers.entry(name);
            history
                .or_insert_with(|| ContainerHistory::of(container))
                .observe(container, at);
        }
    }

    /// Returns for how long the pod has had no node.
    pub fn unscheduled(&self) -> Duration {
        self.since(self.unscheduled_since)
    }

    /// Returns for how long its containers have been in creation, waiting for volumes or the
    /// network.
    pub fn creating(&self) -> Duration {
        self.since(self.creating_since)
    }

    /// Returns how many times a container restarted during this run.
    pub fn restarts(&self, container: &Container) -> u32 {
        let baseline = self
            .of(container)
            .map_or(container.restarts, |history| history.baseline);
        container.restarts.saturating_sub(baseline)
    }

    /// Returns for how long the condition that keeps a container from starting has lasted.
    pub(crate) fn lasts(&self, container: &Container) -> Duration {
        let tolerated = self.of(container).and_then(|history| history.tolerated);
        match tolerated {
            Some((lasting, since)) if condition_of(&container.state) == Some(lasting) => {
                self.now.saturating_sub(since)
            }
            _ => Duration::ZERO,
        }
    }

    /// Returns how many times the container could not be created or started.
    pub(crate) fn failures(&self, container: &Container) -> u32 {
        self.of(container).map_or(0, |history| history.failures)
    }

    /// Returns whether the last observation showed a crash of any container.
    pub fn has_crashed(&self) -> bool {
        self.containers.values().any(|history| history.has_crashed)
    }

    /// Returns whether the last observation showed a crash of this container.
    pub(crate) fn shows_crash(&self, container: &Container) -> bool {
        self.of(container)
            .is_some_and(|history| history.has_crashed)
    }

    /// Returns the message that names the cause of a failed pull: the present one, or an earlier
    /// one.
    pub(crate) fn pull_message<'a>(&'a self, container: &Container, present: &'a str) -> &'a str {
        if pull::names_a_cause(present) {
            return present;
        }
        self.of(container)
            .and_then(|history| history.pull_message.as_deref())
            .unwrap_or(present)
    }

    fn of(&self, container: &Container) -> Option<&ContainerHistory> {
        self.containers.get(&container.name)
    }

    fn since(&self, mark: Option<Duration>) -> Duration {
        mark.map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }
}

impl ContainerHistory {
    fn of(container: &Container) -> Self {
        Self {
            baseline: container.restarts,
            ends: ends(container),
            settings: settings(container),
            ..Self::default()
        }
    }

    fn observe(&mut self, container: &Container, at: Duration) {
        self.observe_end(container);
        let condition = condition_of(&container.state);
        if let RunState::Waiting { message, .. } = &container.state
            && condition == Some(StartCondition::Pull)
            && pull::names_a_cause(message)
        {
            self.pull_message = Some(message.clone());
        }
        let is_failing = condition == Some(StartCondition::Start);
        self.failures += u32::from(is_failing && !self.is_failing);
        self.is_failing = is_failing;
        match condition {
            Some(condition) => self.tolerate(condition, at),
            // The retry of a pull shows `ContainerCreating` for a moment: only a start ends the
            // condition.
            None if matches!(container.state, RunState::Running | RunState::Terminated(_)) => {
                self.tolerated = None;
            }
            None => {}
        }
    }

    fn observe_end(&mut self, container: &Container) {
        let (ends, settings) = (ends(container), settings(container));
        self.is_changed |= settings != self.settings;
        let has_ended = ends > self.ends;
        self.has_crashed =
            has_ended && !self.is_changed && last_end(container).is_some_and(is_crash);
        if has_ended {
            self.is_changed = false;
        }
        (self.ends, self.settings) = (ends, settings);
    }

    fn tolerate(&mut self, condition: StartCondition, at: Duration) {
        let lasts = self
            .tolerated
            .is_some_and(|(lasting, _)| lasting == condition);
        if !lasts {
            self.tolerated = Some((condition, at));
        }
    }
}

/// Returns the settings whose change in place makes the kubelet restart a container.
fn settings(container: &Container) -> [String; 2] {
    [container.resources.clone(), container.image.clone()]
}

/// Keeps the start of a state while it lasts.
fn mark(since: &mut Option<Duration>, lasts: bool, now: Duration) {
    *since = lasts.then(|| since.unwrap_or(now));
}

/// Returns the condition that a state is part of, if it keeps the container from starting.
fn condition_of(state: &RunState) -> Option<StartCondition> {
    let RunState::Waiting { reason, message } = state else {
        return None;
    };
    if is_pull(reason) {
        return Some(StartCondition::Pull);
    }
    rules::of_container(reason, message)?;
    Some(if reason == "CreateContainerConfigError" {
        StartCondition::Config
    } else {
        StartCondition::Start
    })
}

/// Returns whether a word is about an image that cannot be pulled.
pub(crate) fn is_pull(word: &str) -> bool {
    rules::PULL.contains(&word)
}

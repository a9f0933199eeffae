//! The observations of one workload over time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use pods::{GivenUpPods, Pod, PodHistory, Rollout};

/// The observations of one workload so far.
#[derive(Debug, Default)]
pub(crate) struct WorkloadHistory {
    now: Duration,
    /// The id of the workload itself.
    id: String,
    /// The history of each pod, by the pod's id.
    pods: BTreeMap<String, PodHistory>,
    /// Since when the controller cannot create pods.
    failing_since: Option<Duration>,
    /// Since when pods are missing.
    missing_since: Option<Duration>,
    /// The ids of the pods that counted at the previous observation.
    counted: BTreeSet<String>,
    /// The restarts of each pod at the previous observation, by the pod's id.
    restarts: BTreeMap<String, u32>,
    /// The pods of the current template that their nodes gave up.
    given_up: GivenUpPods,
    good_since: Option<Duration>,
    /// The ids of the pods that crashed while the workload was good.
    crashed: BTreeSet<String>,
    /// The pod whose restart was observed last.
    restarted: Option<String>,
}

impl WorkloadHistory {
    /// Adds an observation. A workload that was deleted and created again has a new history.
    pub(crate) fn observe(&mut self, rollout: &Rollout, pods: &[Pod], at: Duration) {
        if self.id != rollout.id {
            *self = Self {
                id: rollout.id.clone(),
                ..Self::default()
            };
        }
        self.now = at;
        self.crashed.clear();
        for pod in pods {
            self.observe_pod(pod);
        }
        self.given_up
            .observe(pods.iter().filter(|pod| !pod.outdated), at);
        let ids: BTreeSet<&str> = pods.iter().map(|pod| pod.id.as_str()).collect();
        self.observe_replacement(pods, &ids);
        self.pods.retain(|id, _| ids.contains(id.as_str()));
        self.restarts.retain(|id, _| ids.contains(id.as_str()));
        let exists = |pod: &&Pod| !pod.is_terminating() && !pod.has_ended();
        let running = pods.iter().filter(exists).count();
        mark(
            &mut self.failing_since,
            rollout.replica_failure.is_some(),
            at,
        );
        mark(
            &mut self.missing_since,
            running < rollout.wanted as usize,
            at,
        );
    }

    fn observe_pod(&mut self, pod: &Pod) {
        let history = self.pods.entry(pod.id.clone()).or_default();
        history.observe(pod, self.now);
        if history.has_crashed() && self.good_since.is_some() {
            self.crashed.insert(pod.id.clone());
        }
        let previous = self.restarts.insert(pod.id.clone(), pod.restarts());
        let has_restarted = previous.is_some_and(|previous| pod.restarts() > previous);
        if has_restarted && !pod.outdated {
            self.good_since = None;
            self.restarted = Some(pod.name.clone());
        }
    }

    /// A pod that took the place of another one since the last observation starts the soak again:
    /// while a watch is interrupted, a pod may crash and be replaced.
    fn observe_replacement(&mut self, pods: &[Pod], ids: &BTreeSet<&str>) {
        let is_lost = |id: &String| !ids.contains(id.as_str()) && self.counted.contains(id);
        let has_lost = self.counted.iter().any(is_lost);
        let is_new = |pod: &&Pod| counts(pod) && !self.counted.contains(&pod.id);
        let new = pods.iter().find(is_new).map(|pod| pod.name.clone());
        if has_lost && new.is_some() {
            self.good_since = None;
            self.restarted = new;
        }
        let counted = pods.iter().filter(|pod| counts(pod));
        self.counted = counted.map(|pod| pod.id.clone()).collect();
    }

    /// Remembers whether the workload was judged good at this moment.
    pub(crate) fn remember(&mut self, is_good: bool) {
        mark(&mut self.good_since, is_good, self.now);
    }

    /// Returns for how long the workload has been good.
    pub(crate) fn good_for(&self) -> Duration {
        self.since(self.good_since)
    }

    /// Returns the pod whose restart was observed last.
    pub(crate) fn restarted(&self) -> Option<&str> {
        self.restarted.as_deref()
    }

    /// Returns whether a pod has crashed since the last observation, and the workload was good then.
    pub(crate) fn has_crashed(&self, pod: &Pod) -> bool {
        self.crashed.contains(&pod.id)
    }

    /// Returns what was observed of a pod.
    pub(crate) fn of(&self, pod: &Pod) -> Option<&PodHistory> {
        self.pods.get(&pod.id)
    }

    /// Returns the pods that their nodes gave up.
    pub(crate) fn given_up(&self) -> &GivenUpPods {
        &self.given_up
    }

    /// Returns the time of the last observation.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// Returns for how long pods have been missing.
    pub(crate) fn missing_for(&self) -> Duration {
        self.since(self.missing_since)
    }

    /// Returns for how long the controller has not been able to create pods.
    pub(crate) fn failing_for(&self) -> Duration {
        self.since(self.failing_since)
    }

    fn since(&self, mark: Option<Duration>) -> Duration {
        mark.map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }
}

/// Returns whether a pod counts for the soak: it is of the current template, has not ended and was
/// not deleted.
fn counts(pod: &Pod) -> bool {
    !pod.is_terminating() && !pod.has_ended() && !pod.outdated
}

/// Keeps the start of a state while it lasts.
fn mark(since: &mut Option<Duration>, lasts: bool, now: Duration) {
    *since = lasts.then(|| since.unwrap_or(now));
}

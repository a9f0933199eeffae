//! Pods that their nodes gave up, one after the other.

use std::{collections::BTreeMap, time::Duration};

use contract::Reason;

use crate::{
    GracePeriods, Pod, Unrecoverable,
    rules::{self, Patience},
};

/// The number of pods that nodes reject before that is more than a race with the scheduler.
const MANY: usize = 3;

/// The pods of a workload that their nodes evicted or rejected during this run. One such pod is
/// replaced and does no harm; many of them are a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenUpPods {
    /// By unique id; `None` for the pods that were given up before the run.
    pods: BTreeMap<String, Option<GivenUpPod>>,
    has_begun: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GivenUpPod {
    name: String,
    text: String,
    at: Duration,
    reason: Reason,
    patience: Patience,
}

impl GivenUpPods {
    /// Adds the pods of the wanted template, at a time measured from the start of the run.
    pub fn observe<'a>(&mut self, pods: impl Iterator<Item = &'a Pod>, at: Duration) {
        for pod in pods.filter(|pod| pod.was_given_up()) {
            let is_new = self.has_begun;
            let given_up = || GivenUpPod::of(pod, at).filter(|_| is_new);
            self.pods.entry(pod.id.clone()).or_insert_with(given_up);
        }
        self.has_begun = true;
    }

    /// Returns the failure, with the name of the last pod.
    pub fn failure(&self, grace: &GracePeriods, now: Duration) -> Option<(String, Unrecoverable)> {
        self.by_own_limit(grace)
            .or_else(|| self.by_nodes(grace, now))
    }

    /// Returns the last pod that a node gave up, in words.
    pub fn last_words(&self) -> Option<String> {
        let last = self.last(|_| true)?;
        Some(format!("{} was {}", last.name, last.text))
    }

    /// A pod that exceeds its own limit twice will exceed it a third time.
    fn by_own_limit(&self, grace: &GracePeriods) -> Option<(String, Unrecoverable)> {
        let is_meant = |pod: &GivenUpPod| pod.patience == Patience::Again;
        let (count, max) = (self.count(is_meant), grace.max_restarts.min(2) as usize);
        let last = self.last(is_meant)?;
        (max > 0 && count >= max).then(|| last.failure(count))
    }

    fn by_nodes(&self, grace: &GracePeriods, now: Duration) -> Option<(String, Unrecoverable)> {
        let is_meant = |pod: &GivenUpPod| pod.patience == Patience::Schedule;
        let (count, last) = (self.count(is_meant), self.last(is_meant)?);
        let first = self
            .all()
            .filter(|pod| is_meant(pod))
            .map(|pod| pod.at)
            .min()?;
        let lasts = now.saturating_sub(first) >= grace.schedule;
        let is_recent = now.saturating_sub(last.at) <= grace.schedule;
        (count >= MANY && lasts && is_recent).then(|| last.failure(count))
    }

    fn all(&self) -> impl Iterator<Item = &GivenUpPod> {
        self.pods.values().flatten()
    }

    fn count(&self, is_meant: impl Fn(&GivenUpPod) -> bool) -> usize {
        self.all().filter(|pod| is_meant(pod)).count()
    }

    fn last(&self, is_meant: impl Fn(&GivenUpPod) -> bool) -> Option<&GivenUpPod> {
        self.all()
            .filter(|pod| is_meant(pod))
            .max_by_key(|pod| pod.at)
    }
}

impl GivenUpPod {
    fn of(pod: &Pod, at: Duration) -> Option<Self> {
        let rule = rules::of_pod(&pod.reason, &pod.message)?;
        let node = pod.node.as_deref().unwrap_or("its node");
        let disruption = pod.condition("DisruptionTarget");
        let word = match pod.reason.as_str() {
            "" => disruption.map_or("DisruptionTarget", |target| target.reason.as_str()),
            word => word,
        };
        let message = pod.message.trim();
        let separator = if message.is_empty() { "" } else { ": " };
        Some(Self {
            name: pod.name.clone(),
            text: format!("given up by {node} ({word}{separator}{message})"),
            at,
            reason: rule.reason,
            patience: rule.patience,
        })
    }

    fn failure(&self, count: usize) -> (String, Unrecoverable) {
        let text = format!("{}, {count} pods so far", self.text);
        let failure = Unrecoverable::of_pod(self.reason, text);
        (self.name.clone(), failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EVICTED, NODE_PRESSURE, POD_REJECTED, PodPhase};

    const OWN_LIMIT: &str =
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ";

    fn given_up(name: &str, word: &str, message: &str) -> Pod {
        Pod {
            name: name.to_owned(),
            id: name.to_owned(),
            phase: PodPhase::Failed,
            reason: word.to_owned(),
            message: message.to_owned(),
            node: Some("node-1".to_owned()),
            ..Pod::default()
        }
    }

    /// Observes one more pod in each frame, and returns the time and the reason of the failure.
    fn failure_of(frames: &[(u64, Pod)], until: u64) -> Option<(u64, Reason, String)> {
        let mut history = GivenUpPods::default();
        history.observe(std::iter::empty(), Duration::ZERO);
        (0..=until).find_map(|second| {
            let at = Duration::from_secs(second);
            let known = frames.iter().filter(|(from, _)| *from <= second);
            history.observe(known.map(|(_, pod)| pod), at);
            let (pod, failure) = history.failure(&GracePeriods::default(), at)?;
            Some((second, failure.reason, format!("{pod} {}", failure.text)))
        })
    }

    #[test]
    fn a_second_eviction_by_the_own_limit_fails() {
        let evicted = |name| given_up(name, "Evicted", OWN_LIMIT);
        assert_eq!(failure_of(&[(6, evicted("a"))], 500), None);
        let (at, reason, text) = failure_of(&[(6, evicted("a")), (13, evicted("b"))], 500).unwrap();
        assert_eq!((at, reason), (13, EVICTED));
        assert!(
            text.contains("b given up by node-1 (Evicted: Pod ephemeral"),
            "{text}"
        );
    }

    #[test]
    fn a_node_under_pressure_is_tolerated() {
        let low = "The node was low on resource: memory. ";
        let frames: Vec<(u64, Pod)> = (0..20)
            .map(|n| (5 + 10 * n, given_up(&format!("p{n}"), "Evicted", low)))
            .collect();
        assert_eq!(failure_of(&frames[..2], 500), None);
        let (at, reason, _) = failure_of(&frames, 500).unwrap();
        assert_eq!((at, reason), (65, NODE_PRESSURE));
    }

    #[test]
    fn rejections_that_last_fail() {
        let rejected = |n: u64| given_up(&format!("p{n}"), "OutOfcpu", "Node didn't have enough");
        let burst: Vec<(u64, Pod)> = (0..20).map(|n| (n, rejected(n))).collect();
        assert_eq!(failure_of(&burst, 50), None, "a burst may end by itself");
        let lasting: Vec<(u64, Pod)> = (0..20).map(|n| (5 * n, rejected(n))).collect();
        assert_eq!(failure_of(&lasting, 500).unwrap().1, POD_REJECTED);
    }

    #[test]
    fn earlier_pods_and_shutdowns_do_not_count() {
        let mut history = GivenUpPods::default();
        let pods = ["a", "b", "c"].map(|name| given_up(name, "Evicted", OWN_LIMIT));
        history.observe(pods.iter(), Duration::ZERO);
        assert_eq!(
            history.failure(&GracePeriods::default(), Duration::ZERO),
            None
        );
        assert_eq!(history.last_words(), None);
        let frames: Vec<(u64, Pod)> = (0..20)
            .map(|n| {
                (
                    5 * n,
                    given_up(&format!("p{n}"), "Terminated", "node shutdown"),
                )
            })
            .collect();
        assert_eq!(failure_of(&frames, 500), None);
    }
}

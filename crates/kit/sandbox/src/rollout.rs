//! A rollout in the cluster: pods that start, or fail to pull their image.
//!
//! Times are those of a fast cluster, so that a demo is short: a container starts after 0.3 s and
//! is ready after 0.6 s; one whose image is missing fails after 0.3 s and backs off after 0.6 s.

use std::time::{Duration, Instant, SystemTime};

/// The number of pods of an application.
pub(crate) const REPLICAS: usize = 2;

const STARTS: Duration = Duration::from_millis(300);
const READY: Duration = Duration::from_millis(600);
const GONE: Duration = Duration::from_millis(300);

/// The pods of one template.
#[derive(Debug, Clone)]
pub(crate) struct RolloutSet {
    pub(crate) number: u64,
    pub(crate) image: String,
    /// The digest that a node finds in the registry; `None` when the image is missing.
    pub(crate) digest: Option<String>,
    pub(crate) pods: Vec<RolloutPod>,
}

#[derive(Debug, Clone)]
pub(crate) struct RolloutPod {
    pub(crate) name: String,
    pub(crate) created: SystemTime,
    pub(crate) phase: RolloutPhase,
    /// The version of the last change.
    pub(crate) version: u64,
    since: Instant,
    ending: Option<Instant>,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolloutPhase {
    Creating,
    PullFailed,
    BackOff,
    Started,
    Ready,
    Terminating,
}

impl RolloutSet {
    pub(crate) fn new(
        app: &str,
        number: u64,
        image: &str,
        digest: Option<String>,
        version: u64,
    ) -> Self {
        let pods = (0..REPLICAS).map(|index| RolloutPod {
            name: format!("{app}-{number:08x}-{index}"),
            created: SystemTime::now(),
            phase: RolloutPhase::Creating,
            version,
            since: Instant::now(),
            ending: None,
        });
        Self {
            number,
            image: image.to_owned(),
            digest,
            pods: pods.collect(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready() == REPLICAS
    }

    pub(crate) fn ready(&self) -> usize {
        self.pods
            .iter()
            .filter(|pod| pod.phase == RolloutPhase::Ready)
            .count()
    }

    /// Returns the number of pods that are not terminating.
    pub(crate) fn running(&self) -> usize {
        let running = self.pods.iter();
        running
            .filter(|pod| pod.phase != RolloutPhase::Terminating)
            .count()
    }

    /// Lets time pass; returns whether anything changed.
    pub(crate) fn tick(&mut self, version: u64) -> bool {
        let before = self.pods.len();
        self.pods.retain(|pod| !pod.is_gone());
        let mut changed = self.pods.len() != before;
        let pullable = self.digest.is_some();
        for pod in &mut self.pods {
            changed |= pod.tick(pullable, version);
        }
        changed
    }

    /// Ends the pods, as a rollout does once the new ones are ready.
    pub(crate) fn end(&mut self, version: u64) {
        for pod in self.pods.iter_mut().filter(|pod| pod.ending.is_none()) {
            pod.ending = Some(Instant::now());
            pod.phase = RolloutPhase::Terminating;
            pod.version = version;
        }
    }
}

impl RolloutPod {
    fn is_gone(&self) -> bool {
        self.ending.is_some_and(|ending| ending.elapsed() >= GONE)
    }

    /// Lets time pass; returns whether the phase changed.
    fn tick(&mut self, pullable: bool, version: u64) -> bool {
        let phase = match (self.phase, self.since.elapsed(), pullable) {
            (RolloutPhase::Terminating, ..) => RolloutPhase::Terminating,
            (_, age, true) if age >= READY => RolloutPhase::Ready,
            (_, age, true) if age >= STARTS => RolloutPhase::Started,
            (_, age, false) if age >= READY => RolloutPhase::BackOff,
            (_, age, false) if age >= STARTS => RolloutPhase::PullFailed,
            (phase, ..) => phase,
        };
        let changed = phase != self.phase;
        if changed {
            self.phase = phase;
            self.version = version;
        }
        changed
    }
}

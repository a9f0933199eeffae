//! What a cluster makes of an image: pods that start, or cannot.
//!
//! Times are those of a fast cluster, so that a demo is short: a container starts after 0.3 s and is
//! ready after 0.6 s; one whose image is not there fails after 0.3 s and backs off after 0.6 s.

use std::time::{Duration, Instant, SystemTime};

/// How many pods an app has.
pub(crate) const REPLICAS: usize = 2;

const STARTS: Duration = Duration::from_millis(300);
const READY: Duration = Duration::from_millis(600);
const GONE: Duration = Duration::from_millis(300);

/// The pods of one template.
#[derive(Debug, Clone)]
pub(crate) struct ReplicaSet {
    pub(crate) number: u64,
    pub(crate) image: String,
    /// What a node finds in the registry; `None` when there is nothing.
    pub(crate) digest: Option<String>,
    pub(crate) pods: Vec<Pod>,
}

/// A pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) created: SystemTime,
    pub(crate) phase: Phase,
    /// Version of the last change.
    pub(crate) version: u64,
    since: Instant,
    ending: Option<Instant>,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Creating,
    PullFailed,
    BackOff,
    Started,
    Ready,
    Terminating,
}

impl ReplicaSet {
    pub(crate) fn new(
        app: &str,
        number: u64,
        image: &str,
        digest: Option<String>,
        version: u64,
    ) -> Self {
        let pods = (0..REPLICAS).map(|index| Pod {
            name: format!("{app}-{number:08x}-{index}"),
            created: SystemTime::now(),
            phase: Phase::Creating,
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
            .filter(|pod| pod.phase == Phase::Ready)
            .count()
    }

    /// Lets time pass; returns whether anything changed.
    pub(crate) fn tick(&mut self, version: u64) -> bool {
        let before = self.pods.len();
        self.pods
            .retain(|pod| pod.ending.is_none_or(|ending| ending.elapsed() < GONE));
        let pullable = self.digest.is_some();
        let changed = self
            .pods
            .iter_mut()
            .filter_map(|pod| pod.tick(pullable, version))
            .count();
        changed > 0 || self.pods.len() != before
    }

    /// Ends the pods, as a rollout does once the new ones are ready.
    pub(crate) fn end(&mut self, version: u64) {
        for pod in self.pods.iter_mut().filter(|pod| pod.ending.is_none()) {
            pod.ending = Some(Instant::now());
            pod.phase = Phase::Terminating;
            pod.version = version;
        }
    }
}

impl Pod {
    fn tick(&mut self, pullable: bool, version: u64) -> Option<()> {
        let phase = match (self.phase, self.since.elapsed(), pullable) {
            (Phase::Terminating, ..) => Phase::Terminating,
            (_, age, true) if age >= READY => Phase::Ready,
            (_, age, true) if age >= STARTS => Phase::Started,
            (_, age, false) if age >= READY => Phase::BackOff,
            (_, age, false) if age >= STARTS => Phase::PullFailed,
            (phase, ..) => phase,
        };
        (phase != self.phase).then(|| {
            self.phase = phase;
            self.version = version;
        })
    }
}

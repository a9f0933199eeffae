//! What judgements remember of earlier observations.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contract::Reason;

use crate::reasons::OLD_REVISION;

/// A phase of an application whose duration matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LastingPhase {
    /// Argo CD has no such application yet.
    Missing,
    /// Argo CD cannot compare it.
    NotCompared,
    /// Argo CD cannot render the commit into its branch.
    NotHydrated,
    /// Its health is Degraded.
    Degraded,
    /// It is out of sync, and no operation runs.
    Idle,
    /// It is at a revision without the commit.
    OldRevision,
    /// It is Synced at the commit.
    Applied,
    /// Everything but the image is as requested.
    ReadyForImage,
}

/// What judgements remember of the observations of one application.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApplicationHistory {
    /// The beginning of each phase that lasts.
    since: BTreeMap<LastingPhase, Duration>,
    /// The reason and the text of the last state that was not as requested.
    pub(super) last_wait: (Reason, String),
    /// The last failure of a pod that may still pass.
    pub(super) pod_warning: Option<String>,
    /// The resources whose pods run the image, as `Deployment/dex`, once the pods were read.
    pub(super) image_roots: Vec<String>,
    /// The resources whose pods are all healthy, and run the image, as `Rollout/dex`.
    pub(super) ready_roots: Vec<String>,
    /// Whether the application was Degraded at a revision without the commit.
    pub(super) was_degraded_before: bool,
    /// The resources of which a node gave up a pod, as `Job/migrate`.
    pub(super) given_up: BTreeSet<String>,
    /// The resources that failed in a sync to a revision without the commit, with their messages.
    pub(super) failed_before: BTreeSet<String>,
}

impl Default for ApplicationHistory {
    fn default() -> Self {
        Self {
            since: BTreeMap::new(),
            last_wait: (OLD_REVISION, "was not observed yet".to_owned()),
            pod_warning: None,
            image_roots: Vec::new(),
            ready_roots: Vec::new(),
            was_degraded_before: false,
            given_up: BTreeSet::new(),
            failed_before: BTreeSet::new(),
        }
    }
}

impl ApplicationHistory {
    /// Takes in whether a phase lasts; returns for how long it has.
    pub(super) fn update(&mut self, phase: LastingPhase, lasts: bool, now: Duration) -> Duration {
        if !lasts {
            self.since.remove(&phase);
            return Duration::ZERO;
        }
        now.saturating_sub(*self.since.entry(phase).or_insert(now))
    }

    /// Returns whether the pods of a resource run the image, as far as they were read.
    pub(super) fn runs_image(&self, kind: &str, name: &str) -> bool {
        let resource = format!("{kind}/{name}");
        self.image_roots.contains(&resource)
    }

    /// Returns whether all pods of a resource are healthy, and run the image.
    pub(super) fn is_ready(&self, kind: &str, name: &str) -> bool {
        let resource = format!("{kind}/{name}");
        self.ready_roots.contains(&resource)
    }

    /// Returns the beginning of a phase that lasts.
    pub(super) fn since(&self, phase: LastingPhase) -> Option<Duration> {
        self.since.get(&phase).copied()
    }

    /// Returns for how long a phase has lasted.
    pub(super) fn lasted(&self, phase: LastingPhase, now: Duration) -> Duration {
        self.since(phase)
            .map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }
}

//! What is known of one application so far: its last state, and since when things are as they are.

use std::{collections::BTreeMap, time::Duration};

use argocd::{Application, SyncWindows};

use crate::{ancestry::Ancestry, wanted::Wanted};

/// What lasts, and has a grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Symptom {
    /// Argo CD cannot compare.
    Uncompared,
    /// Its health is Degraded.
    Degraded,
    /// Not synced, and nobody does anything about it.
    Idle,
    /// At a revision of before.
    Behind,
    /// All of the commit is applied.
    Applied,
}

/// Everything that is known of one application.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Its last state.
    pub(crate) app: Application,
    /// Whether that state has its resources: it came by a GET.
    pub(crate) is_whole: bool,
    /// How the revisions that were seen stand to the commit.
    pub(crate) ancestry: BTreeMap<String, Ancestry>,
    /// How often in a row the branch was said not to have the commit.
    pub(crate) gone: u32,
    /// The sync windows, once they were asked for.
    pub(crate) windows: Option<SyncWindows>,
    /// Comparisons that were asked for.
    pub(crate) asked: u32,
    /// Those of them that were answered.
    pub(crate) refreshes: u32,
    /// Why a sync that was asked for is not done, in Argo CD's words.
    pub(crate) sync_refused: Option<String>,
    /// The first state's comparison and operation.
    first: Option<First>,
    since: BTreeMap<Symptom, Duration>,
    /// When the operation that ended last was first seen to have ended: its end, and the version.
    ended: Option<(End, u64)>,
    now: Duration,
}

#[derive(Debug, Clone, Default)]
struct First {
    reconciled_at: Option<String>,
    end: Option<End>,
}

/// The end of an operation. Times have whole seconds, in which two operations can end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    finished_at: String,
    started_at: Option<String>,
    phase: String,
    revisions: Vec<String>,
}

impl Known {
    /// Takes in a state, unless a later one is known; returns whether it was taken.
    pub(crate) fn observe(&mut self, mut app: Application, is_whole: bool, now: Duration) -> bool {
        let older = app.version() < self.app.version();
        let same = app.version() == self.app.version() && self.first.is_some();
        if older || (same && !is_whole) {
            return false;
        }
        if !is_whole {
            // For words; what is decided on them waits until they are as new as the rest.
            app.status.resources = std::mem::take(&mut self.app.status.resources);
        }
        self.app = app;
        self.is_whole = is_whole;
        let end = self.end();
        let reconciled_at = self.app.status.reconciled_at.clone();
        self.first.get_or_insert_with(|| First {
            reconciled_at,
            end: end.clone(),
        });
        if self.ended.as_ref().map(|(end, _)| end) != end.as_ref() {
            self.ended = end.map(|end| (end, self.app.version()));
        }
        self.now = now;
        true
    }

    /// Tells what time it is.
    pub(crate) fn tick(&mut self, now: Duration) {
        self.now = now;
    }

    /// Remembers whether something lasts, and returns for how long it does.
    pub(crate) fn lasts(&mut self, symptom: Symptom, is_so: bool) -> Duration {
        if !is_so {
            self.since.remove(&symptom);
            return Duration::ZERO;
        }
        self.now
            .saturating_sub(*self.since.entry(symptom).or_insert(self.now))
    }

    /// Returns for how long something has lasted.
    pub(crate) fn lasted(&self, symptom: Symptom) -> Duration {
        self.since
            .get(&symptom)
            .map_or(Duration::ZERO, |since| self.now.saturating_sub(*since))
    }

    /// Returns when the operation began that applied what was compared last, if one did.
    pub(crate) fn applied_since(&self) -> Option<&str> {
        let state = self.app.status.operation_state.as_ref()?;
        (state.revisions() == self.app.revisions())
            .then_some(state.started_at.as_deref())
            .flatten()
    }

    fn end(&self) -> Option<End> {
        let state = self.app.status.operation_state.as_ref()?;
        Some(End {
            finished_at: state.finished_at.clone()?,
            started_at: state.started_at.clone(),
            phase: state.phase.clone(),
            revisions: state.revisions().into_iter().map(str::to_owned).collect(),
        })
    }

    /// Returns whether the state is one of after its last operation: of a later version than the one
    /// that showed its end, or compared in a later second. Both times have whole seconds, and a
    /// comparison is stamped when it begins, so that the same second proves nothing; and it may stay
    /// the same for good, so that it refutes nothing either.
    pub(crate) fn is_settled(&self) -> bool {
        let Some((end, version)) = &self.ended else {
            return true;
        };
        let compared_later = self
            .app
            .status
            .reconciled_at
            .as_ref()
            .is_some_and(|at| *at > end.finished_at);
        self.app.version() > *version || compared_later
    }

    /// Returns whether the last operation had ended before we came.
    pub(crate) fn operation_is_older_than_us(&self) -> bool {
        let first = self.first.as_ref().and_then(|first| first.end.as_ref());
        first.is_some() && first == self.end().as_ref()
    }

    /// Returns whether it was compared since we came.
    pub(crate) fn was_compared_again(&self) -> bool {
        self.first
            .as_ref()
            .is_some_and(|first| first.reconciled_at != self.app.status.reconciled_at)
    }

    /// Returns the revisions of the sources that the commit can be in.
    pub(crate) fn revisions(&self, wanted: &Wanted) -> Vec<String> {
        let revisions = self.app.revisions();
        let ours = wanted.sources(&self.app).into_iter();
        ours.filter_map(|(at, _)| revisions.get(at))
            .map(|revision| (*revision).to_owned())
            .collect()
    }
}

//! The observation of one application: its last state, and what else is known at the same moment.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use argocd::{Application, ApplicationSet, SyncWindows};
use pods::ObjectEvent;

use crate::observe::{
    ancestry::RevisionAncestry,
    pods::{ApplicationPods, PodHistories},
};

/// Whether an application exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum AppPresence {
    /// No answer yet.
    #[default]
    Unknown,
    Present,
    /// Argo CD has no such application; with its message.
    Missing(String),
    /// The application existed during this run, and no longer does.
    Deleted,
}

/// The ApplicationSet that generates an application.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ObservedSet {
    Shown(ApplicationSet),
    /// The server does not show it to this token.
    Hidden,
}

/// The events of one object, when they were read last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ObservedEvents {
    events: Vec<ObjectEvent>,
    read_at: Duration,
}

/// How long events that were read count as the present ones.
const EVENTS_INTERVAL: Duration = Duration::from_secs(20);

/// The images of the containers in the manifests that Argo CD rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RenderedImages {
    pub(crate) images: Vec<String>,
    pub(crate) read_at: Duration,
}

/// Everything that is known of one application at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observation {
    /// The moment, measured from the start of the run.
    pub(crate) now: Duration,
    /// The start of the run.
    pub(crate) started_at: Option<SystemTime>,
    /// Whether no other observation follows: the deadline has come, or with `--timeout 0` every
    /// request is answered.
    pub(crate) is_last: bool,
    pub(crate) presence: AppPresence,
    /// The application's last state.
    pub(crate) app: Application,
    /// Whether that state comes from a GET, so that its resources are as new as the rest.
    pub(crate) is_whole: bool,
    /// How the revisions that were observed relate to the commit.
    pub(crate) ancestry: BTreeMap<String, RevisionAncestry>,
    /// How a revision of the hydrated branch relates to a hydrated commit, by commit and revision.
    pub(crate) hydrated_ancestry: BTreeMap<(String, String), RevisionAncestry>,
    /// Answers in a row by which the branch does not contain the commit.
    pub(crate) branch_misses: u32,
    /// The sync windows, once they are known.
    pub(crate) windows: Option<SyncWindows>,
    /// The ApplicationSet that generates the application, once it was asked for.
    pub(crate) application_set: Option<ObservedSet>,
    /// Syncs to the present revision that succeeded during this run and left it out of sync.
    pub(crate) syncs_in_vain: u32,
    /// The events of pods, by the pods' unique ids.
    events: BTreeMap<String, ObservedEvents>,
    /// Comparisons that this run has requested.
    pub(crate) requested_refreshes: u32,
    /// Requests for a comparison that Argo CD has answered.
    pub(crate) answered_refreshes: u32,
    /// Argo CD's message on why it did not start the requested sync.
    pub(crate) sync_refused: Option<String>,
    /// The pods, if this observation was made because they were read.
    pub(crate) pods: Option<ApplicationPods>,
    /// The observations of the pods over time.
    pub(crate) pod_histories: PodHistories,
    /// The rendered images, once they are known.
    pub(crate) rendered: Option<RenderedImages>,
    /// Whether Argo CD has rendered everything again for this run.
    pub(crate) is_rendered_again: bool,
    /// The comparison and the operation of the first state.
    first: Option<FirstState>,
    /// The last operation that ended, and the version that first showed its end.
    ended: Option<(OperationEnd, u64)>,
}

#[derive(Debug, Clone, Default)]
struct FirstState {
    reconciled_at: Option<String>,
    end: Option<OperationEnd>,
}

/// The end of an operation. Its times have whole seconds, and two operations can end in one second.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OperationEnd {
    finished_at: String,
    started_at: Option<String>,
    phase: String,
    revisions: Vec<String>,
}

impl Observation {
    /// Makes the observation before the first answer.
    pub(crate) fn starting_at(now: SystemTime) -> Self {
        Self {
            started_at: Some(now),
            ..Self::default()
        }
    }

    /// Takes in a state, unless a later one is known; returns whether it took it.
    pub(crate) fn update(&mut self, mut app: Application, is_whole: bool) -> bool {
        let is_older = app.version() < self.app.version();
        let is_same = app.version() == self.app.version() && self.first.is_some();
        if is_older || (is_same && !is_whole) {
            return false;
        }
        if !is_whole {
            // An event has no resources. The previous ones only serve for messages: a decision
            // about resources waits until `is_whole`.
            self.keep_what_events_lack(&mut app);
        }
        self.app = app;
        self.is_whole = is_whole;
        self.presence = AppPresence::Present;
        let end = self.operation_end();
        if self.first.is_none() {
            self.first = Some(FirstState {
                reconciled_at: self.app.status.reconciled_at.clone(),
                end: end.clone(),
            });
        }
        if self.ended.as_ref().map(|(end, _)| end) != end.as_ref() {
            self.count_sync(end.as_ref());
            self.ended = end.map(|end| (end, self.app.version()));
        }
        true
    }

    fn keep_what_events_lack(&mut self, app: &mut Application) {
        let before = &mut self.app;
        app.status.resources = std::mem::take(&mut before.status.resources);
        app.metadata.owner_references = std::mem::take(&mut before.metadata.owner_references);
        if let (Some(source), Some(before)) = (&mut app.spec.source, &mut before.spec.source) {
            source.kustomize = before.kustomize.take();
            source.helm = before.helm.take();
        }
    }

    /// Counts syncs that succeed one after the other: a self-heal that does not help.
    fn count_sync(&mut self, end: Option<&OperationEnd>) {
        let is_of_run = self.ended.is_some() || self.syncs_in_vain > 0;
        let is_sync = end
            .is_some_and(|end| end.phase == "Succeeded" && end.revisions == self.app.revisions());
        let is_same = self
            .ended
            .as_ref()
            .zip(end)
            .is_none_or(|((before, _), end)| before.revisions == end.revisions);
        if !is_same {
            self.syncs_in_vain = 0;
        }
        self.syncs_in_vain += u32::from(is_sync && is_of_run);
    }

    /// Takes in the events of an object, oldest first.
    pub(crate) fn add_events(&mut self, uid: &str, events: Vec<ObjectEvent>) {
        let read_at = self.now;
        let events = ObservedEvents { events, read_at };
        self.events.insert(uid.to_owned(), events);
    }

    /// Returns the events of an object, oldest first, if they were read lately.
    pub(crate) fn events(&self, uid: &str) -> Option<&[ObjectEvent]> {
        let events = self.events.get(uid)?;
        let is_late = self.now.saturating_sub(events.read_at) >= EVENTS_INTERVAL;
        (!is_late).then_some(&events.events)
    }

    /// Takes in that Argo CD knows no such application.
    pub(super) fn update_absent(&mut self, message: String) {
        self.presence = if self.is_present() {
            AppPresence::Deleted
        } else {
            AppPresence::Missing(message)
        };
    }

    pub(crate) fn is_present(&self) -> bool {
        self.presence == AppPresence::Present
    }

    fn operation_end(&self) -> Option<OperationEnd> {
        let state = self.app.status.operation_state.as_ref()?;
        Some(OperationEnd {
            finished_at: state.finished_at.clone()?,
            started_at: state.started_at.clone(),
            phase: state.phase.clone(),
            revisions: state.revisions().into_iter().map(str::to_owned).collect(),
        })
    }

    /// Returns the start of the operation that applied the revision of the last comparison, if one
    /// did.
    pub(crate) fn applied_since(&self) -> Option<&str> {
        let state = self.app.status.operation_state.as_ref()?;
        if state.revisions() == self.app.revisions() {
            state.started_at.as_deref()
        } else {
            None
        }
    }

    /// Returns whether the state is later than the end of its last operation: its version is later
    /// than the one that first showed the end, or its comparison began in a later second.
    ///
    /// Both times have whole seconds, and the time of a comparison is that of its start. So the
    /// same second proves nothing; and since a comparison may never come again, it disproves
    /// nothing either.
    pub(crate) fn is_settled(&self) -> bool {
        let Some((end, version)) = &self.ended else {
            return true;
        };
        let reconciled_at = self.app.status.reconciled_at.as_ref();
        self.app.version() > *version || reconciled_at.is_some_and(|at| *at > end.finished_at)
    }

    /// Returns for how long a condition had lasted when this run began. A message that changes, such
    /// as one with a random path, is a new condition for Argo CD.
    pub(crate) fn age_of(&self, condition: &str) -> Option<Duration> {
        let mut conditions = self.app.status.conditions.iter();
        let condition = conditions.find(|one| one.kind == condition)?;
        let began = condition.last_transition_time.as_deref()?;
        let began = humantime::parse_rfc3339_weak(began).ok()?;
        self.started_at?.duration_since(began).ok()
    }

    /// Returns whether the last operation had ended before this run began.
    pub(crate) fn operation_precedes_run(&self) -> bool {
        let first = self.first.as_ref().and_then(|first| first.end.as_ref());
        first.is_some() && first == self.operation_end().as_ref()
    }

    /// Returns whether Argo CD has compared the application since this run began.
    pub(crate) fn was_compared_again(&self) -> bool {
        self.first
            .as_ref()
            .is_some_and(|first| first.reconciled_at != self.app.status.reconciled_at)
    }
}

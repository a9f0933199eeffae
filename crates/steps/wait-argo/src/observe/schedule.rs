//! Decides when a request is due: none twice at the same time, and none too often.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The pauses between two requests for a comparison, in seconds, since Argo CD may swallow one
/// (argo-cd#28392).
const REFRESH_INTERVALS: [u64; 4] = [2, 4, 8, 15];
/// The time between two readings of the pods, and of the whole state when a decision needs it.
const READ_INTERVAL: Duration = Duration::from_secs(2);
/// The time between two requests for the sync windows, for a sync, or for an ancestry.
const SLOW_INTERVAL: Duration = Duration::from_secs(20);
/// The time between two questions about a branch that seems to have lost the commit: within it, all
/// servers of a forge know a commit that was just pushed.
const BRANCH_INTERVAL: Duration = Duration::from_secs(5);
/// The time after which a watch gets the state even without an event: a server may lose events
/// between its list and its subscription, and a stream may hang (argo-cd's `Watch`; argo-cd#12214).
pub(super) const STATE_INTERVAL: Duration = Duration::from_secs(10);

/// The requests that are under way, and the times of those before them.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// Whether the step waits; without that each question is asked only once.
    waits: bool,
    reads_state: bool,
    state_read_at: Option<Duration>,
    state_version: u64,
    refreshes: bool,
    refreshed_at: Option<Duration>,
    hard_refresh_requested: bool,
    reads_pods: bool,
    pods_read_at: Option<Duration>,
    live_pods_requested_at: Option<Duration>,
    reads_rendered: bool,
    windows_requested_at: Option<Duration>,
    application_set_requested_at: Option<Duration>,
    events_under_way: BTreeSet<String>,
    sync_requested: bool,
    sync_requested_at: Option<Duration>,
    ancestry_under_way: BTreeSet<String>,
    ancestry_read_at: BTreeMap<String, Duration>,
}

impl Schedule {
    pub(super) fn new(waits: bool) -> Self {
        Self {
            waits,
            ..Self::default()
        }
    }

    fn is_due(&self, last: Option<Duration>, interval: Duration, now: Duration) -> bool {
        last.is_none_or(|last| self.waits && now.saturating_sub(last) >= interval)
    }

    /// Returns whether to get the state, unless a request for it is under way; marks it as such.
    pub(super) fn start_state(&mut self) -> bool {
        !std::mem::replace(&mut self.reads_state, true)
    }

    /// Returns whether the state has not been read for long.
    pub(super) fn is_state_overdue(&self, now: Duration) -> bool {
        self.state_read_at
            .is_none_or(|at| now.saturating_sub(at) >= STATE_INTERVAL)
    }

    /// Returns whether a GET would show more than the state that is known, and is due.
    pub(super) fn is_whole_state_due(&self, known_version: u64, now: Duration) -> bool {
        self.state_version != known_version && self.is_due(self.state_read_at, READ_INTERVAL, now)
    }

    pub(super) fn state_ended(&mut self) {
        self.reads_state = false;
    }

    pub(super) fn state_read(&mut self, version: u64, now: Duration) {
        self.state_read_at = Some(now);
        self.state_version = version;
    }

    /// Returns whether to request a comparison, after this many answers; marks it as under way.
    pub(super) fn start_refresh(&mut self, answered: u32, now: Duration) -> bool {
        let last = REFRESH_INTERVALS.len() - 1;
        let index = usize::try_from(answered.saturating_sub(1)).map_or(last, |at| at.min(last));
        let interval = Duration::from_secs(REFRESH_INTERVALS[index]);
        let starts = !self.refreshes && self.is_due(self.refreshed_at, interval, now);
        self.refreshes |= starts;
        starts
    }

    /// Returns whether to have everything rendered again, which happens once; marks it as under
    /// way.
    pub(super) fn start_hard_refresh(&mut self) -> bool {
        let starts = !std::mem::replace(&mut self.hard_refresh_requested, true);
        self.refreshes |= starts;
        starts
    }

    pub(super) fn refresh_ended(&mut self, now: Duration) {
        self.refreshes = false;
        self.refreshed_at = Some(now);
    }

    /// Takes in that the answer to a refresh has shown this version, as a GET does.
    pub(super) fn refresh_read(&mut self, version: u64) {
        self.state_version = self.state_version.max(version);
    }

    /// Returns whether to read the pods that fail; marks it as under way.
    pub(super) fn start_failing_pods(&mut self, now: Duration) -> bool {
        self.is_due(self.pods_read_at, READ_INTERVAL, now)
            && !std::mem::replace(&mut self.reads_pods, true)
    }

    /// Returns whether to read the pods as a proof that counts from this time on, the first time at
    /// once; marks it as under way.
    pub(super) fn start_live_pods(&mut self, since: Duration, now: Duration) -> bool {
        let is_early = self
            .live_pods_requested_at
            .is_some_and(|at| at >= since && now.saturating_sub(at) < READ_INTERVAL);
        if is_early || std::mem::replace(&mut self.reads_pods, true) {
            return false;
        }
        self.live_pods_requested_at = Some(now);
        true
    }

    pub(super) fn pods_ended(&mut self, now: Duration) {
        self.reads_pods = false;
        self.pods_read_at = Some(now);
    }

    /// Returns whether to get the rendered manifests; marks it as under way.
    pub(super) fn start_rendered(&mut self) -> bool {
        !std::mem::replace(&mut self.reads_rendered, true)
    }

    pub(super) fn rendered_ended(&mut self) {
        self.reads_rendered = false;
    }

    /// Returns whether to get the sync windows; marks it as done.
    pub(super) fn start_windows(&mut self, now: Duration) -> bool {
        let starts = self.is_due(self.windows_requested_at, SLOW_INTERVAL, now);
        if starts {
            self.windows_requested_at = Some(now);
        }
        starts
    }

    /// Returns whether to get the ApplicationSet; marks it as done.
    pub(super) fn start_application_set(&mut self, now: Duration) -> bool {
        let starts = self.is_due(self.application_set_requested_at, SLOW_INTERVAL, now);
        if starts {
            self.application_set_requested_at = Some(now);
        }
        starts
    }

    /// Returns whether to get the events of an object; marks it as under way. A judgement asks only
    /// when those that were read are too old.
    pub(super) fn start_events(&mut self, uid: &str) -> bool {
        self.events_under_way.insert(uid.to_owned())
    }

    pub(super) fn events_ended(&mut self, uid: &str) {
        self.events_under_way.remove(uid);
    }

    /// Returns whether to request a sync, which happens once unless Argo CD refuses it; marks it as
    /// done.
    pub(super) fn start_sync(&mut self, now: Duration) -> bool {
        let starts = self.is_due(self.sync_requested_at, SLOW_INTERVAL, now)
            && !std::mem::replace(&mut self.sync_requested, true);
        if starts {
            self.sync_requested_at = Some(now);
        }
        starts
    }

    pub(super) fn sync_refused(&mut self) {
        self.sync_requested = false;
    }

    /// Returns whether to ask git about a revision; marks it as under way.
    pub(super) fn start_ancestry(
        &mut self,
        revision: &str,
        branch_misses: u32,
        now: Duration,
    ) -> bool {
        let interval = if branch_misses > 0 {
            BRANCH_INTERVAL
        } else {
            SLOW_INTERVAL
        };
        let last = self.ancestry_read_at.get(revision).copied();
        self.is_due(last, interval, now) && self.ancestry_under_way.insert(revision.to_owned())
    }

    pub(super) fn ancestry_ended(&mut self, revision: &str, now: Duration) {
        self.ancestry_under_way.remove(revision);
        self.ancestry_read_at.insert(revision.to_owned(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn refreshes_come_less_and_less_often() {
        let mut schedule = Schedule::new(true);
        let mut started = Vec::new();
        for now in 0..60 {
            let answered = u32::try_from(started.len()).unwrap();
            if schedule.start_refresh(answered, seconds(now)) {
                assert!(!schedule.start_refresh(answered, seconds(now)), "under way");
                schedule.refresh_ended(seconds(now));
                started.push(now);
            }
        }
        assert_eq!(started, [0, 2, 6, 14, 29, 44, 59]);
    }

    #[test]
    fn without_a_timeout_each_request_happens_once() {
        let mut schedule = Schedule::new(false);
        assert!(schedule.start_failing_pods(seconds(0)));
        schedule.pods_ended(seconds(0));
        assert!(!schedule.start_failing_pods(seconds(60)));
        assert!(schedule.start_sync(seconds(0)));
        schedule.sync_refused();
        assert!(!schedule.start_sync(seconds(60)));
    }

    #[test]
    fn the_first_proof_after_a_change_is_immediate() {
        let mut schedule = Schedule::new(true);
        assert!(schedule.start_live_pods(seconds(5), seconds(5)));
        schedule.pods_ended(seconds(5));
        assert!(!schedule.start_live_pods(seconds(5), seconds(6)));
        assert!(schedule.start_live_pods(seconds(6), seconds(6)));
    }
}

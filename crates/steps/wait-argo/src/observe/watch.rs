//! Watches one application: its events, its whole state every 10 s, and the follow-ups of
//! judgements.

mod answers;
mod requests;

use std::{future::Future, time::Duration};

use argocd::{
    Application, ApplicationEvent, ApplicationEvents, ApplicationId, ApplicationSet, ArgoCd,
    Presence, Refresh, SyncAnswer, SyncWindows, TreeEvent,
};
use contract::{Commit, Failure, Verdict, World, asking, world::Origin};
use futures_util::{
    StreamExt as _,
    future::{FutureExt as _, LocalBoxFuture},
    stream::FuturesUnordered,
};
use pods::image::ImageMatcher;
use serde_json::Value;

use crate::{
    Request,
    observe::{
        ancestry::RevisionAncestry,
        follow_up::FollowUp,
        log::{self, LogAnswer, LogPlace},
        outage::{OutageSubject, Outages},
        pods::ApplicationPods,
        progress::ApplicationProgress,
        schedule::{STATE_INTERVAL, Schedule},
        state::{AppPresence, Observation},
    },
};

/// How long Argo CD may send nothing, although the watch asks, before it counts as gone.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(25);
/// The time between two checks whether the first answer has come, once the deadline has passed:
/// the request has a timeout of its own, and then its failure says why there is no answer.
const FIRST_ANSWER_INTERVAL: Duration = Duration::from_millis(100);
/// The time between two requests for an application that is still missing.
const MISSING_INTERVAL: Duration = Duration::from_secs(2);
/// The time between two observations without a change: grace periods end by time alone.
const OBSERVE_INTERVAL: Duration = Duration::from_secs(1);

/// The result of a job of the watch.
enum JobResult {
    StreamOpened(Result<Presence<ApplicationEvents>, Failure>),
    Event(
        Box<ApplicationEvents>,
        Result<Option<ApplicationEvent>, Failure>,
    ),
    State(Result<Presence<Application>, Failure>),
    Refreshed(Refresh, Result<Presence<Application>, Failure>),
    Pods(Result<ApplicationPods, Failure>),
    Windows(Result<SyncWindows, Failure>),
    Rendered(Result<Vec<Value>, Failure>),
    SyncRequested(Result<SyncAnswer, Failure>),
    Ancestry {
        revision: Commit,
        hydrated: Option<Commit>,
        result: Result<RevisionAncestry, Failure>,
    },
    Events(String, Result<Vec<TreeEvent>, Failure>),
    ApplicationSet(Result<Option<ApplicationSet>, Failure>),
    StateInterval,
    TokenExpired,
    ReopenStream,
    ObserveInterval,
    Deadline,
}

/// The watch of one application.
pub(crate) struct ApplicationWatch<'a> {
    world: &'a World,
    argocd: &'a ArgoCd<'a>,
    app: &'a ApplicationId,
    commit: &'a Commit,
    image: Option<&'a ImageMatcher>,
    max_log_lines: usize,
    /// The server that names the repository of the commit, if the request does not.
    remote_named_by: Option<Origin>,
    progress: &'a ApplicationProgress<'a>,
    jobs: FuturesUnordered<LocalBoxFuture<'a, JobResult>>,
    observation: Observation,
    schedule: Schedule,
    outages: Outages,
    /// The time of the last answer or event.
    heard_at: Duration,
    /// How often in a row the stream broke.
    breaks: u32,
}

impl<'a> ApplicationWatch<'a> {
    pub(crate) fn new(
        world: &'a World,
        argocd: &'a ArgoCd<'a>,
        app: &'a ApplicationId,
        request: &'a Request,
        progress: &'a ApplicationProgress<'a>,
    ) -> Self {
        Self {
            world,
            argocd,
            app,
            commit: &request.commit,
            image: request.image.as_ref(),
            max_log_lines: request.log_lines,
            remote_named_by: request
                .remote
                .is_none()
                .then(|| request.argocd.server.origin()),
            progress,
            jobs: FuturesUnordered::new(),
            observation: Observation::starting_at(world.now()),
            schedule: Schedule::new(world.deadline().waits()),
            outages: Outages::default(),
            heard_at: Duration::ZERO,
            breaks: 0,
        }
    }

    /// Requests the first state.
    ///
    /// # Errors
    /// `internal` when a recording does not say when the token expires.
    pub(crate) async fn start(&mut self) -> Result<(), Failure> {
        self.get_state();
        if !self.waits() {
            return Ok(());
        }
        self.later(self.world.deadline().left(), JobResult::Deadline);
        self.later(OBSERVE_INTERVAL, JobResult::ObserveInterval);
        if let Some(expiry) = self.argocd.token_expiry().await? {
            // A stream outlives its token: without this request the watch would not learn of the
            // expiry until the stream breaks.
            let left = expiry.duration_since(self.world.now()).unwrap_or_default();
            self.later(left + Duration::from_millis(500), JobResult::TokenExpired);
        }
        Ok(())
    }

    /// Waits for the next observation.
    ///
    /// # Errors
    /// `denied` at once; `unavailable` when Argo CD does not answer the first request, or for too
    /// long.
    pub(crate) async fn observe(&mut self) -> Result<&Observation, Failure> {
        // A judgement must not use the same reading of the pods twice.
        self.observation.pods = None;
        loop {
            let Some(result) = self.jobs.next().await else {
                // Without a deadline to wait for, every request is answered now.
                self.observation.is_last = true;
                break;
            };
            if self.take(result)? {
                break;
            }
        }
        self.observation.now = self.now();
        Ok(&self.observation)
    }

    /// Makes the requests of a judgement that are due.
    pub(crate) fn follow_up(&mut self, follow_ups: &[FollowUp]) {
        for follow_up in follow_ups {
            self.request(follow_up);
        }
    }

    /// Reads the log of a container, unless no line of it is to be shown.
    pub(crate) async fn log(&self, place: Option<&LogPlace>) -> Option<LogAnswer> {
        let lines = self.max_log_lines;
        match place {
            Some(place) if lines > 0 => Some(log::read(self.argocd, self.app, place, lines).await),
            _ => None,
        }
    }

    /// Returns the application's name.
    pub(crate) fn app(&self) -> &str {
        &self.app.name
    }

    /// Returns the last observation.
    pub(crate) fn into_observation(self) -> Observation {
        self.observation
    }

    fn waits(&self) -> bool {
        self.world.deadline().waits()
    }

    fn now(&self) -> Duration {
        self.world.deadline().elapsed()
    }

    fn job(&self, job: impl Future<Output = JobResult> + 'a) {
        self.jobs.push(job.boxed_local());
    }

    fn later(&self, pause: Duration, result: JobResult) {
        self.job(async move {
            tokio::time::sleep(pause).await;
            result
        });
    }

    /// Takes in a result; returns whether it makes an observation.
    fn take(&mut self, result: JobResult) -> Result<bool, Failure> {
        let changed = match result {
            JobResult::StreamOpened(result) => self.take_stream(result)?,
            JobResult::Event(events, result) => self.take_event(events, result)?,
            JobResult::State(result) => self.take_state(result)?,
            JobResult::Refreshed(how, result) => self.take_refreshed(how, result)?,
            JobResult::Pods(result) => self.take_pods(result)?,
            JobResult::Windows(result) => self.take_windows(result)?,
            JobResult::Rendered(result) => self.take_rendered(result)?,
            JobResult::SyncRequested(result) => self.take_sync(result)?,
            JobResult::Ancestry {
                revision,
                hydrated,
                result,
            } => self.take_ancestry(&revision, hydrated, result?),
            JobResult::Events(uid, result) => self.take_events(&uid, result)?,
            JobResult::ApplicationSet(result) => self.take_application_set(result)?,
            JobResult::StateInterval => {
                if self.schedule.is_state_overdue(self.now()) {
                    self.get_state();
                }
                false
            }
            JobResult::TokenExpired => {
                self.get_state();
                false
            }
            JobResult::ReopenStream => {
                self.open_stream();
                false
            }
            JobResult::ObserveInterval => {
                self.later(OBSERVE_INTERVAL, JobResult::ObserveInterval);
                true
            }
            JobResult::Deadline => self.take_deadline()?,
        };
        Ok(changed && self.observation.presence != AppPresence::Unknown)
    }

    fn take_state(
        &mut self,
        result: Result<Presence<Application>, Failure>,
    ) -> Result<bool, Failure> {
        self.schedule.state_ended();
        let is_absent = matches!(result, Ok(Presence::Absent(_)));
        if self.waits() {
            let interval = if is_absent {
                MISSING_INTERVAL
            } else {
                STATE_INTERVAL
            };
            self.later(interval, JobResult::StateInterval);
        }
        match result {
            Ok(Presence::Absent(message)) => {
                self.heard_at = self.now();
                self.observation.update_absent(message);
            }
            Ok(Presence::Present(app)) => {
                self.heard_at = self.now();
                self.schedule.state_read(app.version(), self.now());
                self.outages.ended(OutageSubject::State);
                let is_first = !self.observation.is_present();
                self.observation.update(app, true);
                if is_first {
                    self.first_state_read();
                }
            }
            Err(failure) => self.tolerate(OutageSubject::State, failure)?,
        }
        Ok(true)
    }

    fn first_state_read(&mut self) {
        self.refresh_if_due();
        if self.waits() {
            self.open_stream();
        }
    }

    fn take_stream(
        &mut self,
        result: Result<Presence<ApplicationEvents>, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(Presence::Present(events)) => self.read_event(Box::new(events)),
            // A proxy may not support streams; then the state every 10 s has to do.
            Ok(Presence::Absent(_)) => self.stream_broke(),
            Err(failure) => {
                self.tolerate(OutageSubject::State, failure)?;
                self.stream_broke();
            }
        }
        Ok(false)
    }

    fn take_event(
        &mut self,
        events: Box<ApplicationEvents>,
        result: Result<Option<ApplicationEvent>, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(Some(event)) if event.deleted => {
                self.observation.presence = AppPresence::Deleted;
                Ok(true)
            }
            Ok(Some(event)) => {
                self.read_event(events);
                self.breaks = 0;
                self.heard_at = self.now();
                Ok(self.observation.update(event.application, false))
            }
            Err(failure) if failure.verdict != Verdict::Unavailable => Err(failure),
            Ok(None) | Err(_) => {
                self.stream_broke();
                Ok(false)
            }
        }
    }

    /// Gets the state that the stream did not show, and opens the stream again after a pause.
    fn stream_broke(&mut self) {
        self.breaks += 1;
        self.get_state();
        let seconds = 1 << self.breaks.min(4).saturating_sub(1);
        self.later(Duration::from_secs(seconds), JobResult::ReopenStream);
    }

    fn take_refreshed(
        &mut self,
        how: Refresh,
        result: Result<Presence<Application>, Failure>,
    ) -> Result<bool, Failure> {
        self.schedule.refresh_ended(self.now());
        if how == Refresh::Hard {
            self.observation.is_rendered_again = true;
            self.observation.rendered = None;
        }
        match result {
            Ok(Presence::Present(app)) => {
                self.observation.answered_refreshes += 1;
                self.schedule.refresh_read(app.version());
                self.observation.update(app, true);
            }
            // The next GET tells whether the application is missing or deleted.
            Ok(Presence::Absent(_)) => return Ok(false),
            // Argo CD answers at the end of the comparison, which may be too late for this client
            // or for a proxy. The GETs tell whether Argo CD is available.
            Err(failure) if failure.verdict == Verdict::Unavailable && self.waits() => {}
            Err(failure) => return Err(failure),
        }
        Ok(true)
    }

    fn take_pods(&mut self, result: Result<ApplicationPods, Failure>) -> Result<bool, Failure> {
        self.schedule.pods_ended(self.now());
        match result {
            Ok(pods) => {
                self.outages.ended(OutageSubject::Pods);
                self.observation.pod_histories.update(&pods, self.now());
                self.observation.pods = Some(pods);
                Ok(true)
            }
            Err(failure) => {
                self.tolerate(OutageSubject::Pods, failure)?;
                Ok(false)
            }
        }
    }

    fn take_deadline(&mut self) -> Result<bool, Failure> {
        if self.observation.presence == AppPresence::Unknown {
            self.later(FIRST_ANSWER_INTERVAL, JobResult::Deadline);
            return Ok(false);
        }
        if let Some(failure) = self.outages.take_failure() {
            return Err(failure);
        }
        let silence = self.now().saturating_sub(self.heard_at);
        if silence >= SILENCE_TIMEOUT {
            let (app, seconds) = (&self.app.name, silence.as_secs());
            let error = anyhow::anyhow!("Argo CD sent nothing about `{app}` for {seconds} s");
            return Err(Failure::unavailable(asking::TIMED_OUT, error));
        }
        self.observation.is_last = true;
        Ok(true)
    }

    /// Shows an outage as progress, and goes on.
    ///
    /// # Errors
    /// The failure itself when waiting does not help: it is not about availability, Argo CD has
    /// never answered, or the outage lasts too long.
    fn tolerate(&mut self, subject: OutageSubject, failure: Failure) -> Result<(), Failure> {
        let is_known = self.observation.presence != AppPresence::Unknown;
        if failure.verdict != Verdict::Unavailable || !is_known || !self.waits() {
            return Err(failure);
        }
        let reason = failure.reason;
        self.outages.failed(subject, failure, self.now())?;
        let state = format!("{}: {reason}", subject.text());
        self.progress.waits(&self.app.name, reason, &state);
        Ok(())
    }
}

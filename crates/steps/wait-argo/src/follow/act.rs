//! Asking what would help to know, not too often; and taking in what was answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use argocd::{
    Application, ApplicationEvent, ApplicationEvents, Lookup, Refresh, SyncAnswer, SyncWindows,
};
use contract::{Commit, Failure, Verdict};

use super::{About, Ending, Follow, Frame, Happened, Outcome, is_denied};
use crate::{
    ancestry::{Ancestry, Question},
    judge::Ask,
    known::Symptom,
    look::{self, Closer, Doomed, Judged, Look},
    wanted::branch_of,
};

/// The pauses between two requests for a comparison, since one may be swallowed (argo-cd#28392).
const REFRESHES: [u64; 4] = [2, 4, 8, 15];
/// The pause between two looks at the pods, and at everything.
const LOOKS: Duration = Duration::from_secs(2);
/// The pause between two questions about windows, and about a branch.
const SELDOM: Duration = Duration::from_secs(20);
/// What was just pushed is known to all servers of a forge within so long.
const REPLICAS: Duration = Duration::from_secs(5);
/// A controller makes the pods of what was applied within so long: those of before that are still the
/// newest are then those that stay.
const ROLLOUT: Duration = Duration::from_secs(10);
/// How long the log of a doomed pod may take.
const LOG: Duration = Duration::from_secs(5);

/// What is under way, and what was asked when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) getting: bool,
    pub(super) got_at: Option<Duration>,
    /// When it was heard of last, by whatever way.
    pub(super) heard_at: Duration,
    got_version: u64,
    refreshing: bool,
    refreshed_at: Option<Duration>,
    pub(super) looking: bool,
    looked_at: Option<Duration>,
    windows_at: Option<Duration>,
    synced: bool,
    synced_at: Option<Duration>,
    relating: BTreeSet<String>,
    related_at: BTreeMap<String, Duration>,
}

impl Follow<'_> {
    pub(super) fn ask(&mut self, ask: &Ask) {
        match ask {
            Ask::Refresh => self.refresh(),
            Ask::Ancestry(revision) => self.relate(revision),
            Ask::Whole => self.look_at_everything(),
            Ask::Pods if self.is_due(self.pace.looked_at, LOOKS) => self.look(Closer::Sick),
            Ask::Pods => {}
            Ask::Windows => self.ask_for_windows(),
            Ask::Sync => self.sync(),
        }
    }

    fn is_due(&self, last: Option<Duration>, pause: Duration) -> bool {
        last.is_none_or(|last| self.waits() && self.now().saturating_sub(last) >= pause)
    }

    fn look_at_everything(&mut self) {
        let newer = self.pace.got_version != self.known.app.version();
        if newer && self.is_due(self.pace.got_at, LOOKS) {
            self.look_again();
        }
    }

    fn refresh(&mut self) {
        let count = usize::try_from(self.known.refreshes).unwrap_or(usize::MAX);
        let pause =
            Duration::from_secs(REFRESHES[count.saturating_sub(1).min(REFRESHES.len() - 1)]);
        if !self.pace.refreshing && self.is_due(self.pace.refreshed_at, pause) {
            self.refresh_now(Refresh::Normal);
        }
    }

    pub(super) fn refresh_now(&mut self, how: Refresh) {
        self.pace.refreshing = true;
        self.known.asked += 1;
        let (argocd, app) = (self.argocd, self.app);
        self.job(async move { Happened::Refreshed(how, argocd.refresh(app, how).await) });
    }

    fn relate(&mut self, revision: &str) {
        let Ok(revision) = revision.parse::<Commit>() else {
            return;
        };
        let pause = if self.known.gone > 0 {
            REPLICAS
        } else {
            SELDOM
        };
        let due = self.is_due(self.pace.related_at.get(revision.as_str()).copied(), pause);
        if !due || !self.pace.relating.insert(revision.to_string()) {
            return;
        }
        let sources = self.wanted.sources(&self.known.app);
        let Some((_, source)) = sources.first() else {
            return;
        };
        let remote = self
            .wanted
            .remote
            .clone()
            .unwrap_or_else(|| source.repo_url.clone());
        let branch = branch_of(source).map(str::to_owned);
        let (world, commit) = (self.world, &self.wanted.commit);
        self.job(async move {
            let (remote, branch) = (remote.as_str(), branch.as_deref());
            let answer = Question {
                remote,
                branch,
                commit,
                revision: &revision,
            }
            .ask(world)
            .await;
            Happened::Ancestry(revision, answer)
        });
    }

    pub(super) fn look(&mut self, closer: Closer) {
        if !std::mem::replace(&mut self.pace.looking, true) {
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { Happened::Looked(look::look(argocd, app, closer).await) });
        }
    }

    fn ask_for_windows(&mut self) {
        if self.is_due(self.pace.windows_at, SELDOM) {
            self.pace.windows_at = Some(self.now());
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { Happened::Windows(argocd.windows(app).await) });
        }
    }

    fn sync(&mut self) {
        if self.is_due(self.pace.synced_at, SELDOM)
            && !std::mem::replace(&mut self.pace.synced, true)
        {
            self.pace.synced_at = Some(self.now());
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { Happened::Synced(argocd.sync(app).await) });
        }
    }

    pub(super) fn got(
        &mut self,
        result: Result<Lookup<Application>, Failure>,
    ) -> Result<Option<Ending>, Failure> {
        match result {
            Ok(Lookup::Absent(said)) => Ok(Some(self.missing(&said))),
            Ok(Lookup::Found(app)) => {
                self.pace.got_at = Some(self.now());
                self.pace.heard_at = self.now();
                self.pace.got_version = app.version();
                self.outages.remove(&About::State);
                self.known.observe(app, true, self.now());
                if !std::mem::replace(&mut self.is_known, true) {
                    self.refresh();
                    if self.waits() {
                        self.open();
                    }
                }
                Ok(None)
            }
            Err(failure) => self.stumble(About::State, failure).map(|()| None),
        }
    }

    pub(super) fn opened(
        &mut self,
        result: Result<Lookup<ApplicationEvents>, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(Lookup::Found(events)) => self.read(Box::new(events)),
            // A proxy may not know streams: then there are the looks of our own.
            Ok(Lookup::Absent(_)) => self.broke(),
            Err(failure) => {
                self.stumble(About::State, failure)?;
                self.broke();
            }
        }
        Ok(false)
    }

    pub(super) fn frame(
        &mut self,
        events: Box<ApplicationEvents>,
        result: Result<Option<ApplicationEvent>, Failure>,
    ) -> Result<Frame, Failure> {
        match result {
            Ok(Some(event)) if event.deleted => Ok(Frame::Deleted),
            Ok(Some(event)) => {
                self.read(events);
                self.breaks = 0;
                let now = self.now();
                self.pace.heard_at = now;
                Ok(Frame::State(self.known.observe(
                    event.application,
                    false,
                    now,
                )))
            }
            Ok(None) => {
                self.broke();
                Ok(Frame::State(false))
            }
            Err(failure) if failure.verdict == Verdict::Unavailable => {
                self.broke();
                Ok(Frame::State(false))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The stream is gone: what it would have said is asked for, and it is opened again.
    fn broke(&mut self) {
        self.breaks += 1;
        self.look_again();
        self.later(
            Duration::from_secs(1 << self.breaks.min(4).saturating_sub(1)),
            || Happened::Reopen,
        );
    }

    pub(super) fn refreshed(
        &mut self,
        how: Refresh,
        result: Result<Lookup<Application>, Failure>,
    ) -> Result<bool, Failure> {
        self.pace.refreshing = false;
        self.pace.refreshed_at = Some(self.now());
        if how == Refresh::Hard {
            self.proving.is_fresh();
        }
        match result {
            Ok(Lookup::Found(app)) => {
                self.known.refreshes += 1;
                self.pace.got_version = self.pace.got_version.max(app.version());
                self.known.observe(app, true, self.now());
            }
            // The next look tells what it means.
            Ok(Lookup::Absent(_)) => return Ok(false),
            // It is answered when the comparison is done, which may be too late for us or for a proxy:
            // whether Argo CD can be asked is told by the looks.
            Err(failure) if failure.verdict == Verdict::Unavailable && self.waits() => {}
            Err(failure) => return Err(failure),
        }
        Ok(true)
    }

    pub(super) fn windows(
        &mut self,
        result: Result<SyncWindows, Failure>,
    ) -> Result<bool, Failure> {
        match result {
            Ok(windows) => self.known.windows = Some(windows),
            Err(failure) => self.stumble(About::State, failure)?,
        }
        Ok(true)
    }

    pub(super) fn synced(&mut self, result: Result<SyncAnswer, Failure>) -> Result<bool, Failure> {
        match result {
            Ok(SyncAnswer::Accepted) => self.known.sync_refused = None,
            Ok(SyncAnswer::Refused(said)) => {
                (self.known.sync_refused, self.pace.synced) = (Some(said), false)
            }
            // Whether it was carried out is not known: it is not asked for twice, and the state tells.
            Err(failure) => self.stumble(About::State, failure)?,
        }
        Ok(true)
    }

    pub(super) fn related(&mut self, revision: &Commit, ancestry: Ancestry) -> bool {
        self.pace.relating.remove(revision.as_str());
        self.pace
            .related_at
            .insert(revision.to_string(), self.now());
        match ancestry.in_branch {
            Some(false) => self.known.gone += 1,
            Some(true) => self.known.gone = 0,
            None => {}
        }
        self.known.ancestry.insert(revision.to_string(), ancestry);
        true
    }

    pub(super) fn looked(
        &mut self,
        result: Result<Look, Failure>,
    ) -> Result<Option<Outcome>, Failure> {
        self.pace.looking = false;
        self.pace.looked_at = Some(self.now());
        let look = match result {
            Ok(look) => look,
            Err(failure) => return self.stumble(About::Pods, failure).map(|()| None),
        };
        self.outages.remove(&About::Pods);
        let judged = Judged {
            since: self.known.applied_since(),
            image: self.wanted.image.as_ref(),
            all: self.known.lasted(Symptom::Applied) >= ROLLOUT,
        };
        if let Some(doomed) = self.watched.observe(&look, self.now(), &judged) {
            return Ok(Some(Outcome::Doomed(Box::new(doomed))));
        }
        self.proving.looked(look);
        Ok(self.decide())
    }

    pub(super) fn doom(&self, doomed: &Doomed) -> Ending {
        if let Some(other) = self.newer_image(&doomed.images) {
            return self.superseded(other);
        }
        let state = format!(
            "cannot become healthy: {}, {}",
            doomed.name, doomed.doom.text
        );
        Ending::refused(doomed.doom.reason, state)
    }

    /// Returns the image of the repository that a later commit deploys instead, if it does.
    fn newer_image<'i>(&self, images: &'i [String]) -> Option<&'i str> {
        let wanted = self.wanted.image.as_ref().filter(|_| self.is_later())?;
        let mut mine = images.iter().filter(|image| wanted.is_of_repository(image));
        let other = mine.clone().next()?;
        (!mine.any(|image| wanted.is_named(image))).then_some(other)
    }

    /// Adds the last lines of the log; without them the ending is as true.
    pub(super) async fn with_log(&self, mut ending: Ending, doomed: &Doomed) -> Ending {
        let Some([namespace, pod, container]) = &doomed.pod else {
            return ending;
        };
        let lines = self.wanted.log_lines;
        if lines == 0 {
            return ending.hinted(
                "pass `--log-lines 25` to see the end of its log, where everybody can read it",
            );
        }
        let place = [namespace.as_str(), pod.as_str(), container.as_str()];
        let log = self.argocd.log(self.app, place, lines, doomed.restarted);
        match tokio::time::timeout(LOG, log).await {
            Ok(Ok(log)) if !log.is_empty() => {
                ending.detail = Some(format!(
                    "log of {pod}, container {container}:\n{}",
                    log.join("\n")
                ));
            }
            Ok(Err(failure)) if is_denied(failure.reason) => ending.hints.extend(failure.hints),
            Ok(Ok(_) | Err(_)) | Err(_) => {}
        }
        ending
    }
}

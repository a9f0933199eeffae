//! Following one application until it is decided: its events, a look of our own every 10 s, and what
//! has to be asked beside.

mod act;
mod proof;

use std::{collections::BTreeMap, future::Future, time::Duration};

use argocd::{
    Application, ApplicationEvent, ApplicationEvents, ApplicationId, ArgoCd, Lookup, Refresh,
    SyncAnswer, SyncWindows,
};
use contract::{Commit, Failure, Reason, Verdict, World, asking};
use futures_util::{
    StreamExt as _,
    future::{FutureExt as _, LocalBoxFuture},
    stream::FuturesUnordered,
};
use serde_json::Value;

use self::{act::Pace, proof::Proving};
use crate::{
    ancestry::Ancestry,
    judge::{Decision, Ending, Position, Wait, judge, position, short},
    known::Known,
    look::{Doomed, Look, Watched},
    reasons::{APP_DELETED, APP_MISSING, OLD_REVISION},
    say::Progress,
    wanted::Wanted,
};

/// Events may be lost between a server's list and its subscription, and a stream may hang (argo-cd's
/// `Watch`; #12214): it is looked at anyway, so often.
const GUARD: Duration = Duration::from_secs(10);
/// Argo CD may restart while it is waited for.
const OUTAGE: Duration = Duration::from_secs(60);
/// Who was not heard of for so long, though it is looked at, is not there.
const SILENCE: Duration = Duration::from_secs(25);
/// The first look may take a moment longer than the deadline.
const LAST_WORD: Duration = Duration::from_millis(100);
/// What has a grace is judged again, so often.
const PULSE: Duration = Duration::from_secs(1);

/// What may happen.
enum Happened {
    Opened(Result<Lookup<ApplicationEvents>, Failure>),
    Frame(
        Box<ApplicationEvents>,
        Result<Option<ApplicationEvent>, Failure>,
    ),
    Got(Result<Lookup<Application>, Failure>),
    Refreshed(Refresh, Result<Lookup<Application>, Failure>),
    Looked(Result<Look, Failure>),
    Windows(Result<SyncWindows, Failure>),
    Rendered(Result<Vec<Value>, Failure>),
    Synced(Result<SyncAnswer, Failure>),
    Ancestry(Commit, Result<Ancestry, Failure>),
    Guard,
    TokenEnded,
    Reopen,
    Pulse,
    Deadline,
}

/// What may be asked for without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// The application.
    State,
    /// Its pods, and what was rendered.
    Pods,
}

/// How it ended.
pub(crate) struct Followed {
    pub(crate) known: Known,
    pub(crate) ending: Ending,
    /// The image that its pods run, once that was proven.
    pub(crate) image: Option<String>,
}

/// One application that is followed.
pub(crate) struct Follow<'a> {
    world: &'a World,
    argocd: &'a ArgoCd<'a>,
    app: &'a ApplicationId,
    wanted: &'a Wanted,
    progress: &'a Progress<'a>,
    jobs: FuturesUnordered<LocalBoxFuture<'a, Happened>>,
    known: Known,
    watched: Watched,
    pace: Pace,
    proving: Proving,
    /// What is waited for.
    last: Wait,
    /// Since when something could not be asked for, and the last reason for it.
    outages: BTreeMap<About, (Duration, Failure)>,
    is_known: bool,
    breaks: u32,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(
        world: &'a World,
        argocd: &'a ArgoCd<'a>,
        app: &'a ApplicationId,
        wanted: &'a Wanted,
        progress: &'a Progress<'a>,
    ) -> Self {
        let last = Wait {
            reason: OLD_REVISION,
            state: "was not seen yet".to_owned(),
            asks: Vec::new(),
        };
        Self {
            world,
            argocd,
            app,
            wanted,
            progress,
            jobs: FuturesUnordered::new(),
            known: Known::default(),
            watched: Watched::default(),
            pace: Pace::default(),
            proving: Proving::default(),
            last,
            outages: BTreeMap::new(),
            is_known: false,
            breaks: 0,
        }
    }

    /// Follows it to its end.
    ///
    /// # Errors
    /// When nobody could be asked, or not for long enough.
    pub(crate) async fn run(mut self) -> Result<Followed, Failure> {
        self.start().await?;
        while let Some(happened) = self.jobs.next().await {
            let (ending, doomed) = match self.take(happened)? {
                Some(Outcome::End(ending)) => (ending, None),
                Some(Outcome::Doomed(doomed)) => (self.doom(&doomed), Some(doomed)),
                None => continue,
            };
            let ending = match doomed {
                Some(doomed) => self.with_log(ending, &doomed).await,
                None => ending,
            };
            return Ok(self.followed(ending));
        }
        // Without a deadline to wait for it is asked once.
        let ending = self.not_yet();
        Ok(self.followed(ending))
    }

    fn followed(self, ending: Ending) -> Followed {
        if let Position::Behind(what) = position(self.wanted, &self.known)
            && let Some(trouble) = &what.trouble
        {
            let (revision, commit) = (short(&what.revision), self.wanted.commit.short());
            self.world.notice(format!(
                "only {commit} itself counted, since nobody could be asked whether {revision} contains it: {trouble}"
            ));
        }
        Followed {
            known: self.known,
            ending,
            image: self.proving.image,
        }
    }

    async fn start(&mut self) -> Result<(), Failure> {
        self.look_again();
        if !self.waits() {
            return Ok(());
        }
        self.later(self.world.deadline().left(), || Happened::Deadline);
        self.later(PULSE, || Happened::Pulse);
        if let Some(end) = self.argocd.token_expiry().await? {
            // A stream outlives its token: nobody would notice until it breaks.
            let left = end.duration_since(self.world.now()).unwrap_or_default();
            self.later(left + Duration::from_millis(500), || Happened::TokenEnded);
        }
        Ok(())
    }

    fn waits(&self) -> bool {
        self.world.deadline().waits()
    }

    fn now(&self) -> Duration {
        self.world.deadline().elapsed()
    }

    fn later(&self, pause: Duration, what: impl FnOnce() -> Happened + 'a) {
        self.job(async move {
            tokio::time::sleep(pause).await;
            what()
        });
    }

    fn job(&self, job: impl Future<Output = Happened> + 'a) {
        self.jobs.push(job.boxed_local());
    }

    /// Asks for the whole state, unless that is under way.
    fn look_again(&mut self) {
        if !std::mem::replace(&mut self.pace.getting, true) {
            let (argocd, app) = (self.argocd, self.app);
            self.job(async move { Happened::Got(argocd.application(app).await) });
        }
    }

    fn open(&self) {
        let (argocd, app) = (self.argocd, self.app);
        self.job(async move { Happened::Opened(argocd.events(app).await) });
    }

    fn read(&self, mut events: Box<ApplicationEvents>) {
        let (argocd, app) = (self.argocd, self.app);
        self.job(async move {
            let result = argocd.next(app, &mut events).await;
            Happened::Frame(events, result)
        });
    }

    /// Takes in what happened, and decides.
    fn take(&mut self, happened: Happened) -> Result<Option<Outcome>, Failure> {
        let changed = match happened {
            Happened::Opened(result) => self.opened(result)?,
            Happened::Frame(events, result) => match self.frame(events, result)? {
                Frame::Deleted => return Ok(Some(Outcome::End(self.deleted()))),
                Frame::State(changed) => changed,
            },
            Happened::Got(result) => {
                self.pace.getting = false;
                if self.waits() {
                    self.later(GUARD, || Happened::Guard);
                }
                match self.got(result)? {
                    Some(ending) => return Ok(Some(Outcome::End(ending))),
                    None => true,
                }
            }
            Happened::Refreshed(how, result) => self.refreshed(how, result)?,
            Happened::Looked(result) => return self.looked(result),
            Happened::Windows(result) => self.windows(result)?,
            Happened::Rendered(result) => self.rendered(result)?,
            Happened::Synced(result) => self.synced(result)?,
            Happened::Ancestry(revision, result) => self.related(&revision, result?),
            Happened::Guard | Happened::TokenEnded => {
                self.guard(matches!(happened, Happened::TokenEnded));
                false
            }
            Happened::Reopen => {
                self.open();
                false
            }
            Happened::Pulse => {
                self.later(PULSE, || Happened::Pulse);
                true
            }
            Happened::Deadline => return self.deadline(),
        };
        Ok(if changed && self.is_known {
            self.decide()
        } else {
            None
        })
    }

    fn guard(&mut self, now: bool) {
        let recently = self
            .pace
            .got_at
            .is_some_and(|at| self.now().saturating_sub(at) < GUARD);
        if now || !recently {
            self.look_again();
        }
    }

    fn decide(&mut self) -> Option<Outcome> {
        self.known.tick(self.now());
        match judge(self.wanted, &mut self.known) {
            Decision::End(ending) => Some(Outcome::End(ending)),
            Decision::Wait(wait) => {
                self.proving.restart();
                self.wait(wait);
                None
            }
            Decision::Deployed => self.deployed(),
        }
    }

    fn wait(&mut self, wait: Wait) {
        self.progress.say(&self.app.name, wait.reason, &wait.state);
        for ask in &wait.asks {
            self.ask(ask);
        }
        self.last = wait;
    }

    fn deadline(&mut self) -> Result<Option<Outcome>, Failure> {
        if !self.is_known {
            // The first look has a limit of its own, and then tells why there is no answer.
            self.later(LAST_WORD, || Happened::Deadline);
            return Ok(None);
        }
        if let Some((_, (_, failure))) = self.outages.pop_first() {
            return Err(failure);
        }
        let silence = self.now().saturating_sub(self.pace.heard_at);
        if silence >= SILENCE {
            let text = format!(
                "nothing was heard of `{}` for {} s",
                self.app.name,
                silence.as_secs()
            );
            return Err(Failure::unavailable(
                asking::TIMED_OUT,
                anyhow::anyhow!(text),
            ));
        }
        Ok(Some(Outcome::End(self.not_yet())))
    }

    fn not_yet(&self) -> Ending {
        let ending = Ending::new(Verdict::NotYet, self.last.reason, self.last.state.clone());
        match self.last.reason {
            OLD_REVISION if self.known.asked > 0 && !self.known.was_compared_again() => {
                ending.hinted("Argo CD has not compared it anew: does its application controller run?")
            }
            OLD_REVISION => ending.hinted(
                "was the commit pushed to the branch that the application tracks, and can Argo CD fetch it?",
            ),
            _ => ending,
        }
    }

    fn deleted(&self) -> Ending {
        Ending::refused(APP_DELETED, "was deleted while it was waited for")
    }

    fn missing(&self, said: &str) -> Ending {
        if self.is_known {
            return self.deleted();
        }
        let project = self
            .app
            .project
            .as_ref()
            .map(|project| format!(" of project {project}"))
            .unwrap_or_default();
        Ending::refused(APP_MISSING, format!("is not an application{project} ({said})")).hinted(
            "is `--app` right? A server says the same of an application in another project, or one that this token may not see",
        )
    }

    /// Returns the failure when waiting is of no use: it is not about the network, or nothing was ever
    /// answered, or it lasts.
    fn stumble(&mut self, about: About, failure: Failure) -> Result<(), Failure> {
        let now = self.now();
        if failure.verdict != Verdict::Unavailable || !self.is_known || !self.waits() {
            return Err(failure);
        }
        let since = self.outages.get(&about).map_or(now, |(since, _)| *since);
        if now.saturating_sub(since) >= OUTAGE {
            return Err(failure);
        }
        let what = if about == About::State {
            "cannot be asked for"
        } else {
            "has pods that cannot be asked for"
        };
        self.progress.say(
            &self.app.name,
            failure.reason,
            &format!("{what}: {}", failure.reason),
        );
        self.outages.insert(about, (since, failure));
        Ok(())
    }
}

/// Where a look or a decision leads.
enum Outcome {
    End(Ending),
    Doomed(Box<Doomed>),
}

enum Frame {
    Deleted,
    State(bool),
}

/// Returns whether a rights problem concerns only a part of the answer.
fn is_denied(reason: Reason) -> bool {
    reason == asking::PERMISSION_MISSING
}

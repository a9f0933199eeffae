//! Retries: after a transient error, and after a lost race.

use std::time::Duration;

use branch::{BranchError, BranchName, CONTENDED};
use contract::{Commit, Failure, Verdict, World, asking};

/// Number of consecutive transient errors, such as a restarting server or a broken connection, that
/// counts as an outage.
const MAX_TRANSIENT_ERRORS: u32 = 4;

/// The first backoff after a transient error; it doubles with each further error.
const ERROR_BACKOFF: Duration = Duration::from_millis(200);

/// The first backoff after a rate limit, which GitHub asks for; it doubles, too. Asking sooner may
/// get an account banned.
pub(crate) const LIMIT_BACKOFF: Duration = Duration::from_secs(60);

/// The longest backoff after the first lost race; it grows with each further race, so that several
/// writers spread out instead of meeting again.
const RACE_BACKOFF: Duration = Duration::from_millis(60);

/// The longest backoff after any lost race.
const MAX_RACE_BACKOFF: Duration = Duration::from_secs(1);

/// The attempts so far.
pub(crate) struct Retry<'w> {
    world: &'w World,
    name: BranchName,
    lost: u32,
    /// The tip of the last lost race.
    last: Option<Commit>,
    /// Pushes in a row that failed with a transient error.
    errors: u32,
}

impl<'w> Retry<'w> {
    pub(crate) fn new(world: &'w World, name: &BranchName) -> Self {
        Self {
            world,
            name: name.clone(),
            lost: 0,
            last: None,
            errors: 0,
        }
    }

    pub(crate) fn world(&self) -> &'w World {
        self.world
    }

    /// Repeats a request until it has an answer, or a failure that is not transient.
    pub(crate) async fn ask<T>(
        &self,
        question: impl AsyncFn() -> Result<T, BranchError>,
    ) -> Result<T, BranchError> {
        let mut errors = 0;
        loop {
            match question().await {
                Err(BranchError::Failed(failure)) => {
                    errors += 1;
                    self.back_off(failure, errors).await?;
                }
                answer => return answer,
            }
        }
    }

    /// Backs off after a transient error of a push.
    pub(crate) async fn transient_error(&mut self, failure: Failure) -> Result<(), Failure> {
        self.errors += 1;
        self.back_off(failure, self.errors).await
    }

    async fn back_off(&self, failure: Failure, errors: u32) -> Result<(), Failure> {
        let is_limit = failure.reason == asking::RATE_LIMITED;
        let first = if is_limit {
            LIMIT_BACKOFF
        } else {
            ERROR_BACKOFF
        };
        let backoff = first * 2_u32.pow(errors - 1);
        let is_too_long = is_limit && !self.has_time_for(backoff);
        let is_final = !is_limit && !is_transient(&failure);
        if is_final || is_too_long || errors >= MAX_TRANSIENT_ERRORS || self.is_late() {
            return Err(failure);
        }
        self.world
            .waiting_for(format!("`{}` to answer: {}", self.name, failure.summary()));
        self.world.sleep(backoff).await;
        Ok(())
    }

    /// Backs off for a random time after a lost race, unless the deadline is over.
    pub(crate) async fn lost(&mut self, tip: &Commit) -> Result<(), Failure> {
        self.lost += 1;
        self.errors = 0;
        self.last = Some(tip.clone());
        if self.world.deadline().is_over() {
            return Err(self.contended(tip));
        }
        let times = self.times();
        self.world.waiting_for(format!(
            "a turn on `{}`: others were faster {times}",
            self.name
        ));
        let longest = (RACE_BACKOFF * self.lost).min(MAX_RACE_BACKOFF);
        self.world.sleep(longest.mul_f64(self.world.random())).await;
        Ok(())
    }

    /// Returns the verdict on a failed question: after lost races, a question that the deadline ends
    /// is contention, and not a slow server.
    pub(crate) fn cut_off(&self, failure: Failure) -> Failure {
        match &self.last {
            Some(tip) if failure.reason == asking::TIMED_OUT && self.is_late() => {
                self.contended(tip)
            }
            _ => failure,
        }
    }

    fn has_time_for(&self, pause: Duration) -> bool {
        let deadline = self.world.deadline();
        deadline.waits() && deadline.left() > pause
    }

    /// With `--timeout 0` a transient error has its retries too: they are part of asking once.
    fn is_late(&self) -> bool {
        self.world.deadline().waits() && self.world.deadline().is_over()
    }

    fn times(&self) -> String {
        if self.lost == 1 {
            "once".to_owned()
        } else {
            format!("{} times", self.lost)
        }
    }

    fn contended(&self, tip: &Commit) -> Failure {
        let (name, short, times) = (&self.name, tip.short(), self.times());
        let error = anyhow::anyhow!(
            "others changed `{name}` first, {times}; nothing was written, \
             the last tip seen was {short}"
        );
        Failure::contended(CONTENDED, error).hinted("run it again, or pass a longer `--timeout`")
    }
}

fn is_transient(failure: &Failure) -> bool {
    let transient = [asking::UNREACHABLE, asking::SERVER_ERROR, asking::TIMED_OUT];
    failure.verdict == Verdict::Unavailable && transient.contains(&failure.reason)
}

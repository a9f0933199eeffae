//! Trying again: after a transient error, and after somebody else changed the branch first.

use std::time::Duration;

use branch::{BranchError, CONTENDED, Name};
use contract::{Commit, Failure, Verdict, World, asking};

/// How many transient errors in a row, such as a restarting server or a broken connection, are one too
/// many.
const MAX_TRANSIENT_ERRORS: u32 = 4;

/// The longest backoff after a lost race is this, times the number of lost races, up to a second: several
/// writers spread out instead of meeting again.
const BACKOFF_SLOT: Duration = Duration::from_millis(60);

/// The attempts so far.
pub(crate) struct Retry<'w> {
    world: &'w World,
    name: Name,
    lost: u32,
    /// The tip that the last race was lost on.
    last: Option<Commit>,
    /// Pushes in a row that failed with a transient error.
    errors: u32,
}

impl<'w> Retry<'w> {
    pub(crate) fn new(world: &'w World, name: &Name) -> Self {
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

    /// Asks until there is an answer, or a failure that is not transient.
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

    /// Backs off after a push that failed with a transient error.
    pub(crate) async fn transient_error(&mut self, failure: Failure) -> Result<(), Failure> {
        self.errors += 1;
        self.back_off(failure, self.errors).await
    }

    async fn back_off(&self, failure: Failure, errors: u32) -> Result<(), Failure> {
        if !is_transient(&failure) || errors >= MAX_TRANSIENT_ERRORS || self.is_late() {
            return Err(failure);
        }
        self.world
            .waiting_for(format!("`{}` to answer: {}", self.name, failure.summary()));
        self.world
            .sleep(Duration::from_millis(200) * 2_u32.pow(errors - 1))
            .await;
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
        let longest = (BACKOFF_SLOT * self.lost).min(Duration::from_secs(1));
        self.world.sleep(longest.mul_f64(self.world.random())).await;
        Ok(())
    }

    /// Returns what a failure to read means: when races were lost until the deadline cut the last
    /// reading off, it is contention, not a server that is slow.
    pub(crate) fn cut_off(&self, failure: Failure) -> Failure {
        match &self.last {
            Some(tip) if failure.reason == asking::TIMED_OUT && self.is_late() => {
                self.contended(tip)
            }
            _ => failure,
        }
    }

    /// With `--timeout 0` a transient error is retried too: that is part of asking once.
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
            "others changed `{name}` first, {times}; nothing was written, the last tip seen was {short}"
        );
        Failure::contended(CONTENDED, error).hinted("run it again, or pass a longer `--timeout`")
    }
}

fn is_transient(failure: &Failure) -> bool {
    let passing = [asking::UNREACHABLE, asking::SERVER_ERROR, asking::TIMED_OUT];
    failure.verdict == Verdict::Unavailable && passing.contains(&failure.reason)
}

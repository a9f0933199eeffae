//! Who waits for a turn: how long, how often, and when to give up.

use std::time::Duration;

use contract::{Commit, Failure, Verdict, World, asking};

use crate::{BranchError, CONTENDED, Name};

/// How often in a row a disturbance may come before it counts: a server that restarts, a connection
/// that breaks.
const DISTURBANCES: u32 = 4;

/// The longest pause after a lost race is this, times how often it was lost, up to a second: several
/// writers spread out instead of meeting again.
const SLOT: Duration = Duration::from_millis(60);

/// The tries so far.
pub(crate) struct Turns<'w> {
    world: &'w World,
    name: Name,
    lost: u32,
    /// The tip that the last race was lost on.
    last: Option<Commit>,
    /// Pushes in a row that failed without a race.
    disturbances: u32,
}

impl<'w> Turns<'w> {
    pub(crate) fn new(world: &'w World, name: &Name) -> Self {
        Self {
            world,
            name: name.clone(),
            lost: 0,
            last: None,
            disturbances: 0,
        }
    }

    /// Asks until there is an answer, or a failure that does not pass.
    pub(crate) async fn ask<T>(
        &self,
        question: impl AsyncFn() -> Result<T, BranchError>,
    ) -> Result<T, BranchError> {
        let mut disturbances = 0;
        loop {
            match question().await {
                Err(BranchError::Failed(failure)) => {
                    disturbances += 1;
                    self.pause(failure, disturbances).await?;
                }
                answer => return answer,
            }
        }
    }

    /// Pauses after a push that failed in a way that may pass.
    pub(crate) async fn disturbed(&mut self, failure: Failure) -> Result<(), Failure> {
        self.disturbances += 1;
        self.pause(failure, self.disturbances).await
    }

    async fn pause(&self, failure: Failure, disturbances: u32) -> Result<(), Failure> {
        if !may_pass(&failure) || disturbances >= DISTURBANCES || self.is_late() {
            return Err(failure);
        }
        self.world
            .waiting_for(format!("`{}` to answer: {}", self.name, failure.summary()));
        self.world
            .sleep(Duration::from_millis(200) * 2_u32.pow(disturbances - 1))
            .await;
        Ok(())
    }

    /// Pauses for a random while after a lost race, unless the deadline has come.
    pub(crate) async fn lost(&mut self, tip: &Commit) -> Result<(), Failure> {
        self.lost += 1;
        self.disturbances = 0;
        self.last = Some(tip.clone());
        if self.world.deadline().is_over() {
            return Err(self.contended(tip));
        }
        let times = self.times();
        self.world.waiting_for(format!(
            "a turn on `{}`: others were faster {times}",
            self.name
        ));
        let longest = (SLOT * self.lost).min(Duration::from_secs(1));
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

    /// With `--timeout 0` a disturbance may pass too: it is part of putting the question once.
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

fn may_pass(failure: &Failure) -> bool {
    let passing = [asking::UNREACHABLE, asking::SERVER_ERROR, asking::TIMED_OUT];
    failure.verdict == Verdict::Unavailable && passing.contains(&failure.reason)
}

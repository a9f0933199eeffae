//! The run of a plan, and its dry run.

use contract::{Commit, Failure};
use github::PullRequest;

use crate::{BranchRead, Decision, Problem, RemoteWriter, WriteOutcome, WritePlan};

/// The change of a branch by a plan.
#[derive(Debug)]
pub enum BranchChange {
    /// None: the run is a dry run, or the plan refused to write, or found nothing to do.
    Nothing,
    /// The branch has this commit.
    Committed(Commit),
    /// The pull request was merged as this commit.
    Merged(PullRequest, Commit),
    /// The write failed, or the commit breaks a requirement of the flags.
    Failed(Problem),
}

impl RemoteWriter<'_> {
    /// Writes what the plan wants; a dry run reads the branch once and lets the plan decide.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn apply<P: WritePlan>(
        &self,
        plan: &mut P,
        is_dry_run: bool,
    ) -> Result<BranchChange, Failure> {
        if is_dry_run {
            return self.dry_run(plan).await;
        }
        Ok(match self.write(plan).await? {
            WriteOutcome::Landed(commit) => BranchChange::Committed(commit),
            WriteOutcome::Merged(pull, commit) => BranchChange::Merged(pull, commit),
            WriteOutcome::Unchanged(_) | WriteOutcome::Refused(_) => BranchChange::Nothing,
            WriteOutcome::Failed(problem) => BranchChange::Failed(problem),
        })
    }

    async fn dry_run<P: WritePlan>(&self, plan: &mut P) -> Result<BranchChange, Failure> {
        let snapshot = match self.read(&plan.paths()).await? {
            BranchRead::Found(snapshot) => snapshot,
            BranchRead::Missing(problem) => return Ok(BranchChange::Failed(problem)),
        };
        let problem = match plan.decide(&snapshot).await? {
            Decision::Write(request) => self.against(&snapshot, &request),
            Decision::Nothing | Decision::Refuse(_) => None,
        };
        Ok(problem.map_or(BranchChange::Nothing, BranchChange::Failed))
    }
}

//! Writing: through git or through GitHub's API, onto the branch or by a pull request.

use branch::{CommitRequest, Snapshot};
use contract::Failure;
use git::Git;
use github::GitHub;

use crate::{
    Problem, PullRequestMode, RemoteBranch, RemoteWriter, WriteOutcome, WritePlan, propose,
    writer::Attempt,
};

impl RemoteWriter<'_> {
    /// Writes what the plan decides, and starts again whenever another writer is faster.
    ///
    /// # Errors
    /// A [`Failure`] when the write failed, or its result is unknown; `contended` when others were
    /// faster until the deadline.
    pub async fn write<P: WritePlan>(
        &self,
        plan: &mut P,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        match &self.branch {
            RemoteBranch::Git(git) => self.through_git(git, plan).await,
            RemoteBranch::GitHub(github) if self.to.pull_request == PullRequestMode::Always => {
                propose::propose(self, github, plan).await
            }
            RemoteBranch::GitHub(github) => self.through_the_api(github, plan).await,
        }
    }

    async fn through_git<P: WritePlan>(
        &self,
        git: &Git<'_>,
        plan: &mut P,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        match self.update(git, plan, |_, _| Ok(())).await? {
            Attempt::Ended(outcome) => Ok(outcome),
            Attempt::Unsupported(unsupported) => Err(Failure::internal(unsupported)),
        }
    }

    async fn through_the_api<P: WritePlan>(
        &self,
        github: &GitHub<'_>,
        plan: &mut P,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        match self.onto_the_branch(github, plan).await? {
            WriteOutcome::Landed(commit) => {
                if self.to.pull_request == PullRequestMode::Fallback {
                    propose::withdraw(self, github, plan, &commit).await;
                }
                let problem = self.unverified(github, &commit).await?;
                Ok(problem.map_or(WriteOutcome::Landed(commit), WriteOutcome::Failed))
            }
            WriteOutcome::Failed(Problem::Declined(rejection))
                if self.may_propose_after(&rejection) =>
            {
                let (name, said) = (self.name(), rejection.said());
                let notice =
                    format!("`{name}` is protected, so it went through a pull request: {said}");
                self.world.notice(notice);
                propose::propose(self, github, plan).await
            }
            outcome => Ok(outcome),
        }
    }

    /// Writes the branch itself: through the API, or through git if the API cannot write the files.
    async fn onto_the_branch<P: WritePlan>(
        &self,
        github: &GitHub<'_>,
        plan: &mut P,
    ) -> Result<WriteOutcome<P::Refused>, Failure> {
        let supports = |onto: &Snapshot, request: &CommitRequest| github.supports(onto, request);
        let unsupported = match self.update(github, plan, supports).await? {
            Attempt::Ended(outcome) => return Ok(outcome),
            Attempt::Unsupported(unsupported) => unsupported,
        };
        if let Some(problem) = self.never_verified(&unsupported) {
            return Ok(WriteOutcome::Failed(problem));
        }
        self.world
            .notice(format!("{unsupported}, so it went through git"));
        let git = Git::new(self.world, &self.url(github), self.name().clone())?;
        self.through_git(&git, plan).await
    }
}

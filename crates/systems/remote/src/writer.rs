//! A branch that a step writes, and one way to write it.

use branch::{Branch, BranchError, BranchName, CommitRequest, Rejection, RejectionKind, Snapshot};
use contract::{Commit, Failure, World};
use github::{GitHub, Unsupported};

use crate::{
    Decision, Problem, PullRequestMode, RemoteBranch, Where, WriteOutcome, WritePlan, flags,
    remote_branch::git_url, update,
};

/// A branch that a step writes.
pub struct RemoteWriter<'w> {
    pub(crate) world: &'w World,
    pub(crate) to: Where,
    pub(crate) branch: RemoteBranch<'w>,
    source: Option<RemoteBranch<'w>>,
}

/// The result of a read of the branch.
pub enum BranchRead {
    /// The tip and the files.
    Found(Snapshot),
    /// The remote has no such branch.
    Missing(Problem),
}

impl<'w> RemoteWriter<'w> {
    /// Finds the branch and, if that is another repository, its source: a URL, a path, or
    /// `OWNER/NAME`. Sends no request to a remote yet.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when there is no remote; `denied` when the API's token is missing.
    pub async fn find(
        to: &Where,
        name: &BranchName,
        source: Option<&str>,
        world: &'w World,
    ) -> Result<Self, Failure> {
        let branch = to.find(name, world).await?;
        let source = source
            .map(|given| flags::source(given, &branch, world))
            .transpose()?;
        Ok(Self {
            world,
            to: to.clone(),
            branch,
            source,
        })
    }

    /// Returns the name of the branch.
    pub fn name(&self) -> &BranchName {
        self.branch.name()
    }

    /// Returns the branch to write.
    pub fn branch(&self) -> &RemoteBranch<'w> {
        &self.branch
    }

    /// Returns the repository of the source, by default that of the branch.
    pub fn source(&self) -> &RemoteBranch<'w> {
        self.source.as_ref().unwrap_or(&self.branch)
    }

    /// Reads the branch once, for a dry run.
    ///
    /// # Errors
    /// A [`Failure`] when there is no answer.
    pub async fn read(&self, paths: &[String]) -> Result<BranchRead, Failure> {
        let read = match &self.branch {
            RemoteBranch::Git(git) => update::read(self.world, git, paths).await,
            RemoteBranch::GitHub(github) => update::read(self.world, github, paths).await,
        };
        match read {
            Ok(snapshot) => Ok(BranchRead::Found(snapshot)),
            Err(BranchError::Missing) => Ok(BranchRead::Missing(self.missing())),
            Err(BranchError::Failed(failure)) => Err(failure),
        }
    }

    /// Returns why a write would fail, as far as that is known in advance.
    pub fn against(&self, onto: &Snapshot, request: &CommitRequest) -> Option<Problem> {
        let RemoteBranch::GitHub(github) = &self.branch else {
            return None;
        };
        self.never_verified(&github.supports(onto, request).err()?)
    }

    /// Returns why a commit that the API cannot make must not go through git.
    ///
    /// GitHub does not sign git's commits, but it signs the merge of a pull request, unless it is
    /// merged by a rebase.
    pub(crate) fn never_verified(&self, unsupported: &Unsupported) -> Option<Problem> {
        if !self.to.require_verified || self.to.pull_request == PullRequestMode::Always {
            return None;
        }
        Some(Problem::NeverVerified(unsupported.clone()))
    }

    /// Returns the URL of the repository for git.
    pub(crate) fn url(&self, github: &GitHub<'_>) -> String {
        git_url(self.world, github)
    }

    /// Whether a pull request may follow: the rule is about the account, not about the content.
    pub(crate) fn may_propose_after(&self, rejection: &Rejection) -> bool {
        self.to.pull_request == PullRequestMode::Fallback
            && rejection.kind == RejectionKind::Protected
    }

    /// Returns the problem of an unverified commit if `--require-verified` is given.
    pub(crate) async fn unverified(
        &self,
        github: &GitHub<'_>,
        commit: &Commit,
    ) -> Result<Option<Problem>, Failure> {
        if !self.to.require_verified {
            return Ok(None);
        }
        let signature = github.signature(commit).await?;
        match signature {
            Some(signature) if signature.is_valid => Ok(None),
            signature => Ok(Some(Problem::Unverified(commit.clone(), signature))),
        }
    }

    /// Runs the compare-and-swap loop; writes only commits that `supports` accepts.
    pub(crate) async fn update<B: Branch, P: WritePlan>(
        &self,
        branch: &B,
        plan: &mut P,
        supports: impl Fn(&Snapshot, &CommitRequest) -> Result<(), Unsupported>,
    ) -> Result<Attempt<P::Refused>, Failure> {
        let (shown, paths) = (self.branch.shown(), plan.paths());
        let outcome = update::update(
            self.world,
            branch,
            &shown,
            &paths,
            async |snapshot: &Snapshot| {
                Ok(match plan.decide(snapshot).await? {
                    Decision::Write(request) => match supports(snapshot, &request) {
                        Ok(()) => Decision::Write(request),
                        Err(unsupported) => {
                            Decision::Refuse(AttemptRefusal::Unsupported(unsupported))
                        }
                    },
                    Decision::Nothing => Decision::Nothing,
                    Decision::Refuse(refused) => {
                        Decision::Refuse(AttemptRefusal::ByThePlan(refused))
                    }
                })
            },
        );
        Ok(match outcome.await? {
            WriteOutcome::Refused(AttemptRefusal::Unsupported(unsupported)) => {
                Attempt::Unsupported(unsupported)
            }
            WriteOutcome::Refused(AttemptRefusal::ByThePlan(refused)) => {
                Attempt::Ended(WriteOutcome::Refused(refused))
            }
            WriteOutcome::Landed(commit) => Attempt::Ended(WriteOutcome::Landed(commit)),
            WriteOutcome::Merged(pull, commit) => {
                Attempt::Ended(WriteOutcome::Merged(pull, commit))
            }
            WriteOutcome::Unchanged(tip) => Attempt::Ended(WriteOutcome::Unchanged(tip)),
            WriteOutcome::Failed(problem) => Attempt::Ended(WriteOutcome::Failed(problem)),
        })
    }

    fn missing(&self) -> Problem {
        Problem::Missing {
            shown: self.branch.shown(),
        }
    }
}

/// The result of one way to write the branch.
pub(crate) enum Attempt<R> {
    Ended(WriteOutcome<R>),
    /// Only another way can write the files.
    Unsupported(Unsupported),
}

/// Why an attempt writes nothing.
enum AttemptRefusal<R> {
    ByThePlan(R),
    Unsupported(Unsupported),
}

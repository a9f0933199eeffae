//! Writing: through git or through GitHub's API, onto the branch or by a pull request.

use branch::{Branch, BranchError, CommitRequest, Name, Rejection, RejectionKind, Snapshot};
use contract::{Commit, Failure, World};
use git::Git;
use github::{GitHub, PullRequest, Unsupported};

use crate::{
    Decision, Problem, PullRequestMode, RemoteBranch, Where, WriteOutcome, flags, propose, update,
};

/// What a step wants to write.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait WritePlan {
    /// What a step says when nothing is to be written.
    type Refused;

    /// Returns every path that is to be read.
    fn paths(&self) -> Vec<String>;

    /// Returns the directories that are written, each once, in the order of the alphabet: there is one
    /// pull request for them.
    fn directories(&self) -> Vec<String>;

    /// Decides what is written, anew for every tip.
    ///
    /// # Errors
    /// When it cannot be decided, which ends the run.
    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<Self::Refused>, Failure>;

    /// Hears of the pull request, which may take long to be merged.
    fn proposed(&self, pull: &PullRequest);
}

/// A branch that a step writes.
pub struct RemoteWriter<'w> {
    pub(crate) world: &'w World,
    pub(crate) to: Where,
    branch: RemoteBranch<'w>,
    source: Option<RemoteBranch<'w>>,
}

/// Why nothing is written.
enum Stop<R> {
    Refused(R),
    Unsupported(Unsupported),
}

/// How an attempt to write one way went.
pub(crate) enum Attempt<R> {
    Ended(WriteOutcome<R>),
    /// The file can only be written another way.
    Unsupported(Unsupported),
}

/// What a read of the branch found.
pub enum BranchRead {
    /// The tip and the files.
    Found(Snapshot),
    /// The remote has no such branch.
    Missing(Problem),
}

impl<'w> RemoteWriter<'w> {
    /// Finds out which branch is meant, and where its source is if that is another repository: as a URL,
    /// a path, or `OWNER/NAME`. Nothing is asked of a remote yet.
    ///
    /// # Errors
    /// A `usage` [`Failure`] when there is none; `denied` when the API needs a token and there is none.
    pub async fn find(
        to: &Where,
        name: &Name,
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
    pub fn name(&self) -> &Name {
        self.branch.name()
    }

    /// Returns the branch that is written.
    pub fn branch(&self) -> &RemoteBranch<'w> {
        &self.branch
    }

    /// Returns the repository of the source: that of the branch if no other was named.
    pub fn source(&self) -> &RemoteBranch<'w> {
        self.source.as_ref().unwrap_or(&self.branch)
    }

    /// Reads the branch once, for a dry run.
    ///
    /// # Errors
    /// When there is no answer.
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

    /// Returns why an edit could not be written, as far as that is known before it is tried.
    pub fn against(&self, onto: &Snapshot, request: &CommitRequest) -> Option<Problem> {
        let RemoteBranch::GitHub(github) = &self.branch else {
            return None;
        };
        self.hindered(&github.supports(onto, request).err()?)
    }

    /// Writes what the plan wants, however often somebody else is faster.
    ///
    /// # Errors
    /// When it could not be written, or not found out whether it was; `contended` when others were
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
        let outcome = match self
            .update(github, plan, |onto, request| github.supports(onto, request))
            .await?
        {
            Attempt::Ended(outcome) => outcome,
            Attempt::Unsupported(unsupported) => match self.hindered(&unsupported) {
                Some(problem) => return Ok(WriteOutcome::Failed(problem)),
                None => {
                    self.world
                        .notice(format!("{unsupported}, so it went through git"));
                    let git = Git::new(self.world, &self.url(github), self.name().clone())?;
                    self.through_git(&git, plan).await?
                }
            },
        };
        match outcome {
            WriteOutcome::Landed(commit) => {
                if self.to.pull_request == PullRequestMode::Fallback {
                    propose::withdraw(self, github, plan, &commit).await;
                }
                let problem = self.unverified(github, &commit).await?;
                Ok(problem.map_or(WriteOutcome::Landed(commit), WriteOutcome::Failed))
            }
            WriteOutcome::Failed(Problem::Declined(rejection))
                if self.is_to_be_proposed(&rejection) =>
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

    /// Returns why what the API cannot write is not to go through git: nobody signs git's commits, but
    /// GitHub signs a merge.
    fn hindered(&self, unsupported: &Unsupported) -> Option<Problem> {
        let is_signed =
            self.to.pull_request == PullRequestMode::Always || !self.to.require_verified;
        (!is_signed).then(|| Problem::NeverVerified(unsupported.clone()))
    }

    /// Returns the address for git.
    pub(crate) fn url(&self, github: &GitHub<'_>) -> String {
        format!("{}/{}", git::server(self.world), github.repository())
    }

    /// A rule is about who may write, not about what.
    fn is_to_be_proposed(&self, rejection: &Rejection) -> bool {
        self.to.pull_request == PullRequestMode::Fallback
            && rejection.kind == RejectionKind::Protected
    }

    /// Returns what is wrong with a commit, if it has to be verified and is not.
    pub(crate) async fn unverified(
        &self,
        github: &GitHub<'_>,
        commit: &Commit,
    ) -> Result<Option<Problem>, Failure> {
        if !self.to.require_verified {
            return Ok(None);
        }
        let signature = github.signature(commit).await?;
        let is_valid = signature
            .as_ref()
            .is_some_and(|signature| signature.is_valid);
        Ok((!is_valid).then(|| Problem::Unverified(commit.clone(), signature)))
    }

    /// Runs the loop, writing only what `supports` accepts.
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
                        Err(unsupported) => Decision::Refuse(Stop::Unsupported(unsupported)),
                    },
                    Decision::Nothing => Decision::Nothing,
                    Decision::Refuse(refused) => Decision::Refuse(Stop::Refused(refused)),
                })
            },
        );
        Ok(match outcome.await? {
            WriteOutcome::Refused(Stop::Unsupported(unsupported)) => {
                Attempt::Unsupported(unsupported)
            }
            WriteOutcome::Refused(Stop::Refused(refused)) => {
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

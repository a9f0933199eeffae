//! Writing: through git or through GitHub's API, onto the branch or by a pull request.

use branch::{
    Branch, BranchError, CommitRequest, Decision, Name, Outcome, Rejection, RejectionKind, Snapshot,
};
use contract::{Commit, Failure, World};
use git::Git;
use github::{GitHub, Pull, Unsupported};

use crate::{Problem, PullRequest, RemoteBranch, Where, flags, propose};

/// What a step wants to write.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Plan {
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
    fn proposed(&self, pull: &Pull);
}

/// How writing ended.
#[derive(Debug)]
pub enum Ended<R> {
    /// The branch has the commit.
    Landed(Commit),
    /// The pull request was merged as this commit.
    Merged(Pull, Commit),
    /// There was nothing to do at this tip.
    Unchanged(Commit),
    /// The plan was against it.
    Refused(R),
    /// It was not written, or not as it has to be.
    Failed(Problem),
}

/// A branch that a step writes.
pub struct Remote<'w> {
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

impl<'w> Remote<'w> {
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
    pub async fn read(&self, paths: &[String]) -> Result<Result<Snapshot, Problem>, Failure> {
        let read = match &self.branch {
            RemoteBranch::Git(git) => branch::read(self.world, git, paths).await,
            RemoteBranch::GitHub(github) => branch::read(self.world, github, paths).await,
        };
        match read {
            Ok(snapshot) => Ok(Ok(snapshot)),
            Err(BranchError::Missing) => Ok(Err(self.missing())),
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
    pub async fn write<P: Plan>(&self, plan: &mut P) -> Result<Ended<P::Refused>, Failure> {
        match &self.branch {
            RemoteBranch::Git(git) => self.through_git(git, plan).await,
            RemoteBranch::GitHub(github) if self.to.pull_request == PullRequest::Always => {
                propose::propose(self, github, plan).await
            }
            RemoteBranch::GitHub(github) => self.through_the_api(github, plan).await,
        }
    }

    async fn through_git<P: Plan>(
        &self,
        git: &Git<'_>,
        plan: &mut P,
    ) -> Result<Ended<P::Refused>, Failure> {
        match self.update(git, plan, |_, _| Ok(())).await? {
            Ok(ended) => Ok(ended),
            Err(unsupported) => Err(Failure::internal(unsupported)),
        }
    }

    async fn through_the_api<P: Plan>(
        &self,
        github: &GitHub<'_>,
        plan: &mut P,
    ) -> Result<Ended<P::Refused>, Failure> {
        let ended = match self
            .update(github, plan, |onto, request| github.supports(onto, request))
            .await?
        {
            Ok(ended) => ended,
            Err(unsupported) => match self.hindered(&unsupported) {
                Some(problem) => return Ok(Ended::Failed(problem)),
                None => {
                    self.world
                        .notice(format!("{unsupported}, so it went through git"));
                    let git = Git::new(self.world, &self.url(github), self.name().clone())?;
                    self.through_git(&git, plan).await?
                }
            },
        };
        match ended {
            Ended::Landed(commit) => {
                if self.to.pull_request == PullRequest::Fallback {
                    propose::withdraw(self, github, plan, &commit).await;
                }
                let problem = self.unverified(github, &commit).await?;
                Ok(problem.map_or(Ended::Landed(commit), Ended::Failed))
            }
            Ended::Failed(Problem::Declined(rejection)) if self.is_to_be_proposed(&rejection) => {
                let (name, said) = (self.name(), rejection.said());
                let notice =
                    format!("`{name}` is protected, so it went through a pull request: {said}");
                self.world.notice(notice);
                propose::propose(self, github, plan).await
            }
            ended => Ok(ended),
        }
    }

    /// Returns why what the API cannot write is not to go through git: nobody signs git's commits, but
    /// GitHub signs a merge.
    fn hindered(&self, unsupported: &Unsupported) -> Option<Problem> {
        let is_signed = self.to.pull_request == PullRequest::Always || !self.to.require_verified;
        (!is_signed).then(|| Problem::NeverVerified(unsupported.clone()))
    }

    /// Returns the address for git.
    pub(crate) fn url(&self, github: &GitHub<'_>) -> String {
        format!("{}/{}", git::server(self.world), github.repository())
    }

    /// A rule is about who may write, not about what.
    fn is_to_be_proposed(&self, rejection: &Rejection) -> bool {
        self.to.pull_request == PullRequest::Fallback && rejection.kind == RejectionKind::Protected
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

    /// Runs the loop; the second result is an edit that cannot be written this way.
    pub(crate) async fn update<B: Branch, P: Plan>(
        &self,
        branch: &B,
        plan: &mut P,
        supports: impl Fn(&Snapshot, &CommitRequest) -> Result<(), Unsupported>,
    ) -> Result<Result<Ended<P::Refused>, Unsupported>, Failure> {
        let paths = plan.paths();
        let outcome = branch::update(self.world, branch, &paths, async |snapshot: &Snapshot| {
            Ok(match plan.decide(snapshot).await? {
                Decision::Write(request) => match supports(snapshot, &request) {
                    Ok(()) => Decision::Write(request),
                    Err(unsupported) => Decision::Refuse(Stop::Unsupported(unsupported)),
                },
                Decision::Nothing => Decision::Nothing,
                Decision::Refuse(refused) => Decision::Refuse(Stop::Refused(refused)),
            })
        });
        Ok(Ok(match outcome.await? {
            Outcome::Landed { commit, said } => {
                branch::bypassed(self.world, &said);
                Ended::Landed(commit)
            }
            Outcome::Unchanged(tip) => Ended::Unchanged(tip),
            Outcome::Refused(Stop::Refused(refused)) => Ended::Refused(refused),
            Outcome::Refused(Stop::Unsupported(unsupported)) => return Ok(Err(unsupported)),
            Outcome::Rejected(rejection) => Ended::Failed(Problem::Declined(rejection)),
            Outcome::Missing => Ended::Failed(self.missing()),
        }))
    }

    fn missing(&self) -> Problem {
        Problem::Missing {
            shown: self.branch.shown(),
        }
    }
}

//! The loop: read, decide, commit if nothing has changed, else again.

use contract::{Commit, Failure, World};

use crate::{
    Branch, BranchError, CommitRequest, Name, PushResult, Rejection, Snapshot, turns::Turns,
};

/// What is decided about a snapshot.
#[derive(Debug)]
pub enum Decision<R> {
    /// To write this.
    Write(CommitRequest),
    /// To leave it as it is: it already is as it should be.
    Nothing,
    /// To refuse, with the report that says why.
    Refuse(R),
}

/// How an update ended.
#[derive(Debug)]
pub enum Outcome<R> {
    /// The commit is on the branch.
    Landed {
        /// The commit.
        commit: Commit,
        /// What the remote said along with it.
        said: Vec<String>,
    },
    /// There was nothing to do at this tip.
    Unchanged(Commit),
    /// It was refused when the files had been read.
    Refused(R),
    /// The remote does not want it.
    Rejected(Rejection),
    /// The remote has no such branch.
    Missing,
}

/// Reads a branch, again after a disturbance that may pass.
///
/// # Errors
/// As the branch says.
pub async fn read<B: Branch>(
    world: &World,
    branch: &B,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    Turns::new(world, branch.name())
        .ask(async || branch.read(paths).await)
        .await
}

/// Puts a question about a branch, again after a disturbance that may pass.
///
/// # Errors
/// As the question says.
pub async fn ask<T>(
    world: &World,
    name: &Name,
    question: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    match Turns::new(world, name)
        .ask(async || question().await.map_err(BranchError::from))
        .await
    {
        Ok(answer) => Ok(answer),
        Err(BranchError::Failed(failure)) => Err(failure),
        Err(BranchError::Missing) => Err(Failure::internal(anyhow::anyhow!(
            "nothing was said to be missing"
        ))),
    }
}

/// Brings a branch to what `decide` makes of its files, in one commit.
///
/// `decide` is asked anew whenever somebody else was faster, at least once, and until the deadline:
/// how often somebody else may be faster is not limited.
///
/// # Errors
/// `contended` when others were faster until the deadline; else as the branch and `decide` say.
pub async fn update<B: Branch, R>(
    world: &World,
    branch: &B,
    paths: &[String],
    mut decide: impl AsyncFnMut(&Snapshot) -> Result<Decision<R>, Failure>,
) -> Result<Outcome<R>, Failure> {
    let mut turns = Turns::new(world, branch.name());
    loop {
        let snapshot = match turns.ask(async || branch.read(paths).await).await {
            Ok(snapshot) => snapshot,
            Err(BranchError::Missing) => return Ok(Outcome::Missing),
            Err(BranchError::Failed(failure)) => return Err(turns.cut_off(failure)),
        };
        let request = match decide(&snapshot).await? {
            Decision::Write(request) => request,
            Decision::Nothing => return Ok(Outcome::Unchanged(snapshot.tip)),
            Decision::Refuse(report) => return Ok(Outcome::Refused(report)),
        };
        if let Some(outcome) = push(&mut turns, branch, &snapshot, &request).await? {
            return Ok(outcome);
        }
    }
}

/// Tries once; `None` when it is to be tried again from the new tip.
async fn push<B: Branch, R>(
    turns: &mut Turns<'_>,
    branch: &B,
    snapshot: &Snapshot,
    request: &CommitRequest,
) -> Result<Option<Outcome<R>>, Failure> {
    match branch.commit(snapshot, request).await {
        Ok(PushResult::Landed { commit, said }) => Ok(Some(Outcome::Landed { commit, said })),
        Ok(PushResult::Rejected(rejection)) => Ok(Some(Outcome::Rejected(rejection))),
        Ok(PushResult::Moved) => turns.lost(&snapshot.tip).await.map(|()| None),
        Ok(PushResult::Uncertain { commit, failure }) => {
            settle(turns, branch, commit, failure).await
        }
        Err(BranchError::Missing) => Ok(Some(Outcome::Missing)),
        Err(BranchError::Failed(failure)) => turns.disturbed(failure).await.map(|()| None),
    }
}

/// Finds out whether a commit that was sent without an answer has landed.
async fn settle<B: Branch, R>(
    turns: &mut Turns<'_>,
    branch: &B,
    commit: Commit,
    failure: Failure,
) -> Result<Option<Outcome<R>>, Failure> {
    match turns.ask(async || branch.contains(&commit).await).await {
        Ok(true) => Ok(Some(Outcome::Landed {
            commit,
            said: Vec::new(),
        })),
        Ok(false) => turns.disturbed(failure).await.map(|()| None),
        Err(BranchError::Missing) => Ok(Some(Outcome::Missing)),
        Err(BranchError::Failed(second)) => {
            let name = branch.name();
            Err(second
                .context(format!(
                    "could not find out whether {commit} has landed on `{name}`"
                ))
                .hinted("run it again: what has landed already is not written twice"))
        }
    }
}

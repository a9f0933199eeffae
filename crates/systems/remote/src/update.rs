//! The compare-and-swap loop: read the tip, decide, commit if the tip is still the same, else start
//! again from the new tip.
//!
//! After a conflict the plan decides again from the current files. The loop never rebases or merges
//! text.

use branch::{Branch, BranchError, BranchName, CommitRequest, PushResult, Snapshot};
use contract::{Commit, Failure, World};

use crate::{Decision, Problem, RemoteBranch, WriteOutcome, retry::Retry};

/// Reads a branch, and retries after a transient error.
///
/// # Errors
/// The last error of [`Branch::read`].
pub(crate) async fn read<B: Branch>(
    world: &World,
    branch: &B,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    Retry::new(world, branch.name())
        .ask(async || branch.read(paths).await)
        .await
}

/// Returns whether a branch's tip is this commit or a descendant of it, and retries after a transient
/// error.
///
/// # Errors
/// When the branch is missing, or the remote does not answer.
pub async fn contains(
    world: &World,
    branch: &RemoteBranch<'_>,
    commit: &Commit,
) -> Result<bool, BranchError> {
    Retry::new(world, branch.name())
        .ask(async || branch.contains(commit).await)
        .await
}

/// Asks about a branch, and retries after a transient error.
///
/// # Errors
/// The last failure of the question.
pub async fn ask<T>(
    world: &World,
    name: &BranchName,
    question: impl AsyncFn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    match Retry::new(world, name)
        .ask(async || question().await.map_err(BranchError::from))
        .await
    {
        Ok(answer) => Ok(answer),
        Err(BranchError::Failed(failure)) => Err(failure),
        Err(BranchError::Missing) => Err(Failure::internal(anyhow::anyhow!(
            "a question about a branch has no missing branch"
        ))),
    }
}

/// Writes the commit that `decide` makes of the branch's files.
///
/// The loop calls `decide` at least once, and again whenever others changed the branch first, until
/// the deadline: the number of lost races is not limited. Messages call the repository `shown`.
///
/// # Errors
/// `contended` when others were faster until the deadline; else the failure of the branch or of `decide`.
pub async fn update<B: Branch, R>(
    world: &World,
    branch: &B,
    shown: &str,
    paths: &[String],
    mut decide: impl AsyncFnMut(&Snapshot) -> Result<Decision<R>, Failure>,
) -> Result<WriteOutcome<R>, Failure> {
    let mut retry = Retry::new(world, branch.name());
    loop {
        let snapshot = match retry.ask(async || branch.read(paths).await).await {
            Ok(snapshot) => snapshot,
            Err(BranchError::Missing) => return Ok(missing(shown)),
            Err(BranchError::Failed(failure)) => return Err(retry.cut_off(failure)),
        };
        // A decision asks the remote, too.
        let decision = decide(&snapshot).await;
        let request = match decision.map_err(|failure| retry.cut_off(failure))? {
            Decision::Write(request) => request,
            Decision::Nothing => return Ok(WriteOutcome::Unchanged(snapshot.tip)),
            Decision::Refuse(report) => return Ok(WriteOutcome::Refused(report)),
        };
        if let Some(outcome) = push(&mut retry, branch, shown, &snapshot, &request).await? {
            return Ok(outcome);
        }
    }
}

/// Pushes once; `None` asks for another attempt from the new tip.
async fn push<B: Branch, R>(
    retry: &mut Retry<'_>,
    branch: &B,
    shown: &str,
    snapshot: &Snapshot,
    request: &CommitRequest,
) -> Result<Option<WriteOutcome<R>>, Failure> {
    match branch.commit(snapshot, request).await {
        Ok(PushResult::Landed { commit, said }) => {
            bypassed(retry.world(), &said);
            Ok(Some(WriteOutcome::Landed(commit)))
        }
        Ok(PushResult::Rejected(rejection)) => {
            Ok(Some(WriteOutcome::Failed(Problem::Declined(rejection))))
        }
        Ok(PushResult::Moved) => retry.lost(&snapshot.tip).await.map(|()| None),
        Ok(PushResult::Uncertain { commit, failure }) => {
            settle(retry, branch, shown, commit, failure).await
        }
        Err(BranchError::Missing) => Ok(Some(missing(shown))),
        Err(BranchError::Failed(failure)) => retry.transient_error(failure).await.map(|()| None),
    }
}

/// Finds out whether a commit has landed whose push has no answer.
async fn settle<B: Branch, R>(
    retry: &mut Retry<'_>,
    branch: &B,
    shown: &str,
    commit: Commit,
    failure: Failure,
) -> Result<Option<WriteOutcome<R>>, Failure> {
    match retry.ask(async || branch.contains(&commit).await).await {
        Ok(true) => Ok(Some(WriteOutcome::Landed(commit))),
        Ok(false) => retry.transient_error(failure).await.map(|()| None),
        Err(BranchError::Missing) => Ok(Some(missing(shown))),
        Err(BranchError::Failed(second)) => {
            let name = branch.name();
            Err(second
                .context(format!(
                    "could not find out whether {commit} has landed on `{name}`"
                ))
                .hinted("run it again: a commit that has landed is not written twice"))
        }
    }
}

fn missing<R>(shown: &str) -> WriteOutcome<R> {
    WriteOutcome::Failed(Problem::Missing {
        shown: shown.to_owned(),
    })
}

/// Shows which rules the push bypassed, since the account may do so without noticing.
fn bypassed(world: &World, said: &[String]) {
    if let Some(line) = said
        .iter()
        .find(|line| line.starts_with("Bypassed rule violations"))
    {
        world.notice(line.trim_end_matches(':'));
    }
}

//! What is decided about a snapshot, and how the write went.

use branch::CommitRequest;
use contract::Commit;
use github::PullRequest;

use crate::Problem;

/// The decision about a snapshot of the branch.
#[derive(Debug)]
pub enum Decision<R> {
    /// Write this commit.
    Write(CommitRequest),
    /// Write nothing: the files already are as they should be.
    Nothing,
    /// Refuse to write, with the reason.
    Refuse(R),
}

/// How a write went.
///
/// `branch::PushResult` is another thing: the answer to one attempt, which the loop may have to repeat
/// (`Moved`) or to clear up (`Uncertain`).
#[derive(Debug)]
pub enum WriteOutcome<R> {
    /// The branch has the commit.
    Landed(Commit),
    /// The pull request was merged as this commit.
    Merged(PullRequest, Commit),
    /// The branch was left unchanged at this tip: there was nothing to do, or it is a dry run.
    Unchanged(Commit),
    /// The plan refused to write.
    Refused(R),
    /// The branch was not written, or not as it has to be.
    Failed(Problem),
}

//! The decision about a snapshot, and the outcome of a write.

use branch::CommitRequest;
use contract::Commit;
use github::PullRequest;

use crate::Problem;

/// The decision about a snapshot of the branch.
#[derive(Debug)]
pub enum Decision<R> {
    /// Write this commit.
    Write(CommitRequest),
    /// Write nothing: the files are already as wanted.
    Nothing,
    /// Refuse to write, with the reason.
    Refuse(R),
}

/// The outcome of a write.
///
/// In contrast, `branch::PushResult` is the answer to one attempt, which the loop may have to
/// repeat (`Moved`) or to look up (`Uncertain`).
#[derive(Debug)]
pub enum WriteOutcome<R> {
    /// The branch has the commit.
    Landed(Commit),
    /// The pull request was merged as this commit.
    Merged(PullRequest, Commit),
    /// The branch stays at this tip: there was nothing to do, or it is a dry run.
    Unchanged(Commit),
    /// The plan refused to write.
    Refused(R),
    /// The write failed, or the commit breaks a requirement.
    Failed(Problem),
}

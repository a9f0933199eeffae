//! The history of a branch and of its repository, as a trait.

use std::collections::BTreeMap;

use contract::{Commit, Failure, Fault::Environment, Reason};

use crate::{CommitAncestry, CommitName};

/// The remote itself has only the newest part of its history.
pub const HISTORY_CUT: Reason = Reason::new(
    "history-cut",
    Environment,
    "the remote's own history is cut off, as in a shallow clone",
);

/// The history of a branch and of its repository: through git, or through a forge's API.
///
/// The end of a partial fetch never counts as the beginning of the history.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait History {
    /// Returns at most `limit` newest revisions of each file, from `tip` back along first parents.
    ///
    /// An implementation may follow a file through an exact rename; otherwise the file begins with
    /// the rename.
    ///
    /// # Errors
    /// When there is no answer, or the remote's own history ends too early ([`HISTORY_CUT`]).
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        limit: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure>;

    /// Returns how a commit relates to others of this repository.
    ///
    /// # Errors
    /// When there is no answer, or the remote's own history ends too early ([`HISTORY_CUT`]).
    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure>;

    /// Returns the paths at which two commits differ, at most `limit` of them.
    ///
    /// # Errors
    /// When there is no answer.
    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        limit: usize,
    ) -> Result<Vec<String>, Failure>;
}

/// The newest revisions of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileHistory {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Whether the last revision is the one that created the file.
    pub is_complete: bool,
}

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: Commit,
    /// Its first parent.
    pub parent: Option<Commit>,
    /// The whole message of the commit that gave the file this content.
    ///
    /// That is this commit, unless it is a merge that took the file unchanged from a later parent:
    /// a forge's own message for a merge does not name the deployed image.
    pub message: String,
    /// The author's date, in seconds since 1970.
    pub date: i64,
    /// The file after this commit; `None` when the commit deleted it, or it is too large to read.
    pub content: Option<Vec<u8>>,
}

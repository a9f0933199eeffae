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
    /// Returns the newest revisions of each file, from `tip` back: at most `limit` on first
    /// parents, and those that came by a merge. A forge's API may return fewer; the history then is
    /// not complete.
    ///
    /// The walk follows every parent that changed the file, gaps in which the file was absent, and
    /// renames.
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

    /// Returns the paths that a commit changed against its first parent; for the first commit of a
    /// repository all of its paths. `None` when the repository does not have the commit.
    ///
    /// # Errors
    /// When there is no answer.
    async fn changed_paths(&self, commit: &Commit) -> Result<Option<ChangedPaths>, Failure>;
}

/// The paths that a commit changed against its first parent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChangedPaths {
    /// The paths, both of a file that moved; at most [`MAX_CHANGED_PATHS`].
    pub paths: Vec<String>,
    /// Whether these are all.
    pub is_complete: bool,
}

/// The most paths of a commit; GitHub's API lists no more files of one.
pub const MAX_CHANGED_PATHS: usize = 3000;

/// The newest revisions of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileHistory {
    /// Newest first: every revision comes before those that it follows.
    pub revisions: Vec<Revision>,
    /// Whether these are all revisions that the file ever had, under all of its names.
    pub is_complete: bool,
}

/// A commit that changed a file, or that joined changes of several branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: Commit,
    /// Its first parent.
    pub parent: Option<Commit>,
    /// Whether the commit has several parents.
    pub is_merge: bool,
    /// Whether it is on another branch, and came by a merge.
    pub is_merged: bool,
    /// The revisions that it follows: for each parent of the commit the last one before it.
    pub follows: Vec<Commit>,
    /// The whole message.
    pub message: String,
    /// The author's date, in seconds since 1970.
    pub date: i64,
    /// The file after this commit; `None` when the commit deleted it, or it is too large to read.
    pub content: Option<Vec<u8>>,
}

impl FileHistory {
    /// Returns a history without merges, from its revisions, newest first.
    pub fn linear(mut revisions: Vec<Revision>, is_complete: bool) -> Self {
        let commits: Vec<Commit> = revisions
            .iter()
            .skip(1)
            .map(|revision| revision.commit.clone())
            .collect();
        for (revision, before) in revisions.iter_mut().zip(commits) {
            revision.follows = vec![before];
        }
        Self {
            revisions,
            is_complete,
        }
    }

    /// Returns the revisions of the branch itself, newest first: those on its first parents.
    pub fn on_branch(&self) -> impl DoubleEndedIterator<Item = &Revision> {
        self.revisions.iter().filter(|revision| !revision.is_merged)
    }
}

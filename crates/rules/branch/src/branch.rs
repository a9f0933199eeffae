//! A branch of a remote, as a trait.

use std::collections::BTreeMap;

use contract::{Commit, Failure};

use crate::BranchName;

/// A branch of a remote: through git, or through a forge's API.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Branch {
    /// Returns its name.
    fn name(&self) -> &BranchName;

    /// Reads the tip, and the entries at these paths.
    ///
    /// # Errors
    /// When the branch is missing, or the remote does not answer.
    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError>;

    /// Commits on top of the snapshot's tip, and moves the branch there if its tip is still the
    /// same.
    ///
    /// # Errors
    /// When the remote has received nothing that could change the branch.
    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError>;

    /// Returns whether the branch's tip is this commit or a descendant of it.
    ///
    /// # Errors
    /// When the branch is missing, or the remote does not answer.
    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError>;
}

/// The size in bytes of the largest file to read: the files that steps edit have a few kilobytes.
pub const MAX_FILE_SIZE: usize = 4 << 20;

/// The entries at the requested paths.
pub type TreeEntries = BTreeMap<String, TreeEntry>;

/// A branch at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The tip of the branch.
    pub tip: Commit,
    /// The entry at each of the requested paths.
    pub entries: TreeEntries,
}

/// The entry at a path of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    /// Nothing.
    Missing,
    /// A file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// Whether it has the executable bit.
        executable: bool,
    },
    /// A file with more than [`MAX_FILE_SIZE`] bytes.
    TooLarge,
    /// A directory.
    Directory,
    /// A symbolic link, at the path or above it. Nothing follows it.
    Link {
        /// The path of the link.
        at: String,
    },
    /// A submodule, at the path or above it: its files belong to another repository.
    Submodule {
        /// The path of the submodule.
        at: String,
    },
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// Existing files with their new content; their modes stay.
    pub files: Vec<FileContent>,
    /// The whole message.
    pub message: String,
}

/// The new content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// The path from the root of the repository.
    pub path: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// The remote's answer to one attempt to push a commit.
#[derive(Debug)]
pub enum PushResult {
    /// The commit is the branch's tip.
    Landed {
        /// The commit.
        commit: Commit,
        /// The remote's messages.
        said: Vec<String>,
    },
    /// Another writer was faster; the push changed nothing.
    Moved,
    /// The remote rejects the commit; another attempt would not help.
    Rejected(Rejection),
    /// The remote did not answer: the commit may have landed.
    Uncertain {
        /// The commit.
        commit: Commit,
        /// Why there was no answer.
        failure: Failure,
    },
}

/// Why a remote rejects a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of rule.
    pub kind: RejectionKind,
    /// The remote's own word (`pre-receive hook declined`).
    pub word: String,
    /// The remote's messages, without `remote: `.
    pub lines: Vec<String>,
}

impl Rejection {
    /// Returns the remote's messages in one line, or else its word.
    pub fn said(&self) -> String {
        if self.lines.is_empty() {
            self.word.clone()
        } else {
            self.lines.join("; ")
        }
    }
}

/// The kinds of rules that a remote has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The account may not change this branch: a protected branch, a ruleset.
    Protected,
    /// The account lacks a permission, on whatever branch.
    Forbidden,
    /// A hook, or another rule about the content, declined the push.
    Declined,
}

/// Why a branch gives no answer.
#[derive(Debug)]
pub enum BranchError {
    /// The remote has no such branch.
    Missing,
    /// The request failed, or has no answer.
    Failed(Failure),
}

impl From<Failure> for BranchError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

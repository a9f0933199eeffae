//! What a branch of a remote must be able to do.

use std::collections::BTreeMap;

use contract::{Commit, Failure};

use crate::Name;

/// A branch of a remote: through git, or through a forge's API.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Branch {
    /// Returns its name.
    fn name(&self) -> &Name;

    /// Reads the tip, and what is at these paths there.
    ///
    /// # Errors
    /// When there is no such branch, or no answer.
    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError>;

    /// Makes one commit onto the tip of the snapshot, and the branch's tip of it if the tip is still
    /// the same.
    ///
    /// # Errors
    /// When nothing was sent that could have had an effect.
    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError>;

    /// Returns whether the branch's tip is this commit or has it behind it.
    ///
    /// # Errors
    /// When there is no such branch, or no answer.
    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError>;
}

/// Larger files are not read: the files that steps edit have a few kilobytes.
pub const MAX_FILE_SIZE: usize = 4 << 20;

/// What lies at the paths that were asked for.
pub type TreeEntries = BTreeMap<String, TreeEntry>;

/// A branch at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that the branch stood at.
    pub tip: Commit,
    /// What lies at each of the paths that were asked for.
    pub entries: TreeEntries,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    /// Nothing.
    Missing,
    /// A file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// Whether it has the run bit.
        executable: bool,
    },
    /// A file with more than [`MAX_FILE_SIZE`] bytes.
    TooLarge,
    /// A directory.
    Directory,
    /// A symbolic link, here or on the way, which is not followed.
    Link {
        /// Where the link is.
        at: String,
    },
    /// A submodule, here or on the way: its files belong to another repository.
    Submodule {
        /// Where the submodule is.
        at: String,
    },
}

/// What is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// Files that are there, with their new content; their modes stay.
    pub files: Vec<FileContent>,
    /// The whole message.
    pub message: String,
}

/// The new content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// Where, from the root of the repository.
    pub path: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// What became of a commit.
#[derive(Debug)]
pub enum PushResult {
    /// It is the branch's tip.
    Landed {
        /// The commit.
        commit: Commit,
        /// What the remote said along with it.
        said: Vec<String>,
    },
    /// Somebody else was faster; nothing was changed.
    Moved,
    /// The remote does not want it; asking again is of no use.
    Rejected(Rejection),
    /// It was sent, and no answer came: it may have landed.
    Uncertain {
        /// The commit.
        commit: Commit,
        /// Why there was no answer.
        failure: Failure,
    },
}

/// Why a remote does not want a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Which kind of rule it was.
    pub kind: RejectionKind,
    /// The remote's own word (`pre-receive hook declined`).
    pub word: String,
    /// The lines that the remote said, without `remote: `.
    pub lines: Vec<String>,
}

impl Rejection {
    /// Returns why, in one line.
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
    /// Who pushes may not change this branch: a protected branch, a ruleset.
    Protected,
    /// What was pushed is not wanted: a hook, or another rule about the content.
    Declined,
}

/// Why a branch gives no answer.
#[derive(Debug)]
pub enum BranchError {
    /// The remote has no such branch.
    Missing,
    /// The question could not be put, or was not answered.
    Failed(Failure),
}

impl From<Failure> for BranchError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

//! A branch that others write to as well: its files and commits as values, and what its history says.
//!
//! A remote implements [`Branch`] and [`History`]; [`Values`] derives from a [`FileHistory`] which images
//! a file named over time. Nothing here does I/O: `remote` owns the loop that writes a branch.

mod ancestry;
mod branch;
mod history;
mod name;
mod reasons;
mod say;
mod trailers;
mod values;

pub use ancestry::{Ancestry, CommitAncestry};
pub use branch::{
    Branch, BranchError, CommitRequest, FileContent, MAX_FILE_SIZE, PushResult, Rejection,
    RejectionKind, Snapshot, TreeEntries, TreeEntry,
};
pub use history::{CommitName, FileHistory, HISTORY_CUT, History, InvalidCommitName, Revision};
pub use name::{InvalidName, Name};
pub use reasons::{BRANCH_MISSING, CONTENDED, NOT_WRITTEN, POLICY};
pub use say::{missing, rejected};
pub use trailers::Trailers;
pub use values::{Mark, Value, Values, is_same, is_same_version};

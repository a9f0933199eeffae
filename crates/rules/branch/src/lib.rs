//! A branch with several writers: its files and commits as values, and the images in its history.
//!
//! A remote implements [`Branch`] and [`History`]; [`ImageValues`] reads from a [`FileHistory`]
//! which images a file named over time. Nothing here does I/O: `remote` owns the loop that writes a
//! branch.

mod ancestry;
mod branch;
mod branch_name;
mod commit_name;
mod file_graph;
mod history;
mod named_image;
mod reasons;
mod rejection;
mod trailers;
mod values;

pub use ancestry::{Ancestry, CommitAncestry};
pub use branch::{
    Branch, BranchError, CommitRequest, FileContent, MAX_FILE_SIZE, PushResult, Rejection,
    RejectionKind, Snapshot, TreeEntries, TreeEntry,
};
pub use branch_name::{BranchName, InvalidBranchName};
pub use commit_name::{CommitName, InvalidCommitName};
pub use file_graph::{FileGraph, GraphCommit, GraphReach, GraphRevision, GraphRevisions};
pub use history::{ChangedPaths, FileHistory, HISTORY_CUT, History, MAX_CHANGED_PATHS, Revision};
pub use named_image::{NamedImage, is_same};
pub use reasons::{BRANCH_MISSING, CONTENDED, NOT_WRITTEN, POLICY};
pub use trailers::Trailers;
pub use values::{BadMark, ImageValue, ImageValues, ValueOrigin};

//! Writing to a branch that others write to as well: read its tip, decide, commit if the tip is still
//! the same, else start again from the new tip.
//!
//! What is written is decided anew on every conflict, from the files as they are then; text is never
//! rebased or merged. A remote implements [`Branch`], [`update`] is the loop over it.
//!
//! What was before is asked by [`History`]; [`Values`] makes of it which images a file named over time.

mod ancestry;
mod branch;
mod history;
mod name;
mod overlays;
mod reasons;
mod say;
mod trailers;
mod turns;
mod update;
mod values;

pub use ancestry::{Ancestry, CommitAncestry};
pub use branch::{
    Branch, BranchError, CommitRequest, FileContent, PushResult, Rejection, RejectionKind,
    Snapshot, TreeEntry,
};
pub use history::{CommitName, FileHistory, HISTORY_CUT, History, InvalidCommitName, Revision};
pub use name::{InvalidName, Name};
pub use overlays::{Overlay, Refused, TreeEntries, environment};
pub use reasons::{BRANCH_MISSING, CONTENDED, NOT_WRITTEN, POLICY};
pub use say::{bypassed, missing, rejected};
pub use trailers::{Trailers, run_url};
pub use update::{Decision, Outcome, ask, read, update};
pub use values::{Mark, Value, Values, is_same, is_same_version};

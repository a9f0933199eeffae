//! Writing to a branch that others write to as well: read its tip, decide, commit if the tip is still
//! the same, else start again from the new tip.
//!
//! What is written is decided anew on every conflict, from the files as they are then; text is never
//! rebased or merged. A remote implements [`Branch`], [`update`] is the loop over it.

mod branch;
mod name;
mod reasons;
mod turns;
mod update;

pub use branch::{Branch, BranchError, Edit, Entry, FileChange, Pushed, Rejection, RejectionKind, Snapshot};
pub use name::{InvalidName, Name};
pub use reasons::{BRANCH_MISSING, CONTENDED, NOT_WRITTEN, POLICY};
pub use update::{Decision, Outcome, read, update};

//! Where a step writes: a branch of a git remote, or of a repository on GitHub through its API, and a
//! pull request where the branch itself is not to be written.
//!
//! A step says what it wants as a [`Plan`], which decides again for every tip; [`Remote::write`] runs the
//! compare-and-swap loop and returns a [`WriteOutcome`].

mod apply;
mod flags;
mod outcome;
mod problem;
mod propose;
mod remote_branch;
mod retry;
mod run;
mod update;
mod write;

pub use apply::BranchChange;
pub use flags::{PullRequestMode, Where, not_empty};
pub use git::GIT_FAILED;
pub use github::PullRequest;
pub use outcome::{Decision, WriteOutcome};
pub use problem::{NEWER_IMAGE, NOT_MERGED, NOT_WANTED, Problem, UNVERIFIED};
pub use remote_branch::RemoteBranch;
pub use run::run_url;
pub use update::{ask, update};
pub use write::{BranchRead, RemoteWriter, WritePlan};

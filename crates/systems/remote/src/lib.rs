//! Writing a branch: of a git remote, or of a repository on GitHub through its API, directly or by
//! a pull request.
//!
//! A step implements [`WritePlan`], which decides again for every tip; [`RemoteWriter::write`] runs
//! the compare-and-swap loop and returns a [`WriteOutcome`].

mod apply;
mod checkout_path;
mod flags;
mod outcome;
mod plan;
mod problem;
mod propose;
mod rejected;
mod remote_branch;
mod retry;
mod run;
mod update;
mod write;
mod writer;

pub use checkout_path::from_checkout;
pub use flags::{PullRequestMode, Where, not_empty, open};
pub use git::GIT_FAILED;
pub use github::{PullRequest, TOO_LARGE};
pub use outcome::{Decision, WriteOutcome};
pub use plan::WritePlan;
pub use problem::{NEWER_IMAGE, NOT_MERGED, NOT_WANTED, Problem, UNVERIFIED};
pub use remote_branch::RemoteBranch;
pub use run::run_url;
pub use update::{ask, contains, update};
pub use writer::{BranchRead, RemoteWriter};

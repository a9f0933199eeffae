//! Where a step writes: a branch of a git remote, or of a repository on GitHub through its API, and a
//! pull request where the branch itself is not to be written.
//!
//! A step says what it wants as a [`Plan`], which is asked anew for every tip; [`Remote::write`] finds the
//! way there, and says how it [`Ended`].

mod flags;
mod problem;
mod propose;
mod remote_branch;
mod write;

pub use flags::{PullRequest, Where};
pub use git::GIT_FAILED;
pub use github::Pull;
pub use problem::{NEWER_IMAGE, NOT_MERGED, NOT_WANTED, Problem, UNVERIFIED};
pub use remote_branch::RemoteBranch;
pub use write::{Ended, Plan, Remote};

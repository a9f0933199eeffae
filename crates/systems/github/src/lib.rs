//! A branch of a repository on GitHub, through its API: its tip, a few of its files, one commit,
//! the history, pull requests, without git and without a checkout; and the deployments to
//! environments.
//!
//! A bump is two requests: one query to GraphQL (the tip, and the entries at each path of that
//! commit) and `createCommitOnBranch`, which is a compare-and-swap on the tip and makes a commit
//! that GitHub signs. It cannot write a file with the run bit: that is [`Unsupported`], and needs
//! git.

mod account;
mod aliases;
mod api;
mod api_branch;
mod commit;
mod denial;
mod deployments;
mod github;
mod history;
mod name;
mod permission;
mod pulls;
mod read;
mod reasons;
mod signature;

pub use api::is_at_hand;
pub use commit::Unsupported;
pub use deployments::{DeploymentQuery, Deployments, RecordedDeployment, deployments};
pub use github::GitHub;
pub use name::{InvalidRepositoryName, RepositoryName};
pub use pulls::{BranchNaming, Committer, Proposal, PullRequest, PullRequestState};
pub use reasons::TOO_LARGE;
pub use signature::Signature;

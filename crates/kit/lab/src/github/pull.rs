//! A pull request, as GitHub keeps it.

use super::repository::REPOSITORY;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubPull {
    /// Its number.
    pub number: u64,
    /// The login of the account that opened it.
    pub author: String,
    /// The branch to merge.
    pub head: String,
    /// The branch to merge into.
    pub base: String,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
    /// Whether the branch to merge is a fork's.
    pub fork: bool,
    /// The state.
    pub state: GitHubPullState,
}

/// The state of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitHubPullState {
    /// It is open.
    Open,
    /// It was closed.
    Closed,
    /// It was merged, as this commit.
    Merged(String),
}

impl GitHubPull {
    pub(super) fn id(&self) -> String {
        format!("PR_{}", self.number)
    }

    pub(super) fn url(&self) -> String {
        format!("https://github.com/{}/pull/{}", REPOSITORY, self.number)
    }
}

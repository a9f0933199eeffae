//! A pull request, as GitHub keeps it.

use super::repository::REPOSITORY;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// The branch that is to be merged.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
    /// Whether the branch that is to be merged is a fork's.
    pub fork: bool,
    /// What became of it.
    pub state: State,
}

/// What became of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Open,
    /// It was closed.
    Closed,
    /// It was merged, as this commit.
    Merged(String),
}

impl Pull {
    pub(super) fn id(&self) -> String {
        format!("PR_{}", self.number)
    }

    pub(super) fn url(&self) -> String {
        format!("https://github.com/{}/pull/{}", REPOSITORY, self.number)
    }
}

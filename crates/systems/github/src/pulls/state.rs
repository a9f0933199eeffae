//! The state of a proposal's pull request.

use branch::Ancestry;
use contract::{Commit, Failure};
use serde::Deserialize;

use super::description;
use crate::{github::GitHub, history};

/// The state of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestState {
    /// It is open.
    Open,
    /// It was merged, as this commit of the branch.
    Merged(Commit),
    /// It was closed.
    Closed,
    /// A later proposal has taken its place.
    Superseded,
}

/// A pull request in an answer of the REST API.
#[derive(Deserialize)]
pub(super) struct PullRequestResource {
    state: String,
    merged: bool,
    merge_commit_sha: Option<Commit>,
    body: Option<String>,
    head: PullRequestHead,
}

#[derive(Deserialize)]
struct PullRequestHead {
    sha: Commit,
}

impl PullRequestResource {
    /// Returns the state of the proposal that made `commit`.
    pub(super) async fn state(
        self,
        github: &GitHub<'_>,
        commit: &Commit,
    ) -> Result<PullRequestState, Failure> {
        // The branch still has the commit when a person has merged the base into it.
        let has_commit = self.head.sha == *commit
            || history::compare(github, commit, &self.head.sha).await?
                == Some(Ancestry::Descendant);
        if !has_commit {
            return Ok(PullRequestState::Superseded);
        }
        if let (true, Some(merge)) = (self.merged, self.merge_commit_sha) {
            return Ok(PullRequestState::Merged(merge));
        }
        if self.state == "open" {
            return Ok(PullRequestState::Open);
        }
        let is_superseded = self
            .body
            .is_some_and(|body| body.contains(description::SUPERSEDED));
        Ok(if is_superseded {
            PullRequestState::Superseded
        } else {
            PullRequestState::Closed
        })
    }
}

//! The state of a proposal's pull request.

use branch::Ancestry;
use contract::{Commit, Failure, asking};
use serde::Deserialize;

use super::description;
use crate::{
    api::{Nodes, TokenPermission},
    github::GitHub,
    history,
};

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
    /// It changes another branch now, this one.
    Retargeted(String),
}

/// A pull request in an answer of the REST API.
#[derive(Deserialize)]
pub(super) struct PullRequestResource {
    number: u64,
    state: String,
    merged: bool,
    #[serde(default)]
    merge_commit_sha: Option<Commit>,
    body: Option<String>,
    head: PullRequestHead,
    base: Option<PullRequestBase>,
}

/// The branch that a pull request changes.
#[derive(Deserialize)]
struct PullRequestBase {
    #[serde(rename = "ref")]
    name: String,
}

#[derive(Deserialize)]
struct PullRequestHead {
    sha: Commit,
}

/// The commits of a pull request: its branch may be rewritten by a button (`Update branch`, with
/// rebase), and REST need not name the commit of a merge.
const COMMITS: &str = "query PullRequest($owner: String!, $name: String!, $number: Int!, \
     $commit: GitObjectID!) { repository(owner: $owner, name: $name) { \
     object(oid: $commit) { ... on Commit { message } } \
     pullRequest(number: $number) { mergeCommit { oid } \
     commits(last: 50) { nodes { commit { message } } } } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProposedRepository {
    object: Option<ProposedCommit>,
    pull_request: Option<ProposedPull>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProposedPull {
    merge_commit: Option<MergeCommit>,
    commits: Nodes<PullCommit>,
}

#[derive(Deserialize)]
struct MergeCommit {
    oid: Commit,
}

#[derive(Deserialize)]
struct PullCommit {
    commit: ProposedCommit,
}

#[derive(Deserialize)]
struct ProposedCommit {
    #[serde(default)]
    message: Option<String>,
}

impl PullRequestResource {
    /// Returns the state of the proposal that made `commit`.
    pub(super) async fn state(
        self,
        github: &GitHub<'_>,
        commit: &Commit,
    ) -> Result<PullRequestState, Failure> {
        if let Some(other) = self.other_base(github.name.as_str()) {
            return Ok(PullRequestState::Retargeted(other.to_owned()));
        }
        let mut merge = self.merge_commit_sha.clone().filter(|_| self.merged);
        let mut has_commit = self.has_commit(github, commit).await?;
        if !has_commit || (self.merged && merge.is_none()) {
            let proposed = self.ask_commits(github, commit).await?;
            has_commit |= proposed.has_rewritten();
            let merge_commit = proposed.pull_request.and_then(|pull| pull.merge_commit);
            merge = merge.or(merge_commit.map(|merge| merge.oid).filter(|_| self.merged));
        }
        if !has_commit {
            return Ok(PullRequestState::Superseded);
        }
        match (self.merged, merge) {
            (true, Some(merge)) => Ok(PullRequestState::Merged(merge)),
            (true, None) => Err(self.without_merge_commit()),
            _ if self.state == "open" => Ok(PullRequestState::Open),
            _ => Ok(self.closed()),
        }
    }

    /// Returns whether the branch has the commit, also after a person has merged the base into it.
    async fn has_commit(&self, github: &GitHub<'_>, commit: &Commit) -> Result<bool, Failure> {
        let head = &self.head.sha;
        Ok(head == commit
            || history::compare(github, commit, head).await? == Some(Ancestry::Descendant))
    }

    async fn ask_commits(
        &self,
        github: &GitHub<'_>,
        commit: &Commit,
    ) -> Result<ProposedRepository, Failure> {
        let variables = [
            ("number".to_owned(), self.number.into()),
            ("commit".to_owned(), commit.as_str().into()),
        ];
        let permission = TokenPermission::PullRequestsWrite;
        let found = github.ask(COMMITS, variables, permission).await?;
        Ok(found.unwrap_or(ProposedRepository {
            object: None,
            pull_request: None,
        }))
    }

    /// Returns the branch that the pull request changes instead of the proposed one: everyone who may
    /// edit it can choose another branch, and a merge there changes nothing here.
    fn other_base(&self, proposed: &str) -> Option<&str> {
        let base = self.base.as_ref()?.name.as_str();
        (base != proposed).then_some(base)
    }

    fn without_merge_commit(&self) -> Failure {
        let number = self.number;
        let error = anyhow::anyhow!(
            "pull request #{number} is merged, but GitHub does not say as which commit"
        );
        Failure::unavailable(asking::SERVER_ERROR, error)
    }

    fn closed(self) -> PullRequestState {
        let is_superseded = self
            .body
            .is_some_and(|body| body.contains(description::SUPERSEDED));
        if is_superseded {
            PullRequestState::Superseded
        } else {
            PullRequestState::Closed
        }
    }
}

impl ProposedRepository {
    /// Returns whether the pull request has a commit with the message of the proposed one, which
    /// names its image and its source: a rebase keeps messages.
    fn has_rewritten(&self) -> bool {
        let own = self.object.as_ref().and_then(|own| own.message.as_deref());
        let (Some(own), Some(pull)) = (own, &self.pull_request) else {
            return false;
        };
        let mut messages = pull.commits.nodes.iter();
        messages.any(|pull| {
            let message = pull.commit.message.as_deref().unwrap_or_default();
            message.trim_end() == own.trim_end()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pull_request_may_get_another_base() {
        let commit = "a".repeat(40);
        let resource = |base: serde_json::Value| -> PullRequestResource {
            let pull = json!({
                "number": 1, "state": "closed", "merged": true, "merge_commit_sha": commit,
                "body": null, "head": { "sha": commit }, "base": base,
            });
            serde_json::from_value(pull).unwrap()
        };
        let other = resource(json!({ "ref": "develop" }));
        assert_eq!(other.other_base("main"), Some("develop"));
        assert_eq!(other.other_base("develop"), None);
        assert_eq!(resource(json!(null)).other_base("main"), None);
    }
}

//! GitHub's comparison of two commits.

use branch::{Ancestry, BranchError};
use contract::{Commit, Failure};
use fetch::HttpAnswer;
use serde::Deserialize;

use crate::{
    api::{GitHubApi, TokenPermission},
    github::GitHub,
};

/// GitHub's words for how a head relates to its base.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ComparisonStatus {
    Ahead,
    Behind,
    Identical,
    Diverged,
}

impl From<ComparisonStatus> for Ancestry {
    fn from(status: ComparisonStatus) -> Self {
        match status {
            ComparisonStatus::Ahead => Self::Descendant,
            ComparisonStatus::Behind => Self::Ancestor,
            ComparisonStatus::Identical => Self::Same,
            ComparisonStatus::Diverged => Self::Diverged,
        }
    }
}

#[derive(Deserialize)]
struct ComparisonPage {
    status: ComparisonStatus,
}

/// Asks how `head` relates to `base`; `None` when GitHub lacks one of them. Without a common
/// ancestor they have diverged.
pub(crate) async fn compare(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<Option<Ancestry>, Failure> {
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // The first page carries all changed files, the second one only commits.
    let query = [("per_page", "1"), ("page", "2")];
    let answer = github
        .api
        .get(&path, &query, None, TokenPermission::Contents)
        .await?;
    if answer.status() == 404 {
        return Ok(has_no_common_ancestor(&answer).then_some(Ancestry::Diverged));
    }
    Ok(Some(answer.json::<ComparisonPage>()?.status.into()))
}

/// Returns whether GitHub has both commits: its answers differ only in the message.
pub(super) fn has_no_common_ancestor(answer: &HttpAnswer) -> bool {
    GitHubApi::message(answer).is_some_and(|message| message.contains("No common ancestor"))
}

const CONTAINS: &str = "query Contains($owner: String!, $name: String!, $branch: String!, \
     $commit: String!) { \
     repository(owner: $owner, name: $name) { ref(qualifiedName: $branch) { \
     compare(headRef: $commit) { status } } } }";

#[derive(Deserialize)]
struct ComparedRef {
    compare: Option<RefComparison>,
}

#[derive(Deserialize)]
struct RefComparison {
    status: String,
}

/// Asks whether the branch contains a commit.
pub(crate) async fn contains(github: &GitHub<'_>, commit: &Commit) -> Result<bool, BranchError> {
    let variables = [("commit".to_owned(), commit.as_str().into())];
    let found: Option<ComparedRef> = github.ask_branch(&github.name, CONTAINS, variables).await?;
    let reference = found.ok_or(BranchError::Missing)?;
    // The branch is the base here, so GitHub calls an ancestor of its tip "behind".
    Ok(reference
        .compare
        .is_some_and(|comparison| ["BEHIND", "IDENTICAL"].contains(&&*comparison.status)))
}

//! What was before: what files were over time, how commits stand to one another, where they differ.

mod ancestry;
mod differences;
mod file_history;

use std::collections::BTreeMap;

use branch::{Ancestry, BranchError, CommitAncestry, CommitName, FileHistory};
use contract::{Commit, Failure};
use serde::Deserialize;

use crate::{GitHub, api::Needs};

impl branch::History for GitHub<'_> {
    /// Of each file a hundred changes at most; where it was moved it begins. What an old merge brought,
    /// one that is not among the hundred newest commits, is told as the merged commits in its place.
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        file_history::file_histories(self, tip, paths, most).await
    }

    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        ancestry::ancestry(self, commit, others).await
    }

    /// Where neither commit contains the other, what both changed in the same way counts as well:
    /// GitHub compares with what they have in common.
    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        most: usize,
    ) -> Result<Vec<String>, Failure> {
        differences::differences(self, one, other, most).await
    }
}

/// GitHub's words for how a head relates to its base.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ComparisonStatus {
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

/// Asks how `head` relates to `base`; `None` when GitHub lacks one of them, or they have no common
/// ancestor.
pub(crate) async fn compare(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<Option<Ancestry>, Failure> {
    #[derive(Deserialize)]
    struct ComparisonPage {
        status: ComparisonStatus,
    }
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // The first page has the whole difference, the second one only commits.
    let query = [("per_page", "1"), ("page", "2")];
    let answer = github.api.get(&path, &query, None, Needs::Contents).await?;
    if answer.status() == 404 {
        return Ok(None);
    }
    Ok(Some(answer.json::<ComparisonPage>()?.status.into()))
}

const CONTAINS: &str = "query Contains($owner: String!, $name: String!, $branch: String!, $commit: String!) { \
     repository(owner: $owner, name: $name) { ref(qualifiedName: $branch) { \
     compare(headRef: $commit) { status } } } }";

/// Asks whether the branch has a commit.
pub(crate) async fn contains(github: &GitHub<'_>, commit: &Commit) -> Result<bool, BranchError> {
    #[derive(Deserialize)]
    struct Reference {
        compare: Option<Comparison>,
    }
    #[derive(Deserialize)]
    struct Comparison {
        status: String,
    }
    let variables = [("commit".to_owned(), commit.as_str().into())];
    let found: Option<Reference> = github.ask_branch(&github.name, CONTAINS, variables).await?;
    let reference = found.ok_or(BranchError::Missing)?;
    // The branch is the base here: a commit that it has is behind it.
    Ok(reference
        .compare
        .is_some_and(|compared| ["BEHIND", "IDENTICAL"].contains(&&*compared.status)))
}

/// Returns one text for each of `count` aliases in a document.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

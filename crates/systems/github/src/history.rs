//! What was before: what files were over time, how commits stand to one another, where they differ.

mod changes;
mod differences;
mod kinship;

use std::collections::BTreeMap;

use branch::{BranchError, Changes, CommitName, Relations};
use contract::{Commit, Failure};
use serde::Deserialize;

use crate::{GitHub, api::Needs};

impl branch::History for GitHub<'_> {
    /// Of each file a hundred changes at most; where it was moved it begins. What an old merge brought,
    /// one that is not among the hundred newest commits, is told as the merged commits in its place.
    async fn changes(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, Changes>, Failure> {
        changes::changes(self, tip, paths, most).await
    }

    async fn relations(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<Relations, Failure> {
        kinship::relations(self, commit, others).await
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

/// How a commit stands to another one, its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// It contains the base.
    Ahead,
    /// The base contains it.
    Behind,
    /// It is the base.
    Identical,
    /// Neither contains the other.
    Diverged,
}

/// Asks how `head` stands to `base`; `None` when one of them is not there, or they have nothing in common.
pub(crate) async fn standing(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<Option<Standing>, Failure> {
    #[derive(Deserialize)]
    struct Body {
        status: Standing,
    }
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // The first page has the whole difference, the second one only commits.
    let query = [("per_page", "1"), ("page", "2")];
    let answer = github.api.get(&path, &query, None, Needs::Contents).await?;
    if answer.status() == 404 {
        Ok(None)
    } else {
        Ok(Some(answer.json::<Body>()?.status))
    }
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

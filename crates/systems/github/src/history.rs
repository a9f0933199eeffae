//! What came before what: how two commits stand to one another, and what a file was.

use contract::{Commit, Failure};
use serde::Deserialize;

use crate::{
    GitHub,
    api::Needs,
    read::{self, ENTRY, TreeEntry},
};

/// How a commit stands to another one, its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// It contains the base.
    Ahead,
    /// The base contains it.
    Behind,
    /// It is the base.
    Identical,
    /// Neither contains the other.
    Diverged,
}

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub commit: Commit,
    /// Its whole message.
    pub message: String,
    /// The file after it; `None` when the commit deleted it.
    pub content: Option<Vec<u8>>,
}

impl Change {
    /// Returns the values of a trailer, as they come in the last paragraph of the message.
    pub fn trailers<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let (_, last) = self.message.trim_end().rsplit_once("\n\n").unwrap_or_default();
        last.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(": "))
    }
}

/// Asks how `head` stands to `base`; `None` when one of them is not there.
pub(crate) async fn relation(
    github: &GitHub<'_>,
    base: &Commit,
    head: &Commit,
) -> Result<Option<Relation>, Failure> {
    #[derive(Deserialize)]
    struct Body {
        status: Relation,
    }
    let path = format!("repos/{}/compare/{base}...{head}", github.repository);
    // The first page has the whole difference, the second one only commits.
    let query = [("per_page", "1"), ("page", "2")];
    let answer = github.api.get(&path, &query, None, Needs::Contents).await?;
    if answer.status() == 404 { Ok(None) } else { Ok(Some(answer.json::<Body>()?.status)) }
}

const CONTAINS: &str = "query Contains($owner: String!, $name: String!, $branch: String!, $commit: String!) { \
     repository(owner: $owner, name: $name) { ref(qualifiedName: $branch) { \
     compare(headRef: $commit) { status } } } }";

/// Asks whether the branch has a commit; `None` when there is no branch.
pub(crate) async fn contains(github: &GitHub<'_>, commit: &Commit) -> Result<Option<bool>, Failure> {
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
    // The branch is the base here: a commit that it has is behind it.
    Ok(found.map(|reference| {
        reference.compare.is_some_and(|compared| ["BEHIND", "IDENTICAL"].contains(&&*compared.status))
    }))
}

/// Returns the newest changes of a file on the branch, newest first; `None` when there is no branch.
pub(crate) async fn history(
    github: &GitHub<'_>,
    path: &str,
    count: u8,
) -> Result<Option<Vec<Change>>, Failure> {
    #[derive(Deserialize)]
    struct Reference {
        target: Target,
    }
    #[derive(Deserialize)]
    struct Target {
        history: History,
    }
    #[derive(Deserialize)]
    struct History {
        nodes: Vec<Past>,
    }
    #[derive(Deserialize)]
    struct Past {
        oid: Commit,
        message: String,
        file: Option<TreeEntry>,
    }
    let document = format!(
        "query History($owner: String!, $name: String!, $branch: String!, $path: String!, $count: Int!) {{ \
         repository(owner: $owner, name: $name) {{ ref(qualifiedName: $branch) {{ target {{ ... on Commit {{ \
         history(first: $count, path: $path) {{ nodes {{ oid message file(path: $path) {{ ...entry }} }} }} \
         }} }} }} }} }} {ENTRY}"
    );
    let variables = [("path".to_owned(), path.into()), ("count".to_owned(), count.into())];
    let found: Option<Reference> = github.ask_branch(&github.name, &document, variables).await?;
    let Some(reference) = found else { return Ok(None) };
    let mut changes = Vec::new();
    for Past { oid, message, file } in reference.target.history.nodes {
        let content = match &file {
            Some(entry) => Some(read::content(github, entry).await?),
            None => None,
        };
        changes.push(Change { commit: oid, message, content });
    }
    Ok(Some(changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_paragraph_has_trailers() {
        let message =
            "deploy: x\n\nRunbook-Image: no\n\nRunbook-Image: a\nRunbook-Image: b\nRunbook-Run: r\n";
        let commit = "a".repeat(40).parse().unwrap();
        let change = Change { commit, message: message.to_owned(), content: None };
        assert_eq!(change.trailers("Runbook-Image").collect::<Vec<_>>(), ["a", "b"]);
    }
}

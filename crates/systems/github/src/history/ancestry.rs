//! How commits relate.
//!
//! One query returns the nearest ancestors of each commit. The source commits of an overlay follow
//! one another closely, so these ancestors nearly always connect all of them. Where they do not,
//! GitHub compares two commits, and its answer is one more known connection.

use std::collections::{BTreeMap, HashMap, HashSet};

use branch::{Ancestry, CommitAncestry, CommitName};
use contract::{Commit, Failure, asking};
use serde::Deserialize;

use super::comparison::compare;
use crate::{
    aliases::{self, each},
    api::{Nodes, TokenPermission},
    github::GitHub,
};

/// The fewest ancestors that are asked for per commit.
const MIN_ANCESTORS: usize = 20;

/// The most ancestors that are asked for per commit, which is GitHub's limit.
const MAX_ANCESTORS: usize = 100;

/// The ancestors that are asked for in total, unless there are too many commits for it.
const TOTAL_ANCESTORS: usize = 2000;

/// A commit with its nearest ancestors; empty for an object that is not a commit.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CommitNode {
    oid: Option<Commit>,
    history: Nodes<HistoryNode>,
}

#[derive(Deserialize)]
struct HistoryNode {
    oid: Commit,
    parents: Nodes<ParentNode>,
}

#[derive(Deserialize)]
struct ParentNode {
    oid: Commit,
}

/// Returns how a commit relates to others.
pub(super) async fn ancestry(
    github: &GitHub<'_>,
    commit: &CommitName,
    others: &[CommitName],
) -> Result<CommitAncestry, Failure> {
    let names: Vec<&CommitName> = [commit].into_iter().chain(others).collect();
    let mut known = KnownAncestry::default();
    let mut found = ask(github, &names, &mut known).await?.into_iter();
    let Some(commit) = found.next().flatten() else {
        return Ok(unknown(others));
    };
    let mut others = Vec::new();
    for other in found {
        let ancestry = match &other {
            Some(other) => known.ancestry(github, &commit, other).await?,
            None => Ancestry::Unknown,
        };
        others.push((ancestry, other));
    }
    Ok(CommitAncestry {
        commit: Some(commit),
        others,
    })
}

/// Returns the answer about a commit that the repository does not have.
fn unknown(others: &[CommitName]) -> CommitAncestry {
    CommitAncestry {
        commit: None,
        others: others
            .iter()
            .map(|other| (Ancestry::Unknown, other.whole()))
            .collect(),
    }
}

/// Looks up the names, and learns the nearest ancestors of each.
async fn ask(
    github: &GitHub<'_>,
    names: &[&CommitName],
    known: &mut KnownAncestry,
) -> Result<Vec<Option<Commit>>, Failure> {
    let parameters = each(names.len(), |n| format!(", $n{n}: String!"));
    let objects = each(names.len(), |n| {
        format!(" n{n}: object(expression: $n{n}) {{ ...nearest }}")
    });
    let document = format!(
        "query Ancestry($owner: String!, $name: String!, $count: Int!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{{objects} }} }} \
         fragment nearest on Commit {{ oid history(first: $count) {{ nodes {{ \
         oid parents(first: 10) {{ nodes {{ oid }} }} }} }} }}"
    );
    let count = (TOTAL_ANCESTORS / names.len()).clamp(MIN_ANCESTORS, MAX_ANCESTORS);
    let own = [("count".to_owned(), count.into())];
    let named = aliases::variables("n", names.iter().map(|name| name.as_str()));
    let found: Option<BTreeMap<String, Option<CommitNode>>> = github
        .ask(
            &document,
            own.into_iter().chain(named),
            TokenPermission::Contents,
        )
        .await?;
    let mut found = found.unwrap_or_default();
    let mut commits = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let node = found.remove(&format!("n{n}")).flatten().unwrap_or_default();
        known.learn(node.history);
        // GitHub also takes the name for that of a branch, which may lead to another commit.
        commits.push(node.oid.filter(|oid| name.matches(oid.as_str())));
    }
    Ok(commits)
}

/// The known parents of each commit, and other known ancestors.
#[derive(Default)]
struct KnownAncestry(HashMap<Commit, Vec<Commit>>);

impl KnownAncestry {
    fn learn(&mut self, history: Nodes<HistoryNode>) {
        for ancestor in history.nodes {
            let parents = ancestor.parents.nodes.into_iter().map(|parent| parent.oid);
            self.0.entry(ancestor.oid).or_default().extend(parents);
        }
    }

    async fn ancestry(
        &mut self,
        github: &GitHub<'_>,
        commit: &Commit,
        other: &Commit,
    ) -> Result<Ancestry, Failure> {
        if commit == other {
            return Ok(Ancestry::Same);
        }
        if self.contains(commit, other) {
            return Ok(Ancestry::Descendant);
        }
        if self.contains(other, commit) {
            return Ok(Ancestry::Ancestor);
        }
        let ancestry = compare(github, other, commit)
            .await?
            .ok_or_else(|| not_compared(other, commit))?;
        match ancestry {
            Ancestry::Same | Ancestry::Descendant => self.learn_ancestor(commit, other),
            Ancestry::Ancestor => self.learn_ancestor(other, commit),
            Ancestry::Diverged | Ancestry::Unknown => {}
        }
        Ok(ancestry)
    }

    fn learn_ancestor(&mut self, descendant: &Commit, ancestor: &Commit) {
        let ancestors = self.0.entry(descendant.clone()).or_default();
        ancestors.push(ancestor.clone());
    }

    fn contains(&self, descendant: &Commit, ancestor: &Commit) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![descendant]);
        while let Some(commit) = open.pop() {
            if commit == ancestor {
                return true;
            }
            if seen.insert(commit) {
                open.extend(self.0.get(commit).into_iter().flatten());
            }
        }
        false
    }
}

/// Returns the failure when GitHub does not compare two commits that it has named before.
fn not_compared(base: &Commit, head: &Commit) -> Failure {
    let error = anyhow::anyhow!("GitHub has {base} and {head}, but does not compare them");
    Failure::unavailable(asking::SERVER_ERROR, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: &str) -> Commit {
        digit.repeat(40).parse().unwrap()
    }

    #[test]
    fn parents_connect_a_commit_to_all_ancestors() {
        let mut known = KnownAncestry::default();
        for (one, parent) in [("4", "3"), ("3", "2"), ("2", "1"), ("9", "2")] {
            known.0.entry(commit(one)).or_default().push(commit(parent));
        }
        assert!(
            known.contains(&commit("4"), &commit("1"))
                && known.contains(&commit("9"), &commit("1"))
        );
        assert!(
            !known.contains(&commit("1"), &commit("4"))
                && !known.contains(&commit("4"), &commit("9"))
        );
    }
}

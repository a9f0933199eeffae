//! How commits relate.
//!
//! One query returns the nearest ancestors of each commit. The sources of an overlay follow one another,
//! so this nearly always leads from one to the next, down to the oldest. Where it does not, GitHub
//! compares two of them, and its answer leads further.

use std::collections::{BTreeMap, HashMap, HashSet};

use branch::{Ancestry, CommitAncestry, CommitName};
use contract::{Commit, Failure};
use serde::Deserialize;

use super::{compare, each};
use crate::{
    GitHub,
    api::{Needs, Nodes},
};

/// How many commits behind one are asked for, of many and of few of them; a hundred is GitHub's limit.
const BEHIND: (usize, usize) = (20, 100);

/// How many commits are asked for in all.
const IN_ALL: usize = 2000;

/// A commit and what is right behind it; all empty for what is no commit.
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
        let others = others
            .iter()
            .map(|other| (Ancestry::Unknown, other.whole()))
            .collect();
        return Ok(CommitAncestry {
            commit: None,
            others,
        });
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

/// Looks the names up, and learns what is right behind each.
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
    let count = (IN_ALL / names.len()).clamp(BEHIND.0, BEHIND.1);
    let own = [("count".to_owned(), count.into())];
    let named = names
        .iter()
        .enumerate()
        .map(|(n, name)| (format!("n{n}"), name.as_str().into()));
    let found: Option<BTreeMap<String, Option<CommitNode>>> = github
        .ask(&document, own.into_iter().chain(named), Needs::Contents)
        .await?;
    let mut found = found.unwrap_or_default();
    let commits = names.iter().enumerate().map(|(n, name)| {
        let node = found.remove(&format!("n{n}")).flatten()?;
        known.learn(node.history);
        // An expression may also be the name of a branch.
        node.oid.filter(|oid| name.matches(oid.as_str()))
    });
    Ok(commits.collect())
}

/// The parents that are known of each commit, and other known ancestors.
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
        // Without a comparison, both exist: they have no common ancestor.
        let ancestry = compare(github, other, commit)
            .await?
            .unwrap_or(Ancestry::Diverged);
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

    fn contains(&self, newer: &Commit, older: &Commit) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![newer]);
        while let Some(commit) = open.pop() {
            if commit == older {
                return true;
            }
            if seen.insert(commit) {
                open.extend(self.0.get(commit).into_iter().flatten());
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: &str) -> Commit {
        digit.repeat(40).parse().unwrap()
    }

    #[test]
    fn what_leads_from_one_to_the_next_leads_to_the_oldest() {
        let mut known = KnownAncestry::default();
        for (one, behind) in [("4", "3"), ("3", "2"), ("2", "1"), ("9", "2")] {
            known.0.entry(commit(one)).or_default().push(commit(behind));
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

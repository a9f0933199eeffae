//! How commits stand to one another.
//!
//! One question brings what is right behind each of them. The sources of an overlay follow one another,
//! so that this nearly always leads from one to the next, down to the oldest; where it does not, GitHub
//! compares two of them, and what that says leads further.

use std::collections::{BTreeMap, HashMap, HashSet};

use branch::{CommitName, Relation, Relations};
use contract::{Commit, Failure};
use serde::Deserialize;

use super::{Standing, each, standing};
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
struct Known {
    oid: Option<Commit>,
    history: Nodes<Ancestor>,
}

#[derive(Deserialize)]
struct Ancestor {
    oid: Commit,
    parents: Nodes<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    oid: Commit,
}

/// Returns how a commit stands to others.
pub(super) async fn relations(
    github: &GitHub<'_>,
    commit: &CommitName,
    others: &[CommitName],
) -> Result<Relations, Failure> {
    let names: Vec<&CommitName> = [commit].into_iter().chain(others).collect();
    let mut kin = Kin::default();
    let mut found = ask(github, &names, &mut kin).await?.into_iter();
    let Some(commit) = found.next().flatten() else {
        let others = others
            .iter()
            .map(|other| (Relation::Unknown, other.whole()))
            .collect();
        return Ok(Relations {
            commit: None,
            others,
        });
    };
    let mut others = Vec::new();
    for other in found {
        let relation = match &other {
            Some(other) => kin.relation(github, &commit, other).await?,
            None => Relation::Unknown,
        };
        others.push((relation, other));
    }
    Ok(Relations {
        commit: Some(commit),
        others,
    })
}

/// Looks the names up, and learns what is right behind each.
async fn ask(
    github: &GitHub<'_>,
    names: &[&CommitName],
    kin: &mut Kin,
) -> Result<Vec<Option<Commit>>, Failure> {
    let parameters = each(names.len(), |n| format!(", $n{n}: String!"));
    let objects = each(names.len(), |n| {
        format!(" n{n}: object(expression: $n{n}) {{ ...kin }}")
    });
    let document = format!(
        "query Kinship($owner: String!, $name: String!, $count: Int!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{{objects} }} }} \
         fragment kin on Commit {{ oid history(first: $count) {{ nodes {{ \
         oid parents(first: 10) {{ nodes {{ oid }} }} }} }} }}"
    );
    let count = (IN_ALL / names.len()).clamp(BEHIND.0, BEHIND.1);
    let own = [("count".to_owned(), count.into())];
    let named = names
        .iter()
        .enumerate()
        .map(|(n, name)| (format!("n{n}"), name.as_str().into()));
    let found: Option<BTreeMap<String, Option<Known>>> = github
        .ask(&document, own.into_iter().chain(named), Needs::Contents)
        .await?;
    let mut found = found.unwrap_or_default();
    let known = names.iter().enumerate().map(|(n, name)| {
        let known = found.remove(&format!("n{n}")).flatten()?;
        kin.learn(known.history);
        // An expression may also be the name of a branch.
        known.oid.filter(|oid| name.matches(oid.as_str()))
    });
    Ok(known.collect())
}

/// What is known to be behind what.
#[derive(Default)]
struct Kin(HashMap<Commit, Vec<Commit>>);

impl Kin {
    fn learn(&mut self, history: Nodes<Ancestor>) {
        for ancestor in history.nodes {
            let parents = ancestor.parents.nodes.into_iter().map(|parent| parent.oid);
            self.0.entry(ancestor.oid).or_default().extend(parents);
        }
    }

    async fn relation(
        &mut self,
        github: &GitHub<'_>,
        commit: &Commit,
        other: &Commit,
    ) -> Result<Relation, Failure> {
        if self.contains(commit, other) {
            return Ok(Relation::After);
        }
        if self.contains(other, commit) {
            return Ok(Relation::Before);
        }
        Ok(match standing(github, other, commit).await? {
            Some(Standing::Ahead | Standing::Identical) => {
                self.0
                    .entry(commit.clone())
                    .or_default()
                    .push(other.clone());
                Relation::After
            }
            Some(Standing::Behind) => {
                self.0
                    .entry(other.clone())
                    .or_default()
                    .push(commit.clone());
                Relation::Before
            }
            // Both are there: they have nothing in common.
            Some(Standing::Diverged) | None => Relation::Apart,
        })
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
        let mut kin = Kin::default();
        for (one, behind) in [("4", "3"), ("3", "2"), ("2", "1"), ("9", "2")] {
            kin.0.entry(commit(one)).or_default().push(commit(behind));
        }
        assert!(
            kin.contains(&commit("4"), &commit("1")) && kin.contains(&commit("9"), &commit("1"))
        );
        assert!(
            !kin.contains(&commit("1"), &commit("4")) && !kin.contains(&commit("4"), &commit("9"))
        );
    }
}

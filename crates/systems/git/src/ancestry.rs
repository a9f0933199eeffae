//! How commits relate: only commits are fetched, and the end of what was fetched is never taken for
//! the beginning of history.

use std::collections::HashSet;

use branch::{Ancestry, CommitAncestry, CommitName};
use contract::Commit;
use gix_hash::ObjectId;
use gix_object::Exists as _;

use crate::{
    answers::Answer, error::GitError, file_history::DEPTHS, folder::REMOTE, objects, program::Call,
};

/// Where the remote's branches are kept.
const BRANCHES: &str = "refs/runbook/heads/";

/// After so many commits that the remote does not have, no more are asked for one by one.
const MAX_MISSING_COMMITS: usize = 5;

/// Returns how a commit relates to others, the newest first.
///
/// What is deployed is usually behind the new commit, not far: it is looked for there first. When the
/// first of the others is not, or the rest is not soon, they themselves are fetched, and what is behind
/// all of them.
pub(crate) async fn ancestry(
    call: &Call<'_>,
    commit: &CommitName,
    others: &[CommitName],
) -> Answer<CommitAncestry> {
    let by_branches = commit.whole().is_none();
    let mut asked = Asked {
        commits: commit.whole().into_iter().collect(),
        branches: by_branches,
    };
    let mut widely = by_branches;
    for (step, depth) in DEPTHS.iter().enumerate() {
        asked.fetch(call, depth).await?;
        let first = Graph::new(call, step)
            .await?
            .judge(commit, others, widely)?;
        if let Judged::Certain(ancestry) = first {
            return Ok(ancestry);
        }
        if !widely && (step > 0 || matches!(first, Judged::Open { at: 0 })) {
            widely = true;
            asked
                .commits
                .extend(others.iter().filter_map(CommitName::whole));
            asked.branches = others.iter().any(|other| other.whole().is_none());
            asked.fetch(call, depth).await?;
            if let Judged::Certain(ancestry) = Graph::new(call, step)
                .await?
                .judge(commit, others, widely)?
            {
                return Ok(ancestry);
            }
        }
    }
    Err(GitError::history_cut())
}

/// What is fetched.
struct Asked {
    commits: Vec<Commit>,
    /// Abbreviations can only be looked up in what is behind the branches.
    branches: bool,
}

impl Asked {
    /// Fetches all that there is of it; what the remote does not have is left out from then on.
    ///
    /// A remote names only one commit that it does not have. When it lacks many, only what is behind
    /// its branches is asked for: a few questions too many cost more than they could tell.
    async fn fetch(&mut self, call: &Call<'_>, depth: &str) -> Answer<()> {
        let branches = format!("+refs/heads/*:{BRANCHES}*");
        let mut lacking = 0;
        while !self.commits.is_empty() || self.branches {
            let fetch = [
                "fetch",
                "--quiet",
                depth,
                "--filter=tree:0",
                "--no-tags",
                "--no-write-fetch-head",
            ];
            let mut arguments = fetch.to_vec();
            arguments.extend(["--recurse-submodules=no", REMOTE]);
            arguments.extend(self.branches.then_some(branches.as_str()));
            arguments.extend(self.commits.iter().map(Commit::as_str));
            let Err(error) = call.expect(&arguments, &[]).await else {
                break;
            };
            let before = self.commits.len();
            self.commits
                .retain(|commit| !error.is_missing_commit(commit));
            if self.commits.len() == before {
                return Err(error);
            }
            lacking += 1;
            if lacking == MAX_MISSING_COMMITS {
                self.commits.truncate(1);
                self.branches = true;
            }
        }
        Ok(())
    }
}

/// The commits that were fetched.
struct Graph {
    objects: gix_odb::Handle,
    branches: Vec<ObjectId>,
    /// How often it was deepened.
    step: usize,
}

/// What can be said of what was fetched.
enum Judged {
    Certain(CommitAncestry),
    /// Not before more was fetched, for the sake of this one of the others.
    Open {
        at: usize,
    },
}

/// A commit and its ancestors.
struct Ancestors {
    commits: HashSet<ObjectId>,
    /// Whether there are more ancestors than were fetched.
    is_cut: bool,
}

/// What a name means.
enum Named {
    Commit(ObjectId),
    Nothing,
    /// What it means may not have been fetched.
    Open,
}

impl Graph {
    async fn new(call: &Call<'_>, step: usize) -> Answer<Self> {
        let branches = call
            .lines(&["for-each-ref", "--format=%(objectname)", BRANCHES])
            .await?;
        let branches = branches
            .iter()
            .map(|id| ObjectId::from_hex(id.as_bytes()).map_err(GitError::other));
        Ok(Self {
            objects: call.folder.objects()?,
            branches: branches.collect::<Answer<_>>()?,
            step,
        })
    }

    fn judge(&self, commit: &CommitName, others: &[CommitName], widely: bool) -> Answer<Judged> {
        let around = self.ancestors(&self.branches)?;
        let id = match self.named(commit, &around)? {
            Named::Commit(id) => id,
            Named::Open => return Ok(Judged::Open { at: 0 }),
            Named::Nothing => {
                let others = others
                    .iter()
                    .map(|other| (Ancestry::Unknown, other.whole()))
                    .collect();
                return Ok(Judged::Certain(CommitAncestry {
                    commit: None,
                    others,
                }));
            }
        };
        let behind = self.ancestors(&[id])?;
        let mut found = Vec::new();
        for (at, other) in others.iter().enumerate() {
            let ancestry = match self.named(other, &behind)? {
                Named::Commit(other) if other == id => Some((Ancestry::Same, Some(other))),
                Named::Commit(other) if behind.commits.contains(&other) => {
                    Some((Ancestry::Descendant, Some(other)))
                }
                _ if widely => self.ancestry(id, &behind, self.named(other, &around)?)?,
                _ => None,
            };
            let Some((ancestry, id)) = ancestry else {
                return Ok(Judged::Open { at });
            };
            found.push((ancestry, id.map(objects::commit).transpose()?));
        }
        Ok(Judged::Certain(CommitAncestry {
            commit: Some(objects::commit(id)?),
            others: found,
        }))
    }

    /// Returns how a commit relates to one that is not among its ancestors.
    fn ancestry(
        &self,
        id: ObjectId,
        behind: &Ancestors,
        other: Named,
    ) -> Answer<Option<(Ancestry, Option<ObjectId>)>> {
        let other = match other {
            Named::Commit(other) => other,
            Named::Nothing => return Ok(Some((Ancestry::Unknown, None))),
            Named::Open => return Ok(None),
        };
        let ahead = self.ancestors(&[other])?;
        if ahead.commits.contains(&id) {
            return Ok(Some((Ancestry::Ancestor, Some(other))));
        }
        if ahead.is_cut || behind.is_cut {
            return Ok(None);
        }
        Ok(Some((Ancestry::Diverged, Some(other))))
    }

    /// Looks a name up: a whole one in all that was fetched, an abbreviation among these commits. One
    /// that fits nothing in thousands of commits names something else.
    fn named(&self, name: &CommitName, among: &Ancestors) -> Answer<Named> {
        if let Some(commit) = name.whole() {
            let id = objects::id(&commit)?;
            return Ok(if self.objects.exists(&id) {
                Named::Commit(id)
            } else {
                Named::Nothing
            });
        }
        let mut fitting = among
            .commits
            .iter()
            .filter(|id| name.matches(&id.to_string()));
        Ok(match (fitting.next(), fitting.next()) {
            (Some(id), None) => Named::Commit(*id),
            (None, _) if among.is_cut && self.step == 0 => Named::Open,
            _ => Named::Nothing,
        })
    }

    fn ancestors(&self, starts: &[ObjectId]) -> Answer<Ancestors> {
        let mut ancestors = Ancestors {
            commits: HashSet::new(),
            is_cut: false,
        };
        let mut open = starts.to_vec();
        while let Some(id) = open.pop() {
            if ancestors.commits.contains(&id) {
                continue;
            }
            match objects::parents(&self.objects, id)? {
                Some(parents) => {
                    ancestors.commits.insert(id);
                    open.extend(parents);
                }
                None => ancestors.is_cut = true,
            }
        }
        Ok(ancestors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_older_recordings_are_read() {
        let read = |word: &str| serde_json::from_value::<Ancestry>(word.into()).unwrap();
        assert_eq!(
            ["after", "before", "apart", "unknown"].map(read),
            ["descendant", "ancestor", "diverged", "unknown"].map(read)
        );
    }
}

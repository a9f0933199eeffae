//! How commits stand to one another: only commits are fetched, and never is the end of what was
//! fetched taken for the beginning of history.

use std::collections::HashSet;

use branch::{CommitName, Relation, Relations};
use contract::Commit;
use gix_hash::ObjectId;
use gix_object::Exists as _;

use crate::{
    answers::Answer, folder::REMOTE, objects, past::DEPTHS, program::Call, trouble::Trouble,
};

/// Where the remote's branches are kept.
const BRANCHES: &str = "refs/runbook/heads/";

/// After so many commits that the remote does not have, no more are asked for one by one.
const LACKING: usize = 5;

/// Returns how a commit stands to others, the newest first.
///
/// What is deployed is usually behind the new commit, not far: it is looked for there first. When the
/// first of the others is not, or the rest is not soon, they themselves are fetched, and what is behind
/// all of them.
pub(crate) async fn relations(
    call: &Call<'_>,
    commit: &CommitName,
    others: &[CommitName],
) -> Answer<Relations> {
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
        if let Judged::Certain(relations) = first {
            return Ok(relations);
        }
        if !widely && (step > 0 || matches!(first, Judged::Open { at: 0 })) {
            widely = true;
            asked
                .commits
                .extend(others.iter().filter_map(CommitName::whole));
            asked.branches = others.iter().any(|other| other.whole().is_none());
            asked.fetch(call, depth).await?;
            if let Judged::Certain(relations) = Graph::new(call, step)
                .await?
                .judge(commit, others, widely)?
            {
                return Ok(relations);
            }
        }
    }
    Err(Trouble::history_cut())
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
            let Err(trouble) = call.expect(&arguments, &[]).await else {
                break;
            };
            let before = self.commits.len();
            self.commits
                .retain(|commit| !trouble.is_missing_commit(commit));
            if self.commits.len() == before {
                return Err(trouble);
            }
            lacking += 1;
            if lacking == LACKING {
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
    Certain(Relations),
    /// Not before more was fetched, for the sake of this one of the others.
    Open {
        at: usize,
    },
}

/// A commit and all behind it.
struct Past {
    commits: HashSet<ObjectId>,
    /// Whether there is more behind it than was fetched.
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
            .map(|id| ObjectId::from_hex(id.as_bytes()).map_err(Trouble::other));
        Ok(Self {
            objects: call.folder.objects()?,
            branches: branches.collect::<Answer<_>>()?,
            step,
        })
    }

    fn judge(&self, commit: &CommitName, others: &[CommitName], widely: bool) -> Answer<Judged> {
        let around = self.past(&self.branches)?;
        let id = match self.named(commit, &around)? {
            Named::Commit(id) => id,
            Named::Open => return Ok(Judged::Open { at: 0 }),
            Named::Nothing => {
                let others = others
                    .iter()
                    .map(|other| (Relation::Unknown, other.whole()))
                    .collect();
                return Ok(Judged::Certain(Relations {
                    commit: None,
                    others,
                }));
            }
        };
        let behind = self.past(&[id])?;
        let mut found = Vec::new();
        for (at, other) in others.iter().enumerate() {
            let relation = match self.named(other, &behind)? {
                Named::Commit(other) if behind.commits.contains(&other) => {
                    Some((Relation::After, Some(other)))
                }
                _ if widely => self.relation(id, &behind, self.named(other, &around)?)?,
                _ => None,
            };
            let Some((relation, id)) = relation else {
                return Ok(Judged::Open { at });
            };
            found.push((relation, id.map(objects::commit).transpose()?));
        }
        Ok(Judged::Certain(Relations {
            commit: Some(objects::commit(id)?),
            others: found,
        }))
    }

    /// Returns how a commit stands to one that is not behind it.
    fn relation(
        &self,
        id: ObjectId,
        behind: &Past,
        other: Named,
    ) -> Answer<Option<(Relation, Option<ObjectId>)>> {
        let other = match other {
            Named::Commit(other) => other,
            Named::Nothing => return Ok(Some((Relation::Unknown, None))),
            Named::Open => return Ok(None),
        };
        let ahead = self.past(&[other])?;
        Ok(match () {
            () if ahead.commits.contains(&id) => Some((Relation::Before, Some(other))),
            () if ahead.is_cut || behind.is_cut => None,
            () => Some((Relation::Apart, Some(other))),
        })
    }

    /// Looks a name up: a whole one in all that was fetched, an abbreviation among these commits. One
    /// that fits nothing in thousands of commits names something else.
    fn named(&self, name: &CommitName, among: &Past) -> Answer<Named> {
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

    fn past(&self, starts: &[ObjectId]) -> Answer<Past> {
        let mut past = Past {
            commits: HashSet::new(),
            is_cut: false,
        };
        let mut open = starts.to_vec();
        while let Some(id) = open.pop() {
            if past.commits.contains(&id) {
                continue;
            }
            match objects::parents(&self.objects, id)? {
                Some(parents) => {
                    past.commits.insert(id);
                    open.extend(parents);
                }
                None => past.is_cut = true,
            }
        }
        Ok(past)
    }
}

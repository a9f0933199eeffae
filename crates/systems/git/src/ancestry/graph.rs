//! The fetched commits, and how they relate to one another.

use std::collections::HashSet;

use branch::{Ancestry, CommitAncestry, CommitName};
use gix_hash::ObjectId;

use crate::{
    error::{GitAnswer, GitError},
    objects::{self, ObjectStore},
    program::GitCall,
};

/// Where the remote's branches are kept.
pub(super) const BRANCHES: &str = "refs/runbook/heads/";

/// The fetched commits.
pub(super) struct CommitGraph {
    store: ObjectStore,
    branches: Vec<ObjectId>,
    /// How often the history was deepened.
    step: usize,
    /// Whether a commit of the remote is found in its branches only.
    only_branches: bool,
}

/// An answer from the fetched commits.
pub(super) enum AncestryFinding {
    Certain(CommitAncestry),
    /// More has to be fetched, for this one of the others.
    Open {
        at: usize,
    },
}

/// A commit and its ancestors.
struct Ancestors {
    commits: HashSet<ObjectId>,
    /// Whether some ancestors are not fetched.
    is_cut: bool,
}

/// The commit that a name means.
enum NameLookup {
    Commit(ObjectId),
    Unknown,
    /// The commit may not be fetched yet.
    Open,
}

impl CommitGraph {
    pub(super) async fn new(
        call: &GitCall<'_>,
        step: usize,
        only_branches: bool,
    ) -> GitAnswer<Self> {
        let branches = call
            .lines(&["for-each-ref", "--format=%(objectname)", BRANCHES])
            .await?;
        let branches = branches
            .iter()
            .map(|id| ObjectId::from_hex(id.as_bytes()).map_err(GitError::other));
        Ok(Self {
            store: call.repository.objects()?,
            branches: branches.collect::<GitAnswer<_>>()?,
            step,
            only_branches,
        })
    }

    /// Relates a commit to the others. Without `is_wide` only the commit's own ancestors are
    /// fetched, so only they can be related to it.
    pub(super) fn find(
        &self,
        commit: &CommitName,
        others: &[CommitName],
        is_wide: bool,
    ) -> GitAnswer<AncestryFinding> {
        let in_branches = self.ancestors(&self.branches)?;
        let id = match self.look_up(commit, &in_branches)? {
            NameLookup::Commit(id) => id,
            NameLookup::Open => return Ok(AncestryFinding::Open { at: 0 }),
            NameLookup::Unknown => return Ok(AncestryFinding::Certain(unknown(others))),
        };
        let ancestors = self.ancestors(&[id])?;
        let mut found = Vec::new();
        for (at, other) in others.iter().enumerate() {
            let ancestry = match self.look_up(other, &ancestors)? {
                NameLookup::Commit(other) if other == id => Some((Ancestry::Same, Some(other))),
                NameLookup::Commit(other) if ancestors.commits.contains(&other) => {
                    Some((Ancestry::Descendant, Some(other)))
                }
                _ if is_wide => self.relate(id, &ancestors, self.look_up(other, &in_branches)?)?,
                _ => None,
            };
            let Some((ancestry, id)) = ancestry else {
                return Ok(AncestryFinding::Open { at });
            };
            found.push((ancestry, id.map(objects::commit).transpose()?));
        }
        Ok(AncestryFinding::Certain(CommitAncestry {
            commit: Some(objects::commit(id)?),
            others: found,
        }))
    }

    /// Returns how a commit relates to another one that is not among its fetched ancestors; `None`
    /// when more has to be fetched.
    fn relate(
        &self,
        id: ObjectId,
        ancestors: &Ancestors,
        other: NameLookup,
    ) -> GitAnswer<Option<(Ancestry, Option<ObjectId>)>> {
        let other = match other {
            NameLookup::Commit(other) => other,
            NameLookup::Unknown => return Ok(Some((Ancestry::Unknown, None))),
            NameLookup::Open => return Ok(None),
        };
        let of_other = self.ancestors(&[other])?;
        if of_other.commits.contains(&id) {
            return Ok(Some((Ancestry::Ancestor, Some(other))));
        }
        if of_other.is_cut || ancestors.is_cut {
            return Ok(None);
        }
        Ok(Some((Ancestry::Diverged, Some(other))))
    }

    /// Looks up a full id in everything that was fetched, and an abbreviation among these commits.
    ///
    /// An abbreviation that matches none of thousands of commits does not name a commit.
    fn look_up(&self, name: &CommitName, among: &Ancestors) -> GitAnswer<NameLookup> {
        if let Some(commit) = name.whole() {
            let id = objects::id(&commit)?;
            return Ok(if objects::exists(&self.store, id) {
                NameLookup::Commit(id)
            } else if self.only_branches && among.is_cut {
                NameLookup::Open
            } else {
                NameLookup::Unknown
            });
        }
        let mut matching = among
            .commits
            .iter()
            .filter(|id| name.matches(&id.to_string()));
        Ok(match (matching.next(), matching.next()) {
            (Some(id), None) => NameLookup::Commit(*id),
            (None, _) if among.is_cut && self.step == 0 => NameLookup::Open,
            _ => NameLookup::Unknown,
        })
    }

    fn ancestors(&self, starts: &[ObjectId]) -> GitAnswer<Ancestors> {
        let mut ancestors = Ancestors {
            commits: HashSet::new(),
            is_cut: false,
        };
        let mut open = starts.to_vec();
        while let Some(id) = open.pop() {
            if ancestors.commits.contains(&id) {
                continue;
            }
            match objects::parents(&self.store, id)? {
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

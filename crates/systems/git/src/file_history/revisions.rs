//! The commits of a graph that changed the file, or that joined changes of several branches.

use gix_hash::ObjectId;

use super::graph::{FileGraph, GraphCommit};

/// The revisions of a file, newest first.
pub(super) struct WalkedHistory {
    pub(super) revisions: Vec<WalkedRevision>,
    pub(super) is_complete: bool,
}

/// A commit that changed the file, and the file after it.
pub(super) struct WalkedRevision {
    pub(super) commit: ObjectId,
    pub(super) file: Option<ObjectId>,
    /// Whether it is on another branch.
    pub(super) is_merged: bool,
    /// The last revision of each parent.
    pub(super) follows: Vec<ObjectId>,
}

/// A revision while the graph is read, oldest first.
struct GraphRevision<'g> {
    commit: &'g GraphCommit,
    /// The places of the revisions that it follows.
    follows: Vec<usize>,
    /// One bit for each revision before it, directly or not.
    before: Vec<u64>,
}

/// The revisions of a graph, and the last one of each commit.
struct RevisionList<'g> {
    graph: &'g FileGraph,
    list: Vec<GraphRevision<'g>>,
    last: Vec<Option<usize>>,
}

impl WalkedHistory {
    /// Finds the newest revisions: `most` of the branch itself, and those that were merged since.
    ///
    /// Returns `None` when the fetched history is too short for them.
    pub(super) fn of(graph: &FileGraph, most: usize) -> Option<Self> {
        let revisions = RevisionList::of(graph);
        let (mut found, mut count) = (Vec::new(), 0);
        for revision in revisions.list.iter().rev() {
            if count == most {
                return Some(Self {
                    revisions: found,
                    is_complete: false,
                });
            }
            if revision.commit.is_cut {
                // Nothing is known about what this commit changed.
                if revision.commit.is_on_branch {
                    return None;
                }
                continue;
            }
            count += usize::from(revision.commit.is_on_branch);
            found.push(revisions.walked(revision));
        }
        let is_complete = graph.commits.iter().all(|commit| !commit.is_cut);
        is_complete.then_some(Self {
            revisions: found,
            is_complete,
        })
    }
}

impl<'g> RevisionList<'g> {
    fn of(graph: &'g FileGraph) -> Self {
        let mut revisions = Self {
            graph,
            list: Vec::new(),
            last: Vec::new(),
        };
        for commit in &graph.commits {
            let last = revisions.last_at(commit);
            revisions.last.push(last);
        }
        revisions
    }

    /// Returns the last revision at a commit: the commit itself, or that of its parents.
    fn last_at(&mut self, commit: &'g GraphCommit) -> Option<usize> {
        let mut follows: Vec<usize> = Vec::new();
        for last in commit.parents.iter().filter_map(|at| self.last[*at]) {
            if !follows.contains(&last) {
                follows.push(last);
            }
        }
        let all = follows.clone();
        follows.retain(|one| !all.iter().any(|other| self.is_before(*one, *other)));
        if !self.is_revision(commit, &follows) {
            return follows.first().copied();
        }
        let before = self.before(&follows);
        self.list.push(GraphRevision {
            commit,
            follows,
            before,
        });
        Some(self.list.len() - 1)
    }

    fn is_revision(&self, commit: &GraphCommit, follows: &[usize]) -> bool {
        let first = commit.parents.first().map(|at| &self.graph.commits[*at]);
        let changes_branch = first.is_some_and(|first| first.file != commit.file);
        let changes_last = match follows {
            [] => commit.file.is_some(),
            [last] => self.list[*last].commit.file != commit.file,
            _ => true,
        };
        commit.is_cut || changes_last || (commit.is_on_branch && changes_branch)
    }

    fn is_before(&self, one: usize, other: usize) -> bool {
        let word = self.list[other].before.get(one / 64);
        word.is_some_and(|word| word >> (one % 64) & 1 == 1)
    }

    /// Returns the revisions before one that follows these.
    fn before(&self, follows: &[usize]) -> Vec<u64> {
        let mut before = vec![0; self.list.len() / 64 + 1];
        for at in follows {
            before[at / 64] |= 1 << (at % 64);
            for (sum, word) in before.iter_mut().zip(&self.list[*at].before) {
                *sum |= word;
            }
        }
        before
    }

    fn walked(&self, revision: &GraphRevision<'g>) -> WalkedRevision {
        let follows = revision.follows.iter();
        WalkedRevision {
            commit: revision.commit.id,
            file: revision.commit.file,
            is_merged: !revision.commit.is_on_branch,
            follows: follows.map(|at| self.list[*at].commit.id).collect(),
        }
    }
}

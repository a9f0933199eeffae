//! The commits behind a tip, and which of them changed a file.

/// The commits behind a tip, each with one file as it was there; `F` names a content.
#[derive(Debug)]
pub struct FileGraph<F> {
    commits: Vec<GraphCommit<F>>,
}

/// A commit, and the file in it.
#[derive(Debug)]
pub struct GraphCommit<F> {
    /// The file; `None` where there is none.
    pub file: Option<F>,
    /// The places of its parents, in their order.
    pub parents: Vec<usize>,
    /// Whether one of its parents is not known.
    pub is_cut: bool,
}

/// The revisions that were found in a graph.
#[derive(Debug, PartialEq, Eq)]
pub struct GraphRevisions {
    /// Newest first.
    pub list: Vec<GraphRevision>,
    /// How far the graph reaches.
    pub reach: GraphReach,
}

/// A commit that changed the file, or that joined changes of several branches.
#[derive(Debug, PartialEq, Eq)]
pub struct GraphRevision {
    /// The place of the commit.
    pub commit: usize,
    /// Whether it is not on first parents from the tip.
    pub is_merged: bool,
    /// The places of the revisions that it follows.
    pub follows: Vec<usize>,
}

/// How far a graph reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphReach {
    /// All revisions were found.
    All,
    /// As many as were asked for.
    Enough,
    /// The graph ends before that.
    Cut,
}

impl<F: PartialEq> FileGraph<F> {
    /// Describes a graph; each commit comes after its parents, and the tip is the last one.
    pub fn new(commits: Vec<GraphCommit<F>>) -> Self {
        Self { commits }
    }

    /// Finds the newest revisions: `most` on first parents, and those that were merged since.
    pub fn revisions(&self, most: usize) -> GraphRevisions {
        let found = RevisionSearch::of(self);
        let (mut list, mut count) = (Vec::new(), 0);
        for at in (0..found.list.len()).rev() {
            let commit = found.list[at].commit;
            let is_on_branch = found.is_on_branch[commit];
            if count == most || (self.commits[commit].is_cut && is_on_branch) {
                let reach = if count == most {
                    GraphReach::Enough
                } else {
                    GraphReach::Cut
                };
                return GraphRevisions { list, reach };
            }
            // Nothing is known about the changes of a commit without its parents.
            if !self.commits[commit].is_cut {
                count += usize::from(is_on_branch);
                list.push(found.revision(at));
            }
        }
        let is_cut = self.commits.iter().any(|commit| commit.is_cut);
        let reach = if is_cut {
            GraphReach::Cut
        } else {
            GraphReach::All
        };
        GraphRevisions { list, reach }
    }

    /// Returns for each commit whether it is on first parents from the tip.
    fn on_branch(&self) -> Vec<bool> {
        let mut is_on_branch = vec![false; self.commits.len()];
        let mut at = self.commits.len().checked_sub(1);
        while let Some(commit) = at {
            is_on_branch[commit] = true;
            // Without its first parent a branch ends here, whichever other parents it has.
            let commit = &self.commits[commit];
            at = commit.parents.first().copied().filter(|_| !commit.is_cut);
        }
        is_on_branch
    }
}

/// A revision while the graph is read, oldest first.
struct FoundRevision {
    commit: usize,
    /// The revisions that it follows, by their places in the list.
    follows: Vec<usize>,
    /// One bit for each revision before it, directly or not.
    before: Vec<u64>,
}

/// The revisions of a graph, and the last one at each commit.
struct RevisionSearch<'g, F> {
    graph: &'g FileGraph<F>,
    is_on_branch: Vec<bool>,
    list: Vec<FoundRevision>,
    last: Vec<Option<usize>>,
}

impl<'g, F: PartialEq> RevisionSearch<'g, F> {
    fn of(graph: &'g FileGraph<F>) -> Self {
        let mut search = Self {
            graph,
            is_on_branch: graph.on_branch(),
            list: Vec::new(),
            last: Vec::new(),
        };
        for at in 0..graph.commits.len() {
            let last = search.last_at(at);
            search.last.push(last);
        }
        search
    }

    /// Returns the last revision at a commit: the commit itself, or that of its parents.
    fn last_at(&mut self, at: usize) -> Option<usize> {
        let mut follows: Vec<usize> = Vec::new();
        let parents = &self.graph.commits[at].parents;
        for last in parents.iter().filter_map(|parent| self.last[*parent]) {
            if !follows.contains(&last) {
                follows.push(last);
            }
        }
        let all = follows.clone();
        follows.retain(|one| !all.iter().any(|other| self.is_before(*one, *other)));
        if !self.is_revision(at, &follows) {
            return follows.first().copied();
        }
        let before = self.before(&follows);
        self.list.push(FoundRevision {
            commit: at,
            follows,
            before,
        });
        Some(self.list.len() - 1)
    }

    fn is_revision(&self, at: usize, follows: &[usize]) -> bool {
        let commits = &self.graph.commits;
        let commit = &commits[at];
        let first = commit.parents.first().map(|parent| &commits[*parent].file);
        let changes_branch =
            self.is_on_branch[at] && first.is_some_and(|file| *file != commit.file);
        let changes_last = match follows {
            [] => commit.file.is_some(),
            [last] => commits[self.list[*last].commit].file != commit.file,
            _ => true,
        };
        commit.is_cut || changes_last || changes_branch
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

    fn revision(&self, at: usize) -> GraphRevision {
        let FoundRevision {
            commit, follows, ..
        } = &self.list[at];
        GraphRevision {
            commit: *commit,
            is_merged: !self.is_on_branch[*commit],
            follows: follows.iter().map(|at| self.list[*at].commit).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the revisions of a graph of contents and parents; a star marks a merged one.
    fn found(commits: &[(&str, &[usize])], cut: &[usize], most: usize) -> (String, GraphReach) {
        let commits = commits
            .iter()
            .enumerate()
            .map(|(at, (file, parents))| GraphCommit {
                file: (!file.is_empty()).then_some(*file),
                parents: parents.to_vec(),
                is_cut: cut.contains(&at),
            });
        let GraphRevisions { list, reach } = FileGraph::new(commits.collect()).revisions(most);
        let list = list.iter().map(|revision| {
            let mark = if revision.is_merged { "*" } else { "" };
            format!("{}{mark}{:?}", revision.commit, revision.follows)
        });
        (list.collect::<Vec<_>>().join(" "), reach)
    }

    #[test]
    fn a_line_has_a_revision_for_each_change() {
        let line: &[(&str, &[usize])] = &[
            ("", &[]),
            ("a", &[0]),
            ("a", &[1]),
            ("b", &[2]),
            ("", &[3]),
            ("b", &[4]),
        ];
        let all = "5[4] 4[3] 3[1] 1[]".to_owned();
        assert_eq!(found(line, &[], 9), (all, GraphReach::All));
        assert_eq!(
            found(line, &[], 2),
            ("5[4] 4[3]".to_owned(), GraphReach::Enough)
        );
        assert_eq!(
            found(
                &line[1..]
                    .iter()
                    .map(|(file, _)| (*file, &[][..]))
                    .collect::<Vec<_>>()[..1],
                &[0],
                9
            ),
            (String::new(), GraphReach::Cut)
        );
    }

    #[test]
    fn both_sides_of_a_merge_are_followed() {
        let textual: &[(&str, &[usize])] = &[
            ("a", &[]),
            ("side", &[0]),
            ("main", &[0]),
            ("both", &[2, 1]),
        ];
        assert_eq!(found(textual, &[], 9).0, "3[2, 1] 2[0] 1*[0] 0[]");
        let one_side: &[(&str, &[usize])] = &[
            ("a", &[]),
            ("b", &[0]),
            ("c", &[1]),
            ("a", &[0]),
            ("c", &[3, 2]),
        ];
        assert_eq!(found(one_side, &[], 9).0, "4[2] 2*[1] 1*[0] 0[]");
        // The changes of the side were dropped, and still belong to the past.
        let dropped: &[(&str, &[usize])] = &[("a", &[]), ("b", &[0]), ("a", &[1]), ("a", &[0, 2])];
        assert_eq!(found(dropped, &[], 9).0, "2*[1] 1*[0] 0[]");
        let ours: &[(&str, &[usize])] = &[("a", &[]), ("b", &[0]), ("c", &[0]), ("c", &[2, 1])];
        assert_eq!(found(ours, &[], 9).0, "3[2, 1] 2[0] 1*[0] 0[]");
    }

    #[test]
    fn a_branch_beside_the_file_is_no_revision() {
        let beside: &[(&str, &[usize])] = &[("a", &[]), ("a", &[0]), ("b", &[0]), ("b", &[2, 1])];
        assert_eq!(found(beside, &[], 9).0, "2[0] 0[]");
    }
}

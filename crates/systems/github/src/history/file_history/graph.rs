//! The commits behind a tip, as far as GitHub's answers show them, and one file in each.
//!
//! GitHub returns the newest commits whole, and of older ones only those that changed the file. An
//! edge from a commit that is known to one that is not leads on to the next older change with the
//! same file.

use std::collections::{BTreeMap, HashMap, HashSet};

use branch::{FileGraph, GraphCommit};
use contract::Commit;

use super::answer::{FileHistoryPage, RecentCommit, RevisionNode};

/// The history of a file under one name.
pub(super) struct NamedHistory {
    commits: HashMap<Commit, RevisionNode>,
    /// The newest commits, whatever they changed.
    recent: HashSet<Commit>,
    /// The commits that changed the file, newest first.
    listed: Vec<Commit>,
    is_whole: bool,
    /// The commits that moved the file here, each with the place of the history before.
    pub(super) moved: BTreeMap<Commit, usize>,
}

/// The commits of all histories of a file, each after its parents.
pub(super) struct NamedGraph<'h> {
    pub(super) graph: FileGraph<&'h str>,
    /// The commits in the order of the graph; `None` for one that is not known.
    pub(super) commits: Vec<Option<&'h RevisionNode>>,
}

/// A commit of one of the histories.
#[derive(Clone, PartialEq, Eq, Hash)]
enum HistoryCommit<'h> {
    Known(usize, &'h Commit),
    /// A commit that is not known, before this one.
    Before(usize, &'h Commit, &'h Commit),
}

/// A commit whose parents are being visited.
struct OpenHistoryCommit<'h> {
    named: HistoryCommit<'h>,
    file: Option<&'h str>,
    is_cut: bool,
    parents: Vec<HistoryCommit<'h>>,
    next: usize,
}

struct NamedGraphBuilder<'h> {
    histories: &'h [NamedHistory],
    done: HashMap<HistoryCommit<'h>, usize>,
    graph: Vec<GraphCommit<&'h str>>,
    commits: Vec<Option<&'h RevisionNode>>,
}

impl NamedHistory {
    /// Combines the newest commits, in which the file has this alias, with those that changed it.
    pub(super) fn new(recent: &[RecentCommit], alias: &str, page: FileHistoryPage) -> Self {
        let recents: HashSet<Commit> = recent.iter().map(|commit| commit.oid.clone()).collect();
        let listed: Vec<Commit> = page.nodes.iter().map(|node| node.oid.clone()).collect();
        let mut commits: HashMap<Commit, RevisionNode> = recent
            .iter()
            .map(|commit| (commit.oid.clone(), commit.revision(alias)))
            .collect();
        let nodes = page.nodes.into_iter();
        commits.extend(nodes.map(|node| (node.oid.clone(), node)));
        Self {
            commits,
            recent: recents,
            listed,
            is_whole: !page.page_info.has_next_page,
            moved: BTreeMap::new(),
        }
    }

    /// Returns whether GitHub may have left out a side of a merge, whose change the merge dropped:
    /// there are merges, and older commits than the newest ones.
    pub(super) fn may_lack_sides(&self) -> bool {
        let mut commits = self.commits.values();
        let has_merges = commits.any(|node| node.parents.nodes.len() > 1);
        has_merges && !self.has_all_commits()
    }

    fn has_all_commits(&self) -> bool {
        let mut recent = self.recent.iter();
        recent.all(|commit| {
            let mut parents = self.commits[commit].parents.nodes.iter();
            parents.all(|parent| self.recent.contains(&parent.oid))
        })
    }

    /// Returns the commits that brought the file where none of their parents had it, each with its
    /// first parent.
    pub(super) fn creations(&self) -> Vec<(Commit, Commit)> {
        let listed = self.listed.iter().map(|commit| &self.commits[commit]);
        let created = listed.filter(|node| {
            let mut parents = node.parents.nodes.iter();
            node.file().is_some() && parents.all(|parent| parent.file().is_none())
        });
        let with_parent = created.filter_map(|node| {
            let parent = node.parents.nodes.first()?;
            Some((node.oid.clone(), parent.oid.clone()))
        });
        with_parent.collect()
    }

    /// Returns the next older change behind a commit that is not known: the next one with the same
    /// file, else the next one at all.
    fn next_change(&self, after: &RevisionNode, parent: &Commit) -> Option<&Commit> {
        let at = self.listed.iter().position(|commit| *commit == after.oid);
        let older = self.listed.iter().skip(at.map_or(0, |at| at + 1));
        let mut older = older.filter(|commit| !self.recent.contains(*commit));
        let wanted = match at {
            Some(_) => after.before(parent).map(|file| &file.oid),
            // The commit did not change the file.
            None => after.file().map(|file| &file.oid),
        };
        let all: Vec<&Commit> = older.by_ref().collect();
        let same = all.iter().find(|commit| {
            let file = self.commits[**commit].file();
            file.map(|file| &file.oid) == wanted
        });
        same.or(all.first()).copied()
    }
}

impl<'h> NamedGraph<'h> {
    /// Walks back from the tip, through the first history and those before a move.
    pub(super) fn of(histories: &'h [NamedHistory], tip: &'h Commit) -> Self {
        let mut builder = NamedGraphBuilder {
            histories,
            done: HashMap::new(),
            graph: Vec::new(),
            commits: Vec::new(),
        };
        builder.walk(HistoryCommit::Known(0, tip));
        Self {
            graph: FileGraph::new(builder.graph),
            commits: builder.commits,
        }
    }
}

impl<'h> NamedGraphBuilder<'h> {
    /// Visits the commits depth first, so that each is added after its parents.
    fn walk(&mut self, tip: HistoryCommit<'h>) {
        let mut open = vec![self.open(tip)];
        while let Some(last) = open.last_mut() {
            if let Some(parent) = last.parents.get(last.next).cloned() {
                last.next += 1;
                if !self.done.contains_key(&parent) {
                    open.push(self.open(parent));
                }
            } else if let Some(last) = open.pop() {
                self.close(last);
            }
        }
    }

    fn open(&self, named: HistoryCommit<'h>) -> OpenHistoryCommit<'h> {
        match named {
            HistoryCommit::Known(at, commit) => self.open_known(at, commit),
            HistoryCommit::Before(at, after, parent) => self.open_before(at, after, parent),
        }
    }

    fn open_known(&self, at: usize, commit: &'h Commit) -> OpenHistoryCommit<'h> {
        let history = &self.histories[at];
        let named = HistoryCommit::Known(at, commit);
        let Some(node) = history.commits.get(commit) else {
            return OpenHistoryCommit {
                named,
                file: None,
                is_cut: true,
                parents: Vec::new(),
                next: 0,
            };
        };
        let before = history.moved.get(commit).copied();
        let parents = node.parents.nodes.iter().enumerate().map(|(nth, parent)| {
            let oid = &parent.oid;
            match before.filter(|_| nth == 0) {
                Some(before) => HistoryCommit::Known(before, oid),
                None if history.commits.contains_key(oid) => HistoryCommit::Known(at, oid),
                None => HistoryCommit::Before(at, &node.oid, oid),
            }
        });
        OpenHistoryCommit {
            named,
            file: node.file().map(|file| file.oid.as_str()),
            is_cut: false,
            parents: parents.collect(),
            next: 0,
        }
    }

    /// Opens a commit that is not known as if it had the file of the next older change.
    fn open_before(
        &self,
        at: usize,
        after: &'h Commit,
        parent: &'h Commit,
    ) -> OpenHistoryCommit<'h> {
        let history = &self.histories[at];
        let next = history.next_change(&history.commits[after], parent);
        let file = next.and_then(|next| history.commits[next].file());
        OpenHistoryCommit {
            named: HistoryCommit::Before(at, after, parent),
            file: file.map(|file| file.oid.as_str()),
            is_cut: next.is_none() && !history.is_whole,
            parents: next
                .map(|next| HistoryCommit::Known(at, next))
                .into_iter()
                .collect(),
            next: 0,
        }
    }

    fn close(&mut self, open: OpenHistoryCommit<'h>) {
        let parents = open
            .parents
            .iter()
            .filter_map(|parent| self.done.get(parent));
        self.graph.push(GraphCommit {
            file: open.file,
            parents: parents.copied().collect(),
            is_cut: open.is_cut,
        });
        self.commits.push(match open.named {
            HistoryCommit::Known(at, commit) => self.histories[at].commits.get(commit),
            HistoryCommit::Before(..) => None,
        });
        self.done.insert(open.named, self.graph.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Nodes, PageInfo},
        history::file_history::answer::{BlobSize, FileNode, RevisionParent},
    };

    fn id(digit: &str) -> Commit {
        digit.repeat(40).parse().unwrap()
    }

    fn file(oid: &str) -> Option<FileNode> {
        (!oid.is_empty()).then(|| FileNode {
            oid: oid.to_owned(),
            object: Some(BlobSize { byte_size: Some(1) }),
        })
    }

    /// A change of the file, and its parents with their files.
    fn change(digit: &str, after: &str, parents: &[(&str, &str)]) -> RevisionNode {
        let parents = parents.iter().map(|(digit, before)| RevisionParent {
            oid: id(digit),
            file: file(before),
        });
        RevisionNode {
            oid: id(digit),
            message: String::new(),
            date: String::new(),
            parents: Nodes {
                nodes: parents.collect(),
            },
            file: file(after),
        }
    }

    /// Follows changes that are older than the newest commits; the tip comes first.
    fn followed(nodes: Vec<RevisionNode>) -> String {
        let tip = nodes[0].oid.clone();
        let page = FileHistoryPage {
            page_info: PageInfo {
                has_next_page: false,
                end_cursor: None,
            },
            nodes,
        };
        let histories = [NamedHistory::new(&[], "f0", page)];
        let graph = NamedGraph::of(&histories, &tip);
        let list = graph.graph.revisions(9).list.into_iter();
        let list = list.map(|revision| {
            let node = graph.commits[revision.commit].unwrap();
            let mark = if revision.is_merged { "*" } else { "" };
            format!("{}{mark}", &node.oid.as_str()[..1])
        });
        list.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn old_changes_of_late_merges_are_beside() {
        let merged = vec![
            change(
                "5",
                "v3 and a comment",
                &[("e", "v3"), ("f", "v1 and a comment")],
            ),
            change("4", "v1 and a comment", &[("d", "v1")]),
            change("3", "v3", &[("c", "v2")]),
            change("2", "v2", &[("b", "v1")]),
            change("1", "v1", &[]),
        ];
        assert_eq!(followed(merged), "5 4* 3 2 1");
    }

    #[test]
    fn a_file_that_came_back_is_followed() {
        let again = vec![
            change("3", "v2", &[("b", "")]),
            change("2", "", &[("a", "v1")]),
            change("1", "v1", &[]),
        ];
        assert_eq!(followed(again), "3 2 1");
    }
}

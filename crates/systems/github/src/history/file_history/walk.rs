//! The way back from a tip, for one file.

use std::collections::HashMap;

use contract::Commit;

use super::answer::{FileHistoryPage, FileNode, RecentCommit, RevisionNode, RevisionParent};
use crate::api::Nodes;

/// The revisions of a file, newest first.
#[derive(Default)]
pub(super) struct WalkedRevisions {
    pub(super) revisions: Vec<RevisionNode>,
    pub(super) is_complete: bool,
}

/// The state of a walk along first parents, and then along the file's own history.
pub(super) struct HistoryWalk<'a> {
    pub(super) recent: &'a HashMap<&'a Commit, &'a RecentCommit>,
    /// The file's alias in a commit.
    pub(super) file: String,
    pub(super) history: FileHistoryPage,
    pub(super) walked: WalkedRevisions,
}

/// The oldest of the newest commits, where the walk along first parents ends.
struct WalkStop {
    commit: Commit,
    /// The file in it.
    file: Option<String>,
}

impl HistoryWalk<'_> {
    /// Walks from the tip, and returns at most `most` revisions.
    pub(super) fn walk(mut self, tip: &Commit, most: usize) -> WalkedRevisions {
        if let Some(stop) = self.first_parents(tip) {
            self.further(stop);
        }
        if self.walked.revisions.len() > most {
            self.walked.revisions.truncate(most);
            self.walked.is_complete = false;
        }
        self.walked
    }

    /// Follows first parents through the newest commits; returns where they end, unless the history
    /// is complete.
    fn first_parents(&mut self, tip: &Commit) -> Option<WalkStop> {
        let mut commit = *self.recent.get(tip)?;
        loop {
            let after = commit.file(&self.file);
            let Some(parent) = commit.parents.nodes.first() else {
                let first = after.map(|_| self.revision(commit, None));
                self.walked.revisions.extend(first);
                self.walked.is_complete = true;
                return None;
            };
            let Some(parent) = self.recent.get(&parent.oid).copied() else {
                return Some(WalkStop {
                    commit: commit.oid.clone(),
                    file: after.map(|file| file.oid.clone()),
                });
            };
            let before = parent.file(&self.file);
            if after.map(|file| &file.oid) != before.map(|file| &file.oid) {
                self.walked.revisions.push(self.revision(commit, before));
                if after.is_some() && before.is_none() {
                    self.walked.is_complete = true;
                    return None;
                }
            }
            commit = parent;
        }
    }

    /// Goes on in the file's own history.
    ///
    /// Each revision has to lead to the file before the next one: the old change of a branch that
    /// was merged late does not, since the file never had that content on the first parents.
    fn further(&mut self, stop: WalkStop) {
        let mut now = stop.file;
        self.walked.is_complete = !self.history.page_info.has_next_page;
        for revision in &self.history.nodes {
            if revision.oid != stop.commit && self.recent.contains_key(&revision.oid) {
                continue;
            }
            let after = revision.file().map(|file| &file.oid);
            let before = revision.before().map(|file| &file.oid);
            if after != now.as_ref() || after == before {
                continue;
            }
            self.walked.revisions.push(revision.clone());
            if after.is_some() && before.is_none() {
                self.walked.is_complete = true;
                break;
            }
            now = before.cloned();
        }
    }

    fn revision(&self, commit: &RecentCommit, before: Option<&FileNode>) -> RevisionNode {
        let file = commit.file(&self.file);
        let message = self.merged_message(commit, file);
        let parents = commit.parents.nodes.iter().map(|parent| RevisionParent {
            oid: parent.oid.clone(),
            file: before.cloned(),
        });
        RevisionNode {
            oid: commit.oid.clone(),
            message: message.unwrap_or(&commit.message).to_owned(),
            date: commit.date.clone(),
            parents: Nodes {
                nodes: parents.collect(),
            },
            file: file.cloned(),
        }
    }

    /// Returns the message of the commit that a merge brought: it has the same file, and takes the
    /// place of the merge in the file's own history.
    fn merged_message(&self, commit: &RecentCommit, file: Option<&FileNode>) -> Option<&str> {
        let history = &self.history.nodes;
        if history.iter().any(|revision| revision.oid == commit.oid) {
            return None;
        }
        let oid = file.map(|file| &file.oid);
        let merged = history
            .iter()
            .find(|revision| revision.file().map(|file| &file.oid) == oid)?;
        Some(&merged.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::PageInfo, history::file_history::answer::BlobSize};

    fn file(oid: &str) -> Option<FileNode> {
        Some(FileNode {
            oid: oid.to_owned(),
            object: Some(BlobSize { byte_size: Some(1) }),
        })
    }

    fn revision(digit: &str, after: Option<&str>, before: Option<&str>) -> RevisionNode {
        RevisionNode {
            oid: digit.repeat(40).parse().unwrap(),
            message: String::new(),
            date: String::new(),
            parents: Nodes {
                nodes: vec![RevisionParent {
                    oid: "0".repeat(40).parse().unwrap(),
                    file: before.and_then(file),
                }],
            },
            file: after.and_then(file),
        }
    }

    /// Walks the own history of a file that has this content now.
    fn further(now: &str, nodes: Vec<RevisionNode>) -> (String, bool) {
        let history = FileHistoryPage {
            page_info: PageInfo {
                has_next_page: false,
                end_cursor: None,
            },
            nodes,
        };
        let recent = HashMap::new();
        let mut walk = HistoryWalk {
            recent: &recent,
            file: "f0".to_owned(),
            history,
            walked: WalkedRevisions::default(),
        };
        walk.further(WalkStop {
            commit: "f".repeat(40).parse().unwrap(),
            file: Some(now.to_owned()),
        });
        let WalkedRevisions {
            revisions,
            is_complete,
        } = walk.walked;
        (
            revisions
                .iter()
                .map(|revision| &revision.oid.as_str()[..1])
                .collect(),
            is_complete,
        )
    }

    #[test]
    fn old_changes_of_late_merges_are_skipped() {
        let merged = vec![
            revision("5", Some("v3 and a comment"), Some("v3")),
            revision("4", Some("v1 and a comment"), Some("v1")),
            revision("3", Some("v3"), Some("v2")),
            revision("2", Some("v2"), Some("v1")),
            revision("1", Some("v1"), None),
        ];
        assert_eq!(
            further("v3 and a comment", merged),
            ("5321".to_owned(), true)
        );
    }

    #[test]
    fn a_recreated_file_is_a_new_file() {
        let again = vec![
            revision("3", Some("v2"), None),
            revision("2", None, Some("v1")),
            revision("1", Some("v1"), None),
        ];
        assert_eq!(further("v2", again), ("3".to_owned(), true));
    }
}

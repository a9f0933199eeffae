//! GitHub's answer to the query for the history of files.

use std::{collections::BTreeMap, time::UNIX_EPOCH};

use branch::Revision;
use contract::{Commit, Failure, asking};
use fetch::FetchError;
use serde::Deserialize;

use crate::api::{Nodes, PageInfo};

#[derive(Deserialize)]
pub(super) struct TipRepository {
    pub(super) object: Option<TipCommit>,
}

/// The newest commits, and as `h0`, `h1`, … the history of each file.
#[derive(Deserialize)]
pub(super) struct TipCommit {
    pub(super) recent: Nodes<RecentCommit>,
    #[serde(flatten)]
    pub(super) histories: BTreeMap<String, FileHistoryPage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileHistoryPage {
    pub(super) page_info: PageInfo,
    pub(super) nodes: Vec<RevisionNode>,
}

/// One of the newest commits, with the files as `f0`, `f1`, ….
#[derive(Deserialize)]
pub(super) struct RecentCommit {
    pub(super) oid: Commit,
    pub(super) message: String,
    #[serde(rename = "authoredDate")]
    pub(super) date: String,
    pub(super) parents: Nodes<RevisionParent>,
    #[serde(flatten)]
    pub(super) files: BTreeMap<String, Option<FileNode>>,
}

/// A commit that changed a file.
#[derive(Clone, Deserialize)]
pub(super) struct RevisionNode {
    pub(super) oid: Commit,
    pub(super) message: String,
    #[serde(rename = "authoredDate")]
    pub(super) date: String,
    pub(super) parents: Nodes<RevisionParent>,
    pub(super) file: Option<FileNode>,
}

#[derive(Clone, Deserialize)]
pub(super) struct RevisionParent {
    pub(super) oid: Commit,
    #[serde(default)]
    pub(super) file: Option<FileNode>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FileNode {
    pub(super) oid: String,
    pub(super) object: Option<BlobSize>,
}

/// Empty for an object that is not a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BlobSize {
    pub(super) byte_size: Option<usize>,
}

impl RecentCommit {
    /// Returns the commit with the file of an alias.
    pub(super) fn revision(&self, alias: &str) -> RevisionNode {
        let parents = self.parents.nodes.iter().cloned();
        RevisionNode {
            oid: self.oid.clone(),
            message: self.message.clone(),
            date: self.date.clone(),
            parents: Nodes {
                nodes: parents.collect(),
            },
            file: self.files.get(alias).cloned().flatten(),
        }
    }
}

impl FileNode {
    /// Returns whether the entry is a file, and not a directory or a submodule.
    fn is_file(&self) -> bool {
        self.object
            .as_ref()
            .is_some_and(|object| object.byte_size.is_some())
    }

    pub(super) fn size(&self) -> usize {
        self.object
            .as_ref()
            .and_then(|object| object.byte_size)
            .unwrap_or_default()
    }
}

impl RevisionParent {
    /// Returns the file in the parent.
    pub(super) fn file(&self) -> Option<&FileNode> {
        self.file.as_ref().filter(|file| file.is_file())
    }
}

impl RevisionNode {
    /// Returns the file after the commit.
    pub(super) fn file(&self) -> Option<&FileNode> {
        self.file.as_ref().filter(|file| file.is_file())
    }

    /// Returns the file in a parent.
    pub(super) fn before(&self, parent: &Commit) -> Option<&FileNode> {
        let mut parents = self.parents.nodes.iter();
        parents.find(|known| known.oid == *parent)?.file()
    }

    /// Returns the revision, with its content from `contents`.
    pub(super) fn revision(
        self,
        is_merged: bool,
        follows: Vec<Commit>,
        contents: &BTreeMap<String, Vec<u8>>,
    ) -> Revision {
        // The author wrote the date, and people only read it: no date must keep the history from
        // being read.
        let date = humantime::parse_rfc3339_weak(&self.date).ok();
        let since = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        let content = self
            .file()
            .and_then(|file| contents.get(&file.oid).cloned());
        let parents = self.parents.nodes;
        Revision {
            commit: self.oid,
            is_merge: parents.len() > 1,
            parent: parents.into_iter().next().map(|parent| parent.oid),
            is_merged,
            follows,
            message: self.message,
            date: since.as_secs().try_into().unwrap_or_default(),
            content,
        }
    }
}

/// Returns the failure for an answer that does not have the expected form.
pub(super) fn invalid(what: &str) -> Failure {
    FetchError::new(asking::NOT_THE_API, what).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_date_of_an_author_keeps_the_history_from_being_read() {
        for (date, seconds) in [
            ("2025-11-30T00:00:00Z", 1_764_460_800),
            ("1969-12-31T23:59:59Z", 0),
            ("20000-01-01T00:00:00Z", 0),
            ("+292277026596-12-04T15:30:08Z", 0),
            ("", 0),
        ] {
            let node = json!({
                "oid": "0".repeat(40), "message": "x", "authoredDate": date,
                "parents": { "nodes": [] }, "file": null,
            });
            let node: RevisionNode = serde_json::from_value(node).unwrap();
            let revision = node.revision(false, Vec::new(), &BTreeMap::new());
            assert_eq!(revision.date, seconds, "{date}");
        }
    }
}

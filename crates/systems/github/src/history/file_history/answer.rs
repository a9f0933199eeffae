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
    ) -> Result<Revision, Failure> {
        let date = humantime::parse_rfc3339_weak(&self.date)
            .map_err(|error| invalid(&format!("`{}` is not a date ({error})", self.date)))?;
        let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        let content = self
            .file()
            .and_then(|file| contents.get(&file.oid).cloned());
        let parents = self.parents.nodes;
        Ok(Revision {
            commit: self.oid,
            is_merge: parents.len() > 1,
            parent: parents.into_iter().next().map(|parent| parent.oid),
            is_merged,
            follows,
            message: self.message,
            date: since.as_secs().try_into().unwrap_or_default(),
            content,
        })
    }
}

/// Returns the failure for an answer that does not have the expected form.
pub(super) fn invalid(what: &str) -> Failure {
    FetchError::new(asking::NOT_THE_API, what).into()
}

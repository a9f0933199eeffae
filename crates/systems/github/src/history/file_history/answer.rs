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
    /// Returns the file of an alias.
    pub(super) fn file(&self, alias: &str) -> Option<&FileNode> {
        self.files
            .get(alias)?
            .as_ref()
            .filter(|file| file.is_file())
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

impl RevisionNode {
    /// Returns the file after the commit.
    pub(super) fn file(&self) -> Option<&FileNode> {
        self.file.as_ref().filter(|file| file.is_file())
    }

    /// Returns the file in the first parent.
    pub(super) fn before(&self) -> Option<&FileNode> {
        let parent = self.parents.nodes.first()?;
        parent.file.as_ref().filter(|file| file.is_file())
    }

    /// Returns the revision, with its content from `contents`.
    pub(super) fn revision(
        self,
        contents: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Revision, Failure> {
        let date = humantime::parse_rfc3339_weak(&self.date)
            .map_err(|error| invalid(&format!("`{}` is not a date ({error})", self.date)))?;
        let since = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        let content = self
            .file()
            .and_then(|file| contents.get(&file.oid).cloned());
        let parent = self.parents.nodes.into_iter().next();
        Ok(Revision {
            commit: self.oid,
            parent: parent.map(|parent| parent.oid),
            is_merge: false,
            is_merged: false,
            follows: Vec::new(),
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

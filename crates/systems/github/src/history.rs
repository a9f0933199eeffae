//! The history of the branch: revisions of files, ancestry of commits, differences between them.

mod ancestry;
mod comparison;
mod differences;
mod file_history;

use std::collections::BTreeMap;

use branch::{ChangedPaths, CommitAncestry, CommitName, FileHistory, History};
use contract::{Commit, Failure};

use crate::github::GitHub;
pub(crate) use comparison::{compare, contains};
pub(crate) use differences::changes_only;

impl History for GitHub<'_> {
    /// Returns at most a hundred revisions of each file.
    ///
    /// For a merge that is not among the hundred newest commits, the merged commits take its place.
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure> {
        file_history::file_histories(self, tip, paths, most).await
    }

    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure> {
        ancestry::ancestry(self, commit, others).await
    }

    /// Between diverged commits, a path that both changed in the same way counts as well: GitHub
    /// compares each with their common ancestor.
    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        most: usize,
    ) -> Result<Vec<String>, Failure> {
        differences::differences(self, one, other, most).await
    }

    async fn changed_paths(&self, commit: &Commit) -> Result<Option<ChangedPaths>, Failure> {
        differences::changed_paths(self, commit).await
    }
}

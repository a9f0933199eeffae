//! Which records of the forge the history of a file confirms.

use std::collections::BTreeMap;

use branch::{Ancestry, CommitAncestry, CommitName, FileHistory, ImageValues};
use contract::{Commit, Failure};
use github::RecordedDeployment;

use super::forge::{DeploymentHistory, RecordedHistory};

/// The most commits to ask about. The commit of a record nearly always set the image itself.
const MAX_COMMITS: usize = 10;

/// The history of a file that has to confirm the records about it.
pub(super) struct Records<'f> {
    pub(super) tip: &'f Commit,
    pub(super) history: &'f FileHistory,
    pub(super) image_in: &'f dyn Fn(&[u8]) -> Option<String>,
}

impl Records<'_> {
    /// Returns the records whose commit is on the branch and set the image in this file, or still
    /// had it.
    ///
    /// # Errors
    /// When the branch does not answer.
    pub(super) async fn confirm(
        &self,
        recorded: &RecordedHistory,
        values: &ImageValues,
        ask: impl AsyncFn(&CommitName, &[CommitName]) -> Result<CommitAncestry, Failure>,
    ) -> Result<DeploymentHistory, Failure> {
        let mut had: BTreeMap<Commit, Option<String>> = BTreeMap::new();
        for record in recorded.list() {
            let is_open = !has_set(values, record) && values.has_had(&record.image);
            let commit = &record.commit;
            if is_open && had.len() < MAX_COMMITS && !had.contains_key(commit) {
                had.insert(commit.clone(), self.image_at(commit, &ask).await?);
            }
        }
        Ok(recorded.confirmed(|record| {
            let image = had.get(&record.commit).cloned().flatten();
            let image = image.and_then(|text| values.reference_of(&text));
            has_set(values, record) || image.is_some_and(|had| branch::is_same(&had, &record.image))
        }))
    }

    /// Returns the image of the file at a commit of the branch that did not change it.
    async fn image_at(
        &self,
        commit: &Commit,
        ask: impl AsyncFn(&CommitName, &[CommitName]) -> Result<CommitAncestry, Failure>,
    ) -> Result<Option<String>, Failure> {
        let revisions = &self.history.revisions;
        let others: Vec<CommitName> = std::iter::once(self.tip)
            .chain(revisions.iter().map(|revision| &revision.commit))
            .map(CommitName::from)
            .collect();
        let ancestry = ask(&CommitName::from(commit), &others).await?;
        let mut relations = ancestry.others.iter().map(|(ancestry, _)| *ancestry);
        let is_on_branch = matches!(relations.next(), Some(Ancestry::Same | Ancestry::Ancestor));
        let last = relations.position(Ancestry::contains_other);
        let last = last.filter(|_| is_on_branch && ancestry.commit.is_some());
        let content = last.and_then(|at| revisions.get(at)?.content.as_deref());
        Ok(content.and_then(self.image_in))
    }
}

fn has_set(values: &ImageValues, record: &RecordedDeployment) -> bool {
    values.has_set(&record.commit, &record.image)
}

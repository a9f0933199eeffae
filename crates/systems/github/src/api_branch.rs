//! The branch, as steps write and read it.

use branch::{Branch, BranchError, BranchName, CommitRequest, PushResult, Snapshot};
use contract::Commit;

use crate::{commit, github::GitHub, history, read};

impl GitHub<'_> {
    /// Reads the entries at these paths of the repository's default branch.
    ///
    /// # Errors
    /// When the repository is empty, or GitHub does not answer.
    pub async fn read_default(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        read::read_default(self, paths).await
    }
}

impl Branch for GitHub<'_> {
    fn name(&self) -> &BranchName {
        &self.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        read::read(self, &self.name, paths).await
    }

    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        commit::commit(self, &self.name, onto, request).await
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        history::contains(self, commit).await
    }
}

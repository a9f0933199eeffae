//! The two ways to make the commit of a proposal.

use branch::{BranchError, BranchName, CommitRequest, PushResult, Snapshot};

use crate::{commit, github::GitHub};

/// Makes the commits: GitHub's API, or git where the API cannot write a file.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Committer {
    /// Commits onto the branch `name`, if its tip is still the snapshot's tip.
    ///
    /// # Errors
    /// As [`branch::Branch::commit`].
    async fn commit(
        &self,
        name: &BranchName,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError>;
}

impl Committer for GitHub<'_> {
    async fn commit(
        &self,
        name: &BranchName,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        commit::commit(self, name, onto, request).await
    }
}

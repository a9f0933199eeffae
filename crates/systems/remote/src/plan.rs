//! The plan of a step that writes a branch.

use branch::Snapshot;
use contract::Failure;
use github::PullRequest;

use crate::Decision;

/// The plan of a step that writes a branch: the files that it reads, and its decision about them.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait WritePlan {
    /// The step's reason to write nothing.
    type Refused;

    /// Returns every path to read.
    fn paths(&self) -> Vec<String>;

    /// Returns the directories to write, each once, in alphabetical order: one pull request is for
    /// all of them.
    fn directories(&self) -> Vec<String>;

    /// Decides what to write, again for every new tip.
    ///
    /// # Errors
    /// A [`Failure`] when the plan cannot decide, which ends the run.
    async fn decide(&mut self, snapshot: &Snapshot) -> Result<Decision<Self::Refused>, Failure>;

    /// Called when the pull request exists; merging may take long.
    fn proposed(&self, pull: &PullRequest);
}

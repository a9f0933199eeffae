//! What the buttons of a pull request do to commits: a rebase writes them again, unsigned.

use super::FakeGitHub;
use super::hub::{ForcePushes, Hub};
use super::pull::GitHubPullState;

impl FakeGitHub {
    /// Brings the branch of a pull request up to date, as `Update branch` with rebase does, and
    /// returns its new commit.
    pub fn update_by_rebase(&self, number: u64) -> String {
        self.hub().update_by_rebase(number)
    }

    /// Merges a pull request by `Rebase and merge`, whose commits GitHub does not sign.
    pub fn merge_by_rebase(&self, number: u64) -> String {
        let hub = self.hub();
        let commit = hub.update_by_rebase(number);
        hub.merge_at(number, &commit);
        hub.unsigned.borrow_mut().push(commit.clone());
        commit
    }

    /// Names the commit of a merge only in GraphQL, as version 2026-03-10 of the API does.
    pub fn hide_merge_commits(&self) {
        self.hub().hides_merge_commits = true;
    }

    /// Lets no branch be deleted, as a ruleset for all branches does.
    pub fn forbid_deletions(&self) {
        self.hub().forbids_deletions = true;
    }

    /// Lets no branch be moved by force, as a ruleset for all branches does.
    pub fn forbid_force_pushes(&self) {
        self.hub().force_pushes = ForcePushes::Ruled;
    }

    /// Lets no branch be moved by force, as a setting of an Enterprise Server does: no rule shows it.
    pub fn block_force_pushes(&self) {
        self.hub().force_pushes = ForcePushes::Blocked;
    }
}

impl Hub {
    fn update_by_rebase(&self, number: u64) -> String {
        let pull = self.pull(number).expect("a pull request of this number");
        let (base, head) = (self.remote.tip(&pull.base), self.remote.tip(&pull.head));
        let tree = self
            .remote
            .git(&["merge-tree", "--write-tree", &base, &head]);
        let message = self.remote.git(&["log", "-1", "--format=%B", &head]);
        let commit = [
            "commit-tree",
            tree.trim_end(),
            "-p",
            &base,
            "-m",
            message.trim_end(),
        ];
        let commit = self.remote.git(&commit).trim_end().to_owned();
        let head = format!("refs/heads/{}", pull.head);
        self.remote.git(&["update-ref", &head, &commit]);
        commit
    }

    fn merge_at(&self, number: u64, commit: &str) {
        let pull = self.pull(number).expect("a pull request of this number");
        let base = format!("refs/heads/{}", pull.base);
        self.remote.git(&["update-ref", &base, commit]);
        self.set(number, GitHubPullState::Merged(commit.to_owned()));
    }
}

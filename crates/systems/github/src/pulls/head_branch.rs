//! The branch of a proposal: one commit onto the base's tip, replaced by each later proposal, or
//! followed by it where rules forbid force pushes.

use branch::{BranchError, BranchName, CommitRequest, PushResult, Snapshot, TreeEntry};
use contract::{Commit, Failure, Verdict};
use serde_json::{Value, json};

use super::{
    committer::Committer,
    on_top,
    pull_request::PullRequest,
    refusal::{RaceSign, branch_hint, forbids_deletion, refused},
    situation::Situation,
};
use crate::{
    api::{ChangeError, TokenPermission},
    github::GitHub,
    history, read,
};

/// The commit that stands for the deletion of a branch.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

const CREATE_REF: &str =
    "mutation Branch($input: CreateRefInput!) { createRef(input: $input) { clientMutationId } }";

const UPDATE_REFS: &str = "mutation Branches($input: UpdateRefsInput!) { \
     updateRefs(input: $input) { clientMutationId } }";

/// The branch of a proposal.
pub(super) struct HeadBranch<'g, 'w, C> {
    pub(super) github: &'g GitHub<'w>,
    pub(super) committer: &'g C,
    pub(super) name: BranchName,
}

impl<C: Committer> HeadBranch<'_, '_, C> {
    /// Puts the commit onto the branch. An earlier commit is replaced in one step, so that the pull
    /// request always has a change: GitHub closes a pull request without one.
    pub(super) async fn put(
        &self,
        situation: &Situation,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let Some(head) = situation.head() else {
            return self.put_new(situation, &self.name, onto, request).await;
        };
        // Without an open pull request the same contents may have been merged before, and undone
        // since.
        if situation.own().is_some() && self.has_contents(onto, head, request).await? {
            return Ok(PushResult::Landed {
                commit: head.clone(),
                said: Vec::new(),
            });
        }
        if situation.forbids_force_pushes() {
            return self.put_on_top(situation, head, onto, request).await;
        }
        // All runs use the same name, so that the next run removes what a killed one left behind.
        let aside: BranchName = format!("{}-next", self.name)
            .parse()
            .map_err(Failure::internal)?;
        match self.put_aside(situation, head, &aside, onto, request).await {
            // Another run was faster, and may still use the branch.
            Ok(PushResult::Moved) | Err(BranchError::Missing) => Ok(PushResult::Moved),
            Ok(PushResult::Landed { commit, said }) => Ok(PushResult::Landed { commit, said }),
            other => {
                // No other run would delete the branch. A failure to delete it hides no error: the
                // first one is reported.
                let deletion = json!([{ "name": aside.full(), "afterOid": NO_COMMIT }]);
                drop(update_branches(self.github, situation, deletion).await);
                match other {
                    Ok(PushResult::Rejected(rejection)) if rejection.is_about_force_pushes() => {
                        self.put_on_top(situation, head, onto, request).await
                    }
                    other => other,
                }
            }
        }
    }

    /// Adds a commit on top of the branch, where rules forbid to replace the commit there.
    async fn put_on_top(
        &self,
        situation: &Situation,
        head: &Commit,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let commit = on_top::make(self.github, head, onto, request).await?;
        let update = json!([{
            "name": self.name.full(), "beforeOid": head, "afterOid": commit, "force": false,
        }]);
        if let Err(error) = update_branches(self.github, situation, update).await {
            return self.conflict(head, error).await;
        }
        self.github.api.notice(&format!(
            "force pushes to `{}` are forbidden, so its pull request keeps the earlier commits \
             below the new one",
            self.name
        ));
        Ok(PushResult::Landed {
            commit,
            said: Vec::new(),
        })
    }

    /// Makes the commit on the branch `aside`, and then moves the proposal's branch to it.
    async fn put_aside(
        &self,
        situation: &Situation,
        head: &Commit,
        aside: &BranchName,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let mut pushed = self.put_new(situation, aside, onto, request).await?;
        if let PushResult::Moved = pushed {
            // The branch exists already. Another run that still uses it sees that it has moved.
            let reset = json!([{ "name": aside.full(), "afterOid": onto.tip, "force": true }]);
            if let Err(error) = update_branches(self.github, situation, reset).await {
                return self.conflict(head, error).await;
            }
            pushed = self.committer.commit(aside, onto, request).await?;
        }
        let PushResult::Landed { commit, said } = pushed else {
            return Ok(pushed);
        };
        let updates = json!([
            { "name": self.name.full(), "beforeOid": head, "afterOid": commit, "force": true },
            { "name": aside.full(), "afterOid": NO_COMMIT },
        ]);
        let mut updated = update_branches(self.github, situation, updates.clone()).await;
        if matches!(&updated, Err(ChangeError::Refused(error)) if forbids_deletion(error)) {
            // A rule may keep all branches: then the next run resets this one.
            let only_head = json!([updates[0]]);
            updated = update_branches(self.github, situation, only_head).await;
        }
        match updated {
            Ok(()) => Ok(PushResult::Landed { commit, said }),
            // The proposal's branch has moved since the situation was read.
            Err(error) => self.conflict(head, error).await,
        }
    }

    /// Returns the meaning of an error about branches: another run was faster, if the proposal's
    /// branch is not where it was; otherwise asking again would change nothing.
    async fn conflict(&self, head: &Commit, error: ChangeError) -> Result<PushResult, BranchError> {
        let permission = TokenPermission::ContentsWrite;
        let result = refused(self.github, error, permission, RaceSign::Moved);
        let is_final = match &result {
            Ok(result) => matches!(result, PushResult::Rejected(_)),
            Err(BranchError::Failed(failure)) => failure.verdict == Verdict::Denied,
            Err(BranchError::Missing) => false,
        };
        if is_final && self.has_moved(head).await? {
            return Ok(PushResult::Moved);
        }
        result
    }

    async fn has_moved(&self, head: &Commit) -> Result<bool, BranchError> {
        match read::read(self.github, &self.name, &[]).await {
            Ok(there) => Ok(there.tip != *head),
            Err(BranchError::Missing) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Makes a branch at the snapshot's tip, and the commit on it.
    async fn put_new(
        &self,
        situation: &Situation,
        name: &BranchName,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let input = json!({ "repositoryId": situation.id, "name": name.full(), "oid": onto.tip });
        let permission = TokenPermission::ContentsWrite;
        let api = &self.github.api;
        match api.change::<Value>(CREATE_REF, input, permission).await {
            Ok(_) => self.committer.commit(name, onto, request).await,
            Err(error) => refused(self.github, error, permission, RaceSign::Exists)
                .map_err(|error| branch_hint(error, &self.github.name)),
        }
    }

    /// Returns whether the branch has these contents already, and changes nothing else: everyone
    /// who may push can add a commit to it.
    async fn has_contents(
        &self,
        onto: &Snapshot,
        head: &Commit,
        request: &CommitRequest,
    ) -> Result<bool, BranchError> {
        let paths: Vec<String> = request.files.iter().map(|file| file.path.clone()).collect();
        let there = read::read(self.github, &self.name, &paths).await?;
        let has_all = request.files.iter().all(|file| {
            matches!(
                &there.entries[&file.path],
                TreeEntry::File { content, .. } if *content == file.content
            )
        });
        let is_there = there.tip == *head && has_all;
        Ok(is_there && history::changes_only(self.github, &onto.tip, head, &paths).await?)
    }
}

/// Deletes the branch of a pull request, if it is still where it was.
pub(super) async fn delete_branch(
    github: &GitHub<'_>,
    situation: &Situation,
    pull: &PullRequest,
) -> Result<(), ChangeError> {
    let deletion = json!([{
        "name": format!("refs/heads/{}", pull.head_ref_name),
        "beforeOid": pull.head_ref_oid,
        "afterOid": NO_COMMIT,
    }]);
    update_branches(github, situation, deletion).await
}

async fn update_branches(
    github: &GitHub<'_>,
    situation: &Situation,
    updates: Value,
) -> Result<(), ChangeError> {
    let input = json!({ "repositoryId": situation.id, "refUpdates": updates });
    let permission = TokenPermission::ContentsWrite;
    let changed = github.api.change::<Value>(UPDATE_REFS, input, permission);
    changed.await.map(drop)
}

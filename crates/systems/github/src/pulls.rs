//! A change of a branch that is proposed: one pull request, kept up to date until it is merged.

mod situation;
mod words;

use std::cell::RefCell;

use branch::{
    Ancestry, Branch, BranchError, BranchName as Name, CommitRequest, PushResult, RejectionKind,
    Snapshot, TreeEntry,
};
use contract::{Commit, Failure, asking};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    GitHub,
    api::{Needs, Refusal, Said},
    commit, history, read,
};
pub use situation::PullRequest;
use situation::Situation;

/// What a branch that is to be deleted is to point to.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// A branch whose commits are proposed, by a pull request of a branch of their own.
///
/// There is one pull request for each set of files: a later proposal for the same set replaces its
/// commit, and one for a larger set closes it.
pub struct Proposal<'g, 'w, C = GitHub<'w>> {
    github: &'g GitHub<'w>,
    committer: &'g C,
    head: Name,
    set: Vec<String>,
    pull: RefCell<Option<PullRequest>>,
    seen: RefCell<Option<Seen>>,
}

/// Who makes the commits: GitHub's API, or git where that cannot.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait Committer {
    /// Commits onto the branch `name`, if it still stands at the snapshot's tip.
    ///
    /// # Errors
    /// As [`Branch::commit`].
    async fn commit(
        &self,
        name: &Name,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError>;
}

impl Committer for GitHub<'_> {
    async fn commit(
        &self,
        name: &Name,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        commit::commit(self, name, onto, request).await
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestState {
    /// Nothing yet.
    Open,
    /// It was merged, as this commit of the branch.
    Merged(Commit),
    /// It was closed.
    Closed,
    /// A later one has taken its place.
    Superseded,
}

/// The last answer about the pull request, and its entity tag.
struct Seen {
    etag: String,
    outcome: PullRequestState,
}

const CREATE_REF: &str =
    "mutation Branch($input: CreateRefInput!) { createRef(input: $input) { clientMutationId } }";

const UPDATE_REFS: &str = "mutation Branches($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

const OPEN: &str = "mutation Open($input: CreatePullRequestInput!) { createPullRequest(input: $input) { \
     pullRequest { id number url title body headRefName isCrossRepository } } }";

const UPDATE: &str = "mutation Update($input: UpdatePullRequestInput!) { updatePullRequest(input: $input) { \
     clientMutationId } }";

impl<'g, 'w, C: Committer> Proposal<'g, 'w, C> {
    /// Describes the proposal to change this set of files, from the branch `head`; nothing is asked yet.
    pub fn new(github: &'g GitHub<'w>, committer: &'g C, head: Name, set: Vec<String>) -> Self {
        Self {
            github,
            committer,
            head,
            set,
            pull: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// Returns the branch of its own.
    pub fn head(&self) -> &Name {
        &self.head
    }

    /// Returns the pull request, once there is one.
    pub fn pull(&self) -> Option<PullRequest> {
        self.pull.borrow().clone()
    }

    /// Asks what has become of the proposal of this commit.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn outcome(&self, commit: &Commit) -> Result<PullRequestState, Failure> {
        let number = self.pull().map(|pull| pull.number).unwrap_or_default();
        let path = format!("repos/{}/pulls/{number}", self.github.repository);
        let etag = self.seen.borrow().as_ref().map(|seen| seen.etag.clone());
        let answer = self
            .github
            .api
            .get(&path, &[], etag.as_deref(), Needs::PullRequestsWrite)
            .await?;
        if answer.status() == 304
            && let Some(seen) = &*self.seen.borrow()
        {
            return Ok(seen.outcome.clone());
        }
        if answer.status() != 200 {
            let error = anyhow::anyhow!("pull request #{number} is not there any more");
            return Err(Failure::unavailable(asking::NOT_THE_API, error));
        }
        let outcome = self.judge(answer.json()?, commit).await?;
        if let Some(etag) = answer.header("etag") {
            self.seen.replace(Some(Seen {
                etag: etag.to_owned(),
                outcome: outcome.clone(),
            }));
        }
        Ok(outcome)
    }

    async fn judge(&self, body: Body, commit: &Commit) -> Result<PullRequestState, Failure> {
        // Somebody may have brought the branch up to date: then it still has our commit.
        let ours = body.head.sha == *commit
            || history::compare(self.github, commit, &body.head.sha).await?
                == Some(Ancestry::Descendant);
        Ok(
            match (body.merged, body.state.as_str(), body.merge_commit_sha) {
                _ if !ours => PullRequestState::Superseded,
                (true, _, Some(merge)) => PullRequestState::Merged(merge),
                (_, "open", _) => PullRequestState::Open,
                _ if body
                    .body
                    .is_some_and(|body| body.contains(words::SUPERSEDED)) =>
                {
                    PullRequestState::Superseded
                }
                _ => PullRequestState::Closed,
            },
        )
    }

    /// Closes what was proposed for these files, since `commit` of the branch itself has come first.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn withdraw(&self, commit: &Commit) -> Result<(), Failure> {
        let situation = situation::ask(self.github, &self.head).await?;
        let others = situation.all().filter(|pull| self.covers(pull));
        let all = situation.own().into_iter().chain(others);
        self.close(&situation, all, &commit.to_string()).await
    }

    /// Puts the commit onto the branch of its own; what was there is replaced at once, so that the pull
    /// request never is without a change, which GitHub would close.
    async fn put(
        &self,
        situation: &Situation,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let Some(head) = situation.head() else {
            return self.put_new(situation, &self.head, onto, request).await;
        };
        // Without a pull request it may be what was merged before, and undone since.
        if situation.own().is_some() && self.is_there(request).await? {
            return Ok(PushResult::Landed {
                commit: head.clone(),
                said: Vec::new(),
            });
        }
        // One name for all runs: what one that was killed has left, the next one takes.
        let aside: Name = format!("{}-next", self.head)
            .parse()
            .map_err(Failure::internal)?;
        match self.put_aside(situation, head, &aside, onto, request).await {
            // Another run was faster, and may be at it still.
            Ok(PushResult::Moved) | Err(BranchError::Missing) => Ok(PushResult::Moved),
            Ok(PushResult::Landed { commit, said }) => Ok(PushResult::Landed { commit, said }),
            other => {
                // Nobody else would; and if it is not possible, that is not what went wrong.
                let nowhere = json!([{ "name": aside.full(), "afterOid": NOWHERE }]);
                drop(self.update_branches(situation, nowhere).await);
                other
            }
        }
    }

    /// Makes the commit on a branch beside, and the branch of its own of it.
    async fn put_aside(
        &self,
        situation: &Situation,
        head: &Commit,
        aside: &Name,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let pushed = match self.put_new(situation, aside, onto, request).await? {
            PushResult::Moved => {
                // It is taken. Whoever else is using it sees that it has moved.
                let update = json!([{ "name": aside.full(), "afterOid": onto.tip, "force": true }]);
                match self.update_branches(situation, update).await {
                    Ok(()) => self.committer.commit(aside, onto, request).await?,
                    Err(refusal) => return self.refused(refusal, Needs::ContentsWrite, |_| true),
                }
            }
            pushed => pushed,
        };
        let PushResult::Landed { commit, said } = pushed else {
            return Ok(pushed);
        };
        let updates = json!([
            { "name": self.head.full(), "beforeOid": head, "afterOid": commit, "force": true },
            { "name": aside.full(), "afterOid": NOWHERE },
        ]);
        match self.update_branches(situation, updates).await {
            Ok(()) => Ok(PushResult::Landed { commit, said }),
            // The branch that we had seen is another one by now.
            Err(refusal) => self.refused(refusal, Needs::ContentsWrite, |_| true),
        }
    }

    async fn put_new(
        &self,
        situation: &Situation,
        name: &Name,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let input = json!({ "repositoryId": situation.id, "name": name.full(), "oid": onto.tip });
        match self
            .github
            .api
            .change::<Value>(CREATE_REF, input, Needs::ContentsWrite)
            .await
        {
            Ok(_) => self.committer.commit(name, onto, request).await,
            Err(refusal) => self.refused(refusal, Needs::ContentsWrite, is_taken),
        }
    }

    async fn update_branches(&self, situation: &Situation, updates: Value) -> Result<(), Refusal> {
        let input = json!({ "repositoryId": situation.id, "refUpdates": updates });
        self.github
            .api
            .change::<Value>(UPDATE_REFS, input, Needs::ContentsWrite)
            .await
            .map(drop)
    }

    /// Returns what a refusal means: a rule, a missing permission, or another run that does the same.
    fn refused(
        &self,
        refusal: Refusal,
        needs: Needs,
        is_race: impl Fn(&Said) -> bool,
    ) -> Result<PushResult, BranchError> {
        let said = match refusal {
            Refusal::Failed(failure) => return Err(failure.into()),
            Refusal::Said(said) => said,
        };
        match (commit::protected(&said), said.kind.as_str()) {
            (Some(rejection), _) => Ok(PushResult::Rejected(rejection)),
            (None, "STALE_DATA" | "UNPROCESSABLE") if is_race(&said) => Ok(PushResult::Moved),
            (None, "UNPROCESSABLE") => Ok(PushResult::Rejected(commit::rejection(
                RejectionKind::Declined,
                &said.message,
            ))),
            _ => Err(self.github.api.failure(&said, needs).into()),
        }
    }

    /// Returns whether the branch has these contents already.
    async fn is_there(&self, request: &CommitRequest) -> Result<bool, BranchError> {
        let paths: Vec<String> = request.files.iter().map(|file| file.path.clone()).collect();
        let there = read::read(self.github, &self.head, &paths).await?;
        Ok(request.files.iter().all(|file| {
            matches!(&there.entries[&file.path], TreeEntry::File { content, .. } if *content == file.content)
        }))
    }

    /// Opens the pull request, or brings its words up to date; returns why it did not.
    async fn announce(
        &self,
        situation: &Situation,
        request: &CommitRequest,
    ) -> Result<Option<PushResult>, BranchError> {
        let (title, more) = request
            .message
            .split_once('\n')
            .unwrap_or((&request.message, ""));
        let title = words::shortened(title);
        // The trailers last: a merge may make the description its commit's message.
        let body = format!(
            "{}\n\n{}",
            words::marker(&self.set),
            more.trim_matches('\n')
        );
        if let Some(pull) = situation.own() {
            if (&pull.title, &pull.body) != (&title, &body) {
                let input = json!({ "pullRequestId": pull.id, "title": title, "body": body });
                self.update(input).await?;
            }
            self.pull.replace(Some(pull.clone()));
            return Ok(None);
        }
        let input = json!({
            "repositoryId": situation.id, "baseRefName": self.github.name.as_str(),
            "headRefName": self.head.as_str(), "title": title, "body": body,
        });
        match self
            .github
            .api
            .change::<Opened>(OPEN, input, Needs::PullRequestsWrite)
            .await
        {
            Ok(opened) => {
                self.pull.replace(Some(opened.payload.pull));
                Ok(None)
            }
            Err(Refusal::Said(said)) if is_forbidden_to_workflows(&said) => {
                Err(not_permitted(&said).into())
            }
            Err(refusal) => self
                .refused(refusal, Needs::PullRequestsWrite, is_taken)
                .map(Some),
        }
    }

    async fn update(&self, input: Value) -> Result<(), Failure> {
        let needs = Needs::PullRequestsWrite;
        match self.github.api.change::<Value>(UPDATE, input, needs).await {
            Ok(_) => Ok(()),
            Err(Refusal::Failed(failure)) => Err(failure),
            Err(Refusal::Said(said)) => Err(self.github.api.failure(&said, needs)),
        }
    }

    /// Returns whether a pull request proposes only files that this one proposes too.
    fn covers(&self, pull: &PullRequest) -> bool {
        let theirs = pull.body.lines().find_map(words::files);
        let own = pull.head_ref_name == self.head.as_str();
        !own && theirs.is_some_and(|theirs| theirs.iter().all(|file| self.set.contains(file)))
    }

    /// Closes pull requests, saying what came in their place, and deletes their branches.
    async fn close<'p>(
        &self,
        situation: &Situation,
        pulls: impl Iterator<Item = &'p PullRequest>,
        by: &str,
    ) -> Result<(), Failure> {
        let mut branches = Vec::new();
        for pull in pulls {
            let body = format!(
                "{}\n\nSuperseded by {by}.\n{}",
                pull.body,
                words::SUPERSEDED
            );
            self.update(json!({ "pullRequestId": pull.id, "body": body, "state": "CLOSED" }))
                .await?;
            branches
                .push(json!({ "name": format!("refs/heads/{}", pull.head_ref_name), "afterOid": NOWHERE }));
        }
        if branches.is_empty() {
            return Ok(());
        }
        match self
            .update_branches(situation, Value::Array(branches))
            .await
        {
            Ok(()) => Ok(()),
            Err(Refusal::Failed(failure)) => Err(failure),
            Err(Refusal::Said(said)) => Err(self.github.api.failure(&said, Needs::ContentsWrite)),
        }
    }
}

impl<C: Committer> Branch for Proposal<'_, '_, C> {
    fn name(&self) -> &Name {
        &self.github.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        self.github.read(paths).await
    }

    /// Proposes the commit; it has landed when it is on the branch of its own and announced.
    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let situation = situation::ask(self.github, &self.head).await?;
        if !situation.has_base() {
            return Err(BranchError::Missing);
        }
        if situation.is_never_checked() {
            return Err(never_checked(&self.github.name).into());
        }
        let pushed = self.put(&situation, onto, request).await?;
        let PushResult::Landed { .. } = &pushed else {
            return Ok(pushed);
        };
        if let Some(other) = self.announce(&situation, request).await? {
            return Ok(other);
        }
        let others = situation.all().filter(|pull| self.covers(pull));
        let by = self
            .pull()
            .map(|pull| format!("#{}", pull.number))
            .unwrap_or_default();
        self.close(&situation, others, &by).await?;
        Ok(pushed)
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        self.github.contains(commit).await
    }
}

#[derive(Deserialize)]
struct Opened {
    #[serde(rename = "createPullRequest")]
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "pullRequest")]
    pull: PullRequest,
}

#[derive(Deserialize)]
struct Body {
    state: String,
    merged: bool,
    merge_commit_sha: Option<Commit>,
    body: Option<String>,
    head: HeadOfPull,
}

#[derive(Deserialize)]
struct HeadOfPull {
    sha: Commit,
}

/// Another run has made the branch or the pull request that we were about to make.
fn is_taken(said: &Said) -> bool {
    said.message.contains("already exists")
}

fn is_forbidden_to_workflows(said: &Said) -> bool {
    said.message
        .contains("not permitted to create or approve pull requests")
}

fn not_permitted(said: &Said) -> Failure {
    let error = anyhow::anyhow!("{}", said.message.trim_end_matches('.'));
    Failure::denied(asking::PERMISSION_MISSING, error)
        .hinted("turn on `Allow GitHub Actions to create and approve pull requests` (Settings, Actions, General) of the repository and of its organization")
        .hinted("or put the token of an App into `RUNBOOK_GITHUB_TOKEN`")
}

fn never_checked(name: &Name) -> Failure {
    let error = anyhow::anyhow!(
        "`{name}` requires checks, and none would ever start for a pull request of the job's own token"
    );
    Failure::denied(asking::PERMISSION_MISSING, error).hinted(
        "put the token of an App into `RUNBOOK_GITHUB_TOKEN`, with `contents: write` and `pull-requests: write`",
    )
}

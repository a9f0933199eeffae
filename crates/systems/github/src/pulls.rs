//! A proposed change of a branch: one pull request, kept up to date until it is merged.

mod committer;
mod description;
mod head_branch;
mod on_top;
mod pull_request;
mod refusal;
mod situation;
mod state;

use std::cell::RefCell;

use branch::{Branch, BranchError, BranchName, CommitRequest, PushResult, Snapshot};
use contract::{Commit, Failure, asking};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{ChangeError, TokenPermission},
    github::GitHub,
};
pub use committer::Committer;
use head_branch::{HeadBranch, delete_branch};
pub use pull_request::PullRequest;
use refusal::{RaceSign, refused};
use situation::Situation;
pub use state::PullRequestState;

/// A branch whose commits are proposed, by a pull request from a separate branch.
///
/// Each set of files has one pull request: a later proposal for the same set replaces its commit,
/// and one for a larger set closes it.
pub struct Proposal<'g, 'w, C = GitHub<'w>> {
    github: &'g GitHub<'w>,
    head: HeadBranch<'g, 'w, C>,
    branch_of: BranchNaming,
    set: Vec<String>,
    pull: RefCell<Option<PullRequest>>,
    cached: RefCell<Option<CachedState>>,
}

/// Returns the name of the branch of a pull request to a base, for a set of directories.
pub type BranchNaming = fn(base: &BranchName, directories: &[String]) -> String;

/// The last answer about the pull request, and its entity tag.
struct CachedState {
    etag: String,
    state: PullRequestState,
}

impl CachedState {
    fn etag(&self) -> String {
        self.etag.clone()
    }
}

/// Whether the pull request is up to date.
enum Announcement {
    Done,
    /// The result of the commit instead.
    Refused(PushResult),
}

/// Since 2026 github.com makes the runs of such a pull request, and holds them.
const APPROVAL: &str = "the checks of this pull request start when a person with write access \
     approves them (`Approve workflows to run`); those of an App's token start by themselves";

const OPEN: &str = "mutation Open($input: CreatePullRequestInput!) { \
     createPullRequest(input: $input) { \
     pullRequest { id number url title body headRefName headRefOid \
     author { __typename login } isCrossRepository } } }";

const UPDATE: &str = "mutation Update($input: UpdatePullRequestInput!) { \
     updatePullRequest(input: $input) { \
     clientMutationId } }";

#[derive(Deserialize)]
struct OpenedPullData {
    #[serde(rename = "createPullRequest")]
    payload: OpenedPull,
}

#[derive(Deserialize)]
struct OpenedPull {
    #[serde(rename = "pullRequest")]
    pull: PullRequest,
}

impl<'g, 'w, C: Committer> Proposal<'g, 'w, C> {
    /// Describes the proposal to change this set of directories, from the branch that `branch_of`
    /// names, without any request.
    ///
    /// # Errors
    /// When that is no name of a branch.
    pub fn new(
        github: &'g GitHub<'w>,
        committer: &'g C,
        branch_of: BranchNaming,
        set: Vec<String>,
    ) -> Result<Self, Failure> {
        let name = branch_of(&github.name, &set)
            .parse()
            .map_err(Failure::internal)?;
        Ok(Self {
            github,
            head: HeadBranch {
                github,
                committer,
                name,
            },
            branch_of,
            set,
            pull: RefCell::default(),
            cached: RefCell::default(),
        })
    }

    /// Returns the branch of the pull request.
    pub fn head(&self) -> &BranchName {
        &self.head.name
    }

    /// Returns the pull request, once it exists.
    pub fn pull(&self) -> Option<PullRequest> {
        self.pull.borrow().clone()
    }

    /// Asks for the state of the proposal that made this commit.
    ///
    /// # Errors
    /// The [`Failure`] of the request: `unavailable` or `denied`.
    pub async fn outcome(&self, commit: &Commit) -> Result<PullRequestState, Failure> {
        let number = self.pull().map(|pull| pull.number).unwrap_or_default();
        let path = format!("repos/{}/pulls/{number}", self.github.repository);
        let etag = self.cached.borrow().as_ref().map(CachedState::etag);
        let permission = TokenPermission::PullRequestsWrite;
        let api = &self.github.api;
        let answer = api.get(&path, &[], etag.as_deref(), permission).await?;
        if answer.status() == 304
            && let Some(cached) = &*self.cached.borrow()
        {
            return Ok(cached.state.clone());
        }
        if answer.status() != 200 {
            let error = anyhow::anyhow!("pull request #{number} no longer exists");
            return Err(Failure::unavailable(asking::NOT_THE_API, error));
        }
        let resource: state::PullRequestResource = answer.json()?;
        let state = resource.state(self.github, commit).await?;
        if let Some(etag) = answer.header("etag") {
            self.cached.replace(Some(CachedState {
                etag: etag.to_owned(),
                state: state.clone(),
            }));
        }
        Ok(state)
    }

    /// Closes the pull requests for these files, because `commit` of the branch itself came first;
    /// returns those that stay open, since another account opened them.
    ///
    /// # Errors
    /// The [`Failure`] of the question which pull requests there are.
    pub async fn withdraw(&self, commit: &Commit) -> Result<Vec<PullRequest>, Failure> {
        let situation = situation::ask(self.github, self.head()).await?;
        let others = situation.all().filter(|pull| self.covers(pull));
        let all = situation.own().into_iter().chain(others);
        let (ours, theirs): (Vec<_>, Vec<_>) = all.partition(|pull| situation.is_author_of(pull));
        self.close(&situation, &ours, &commit.to_string()).await;
        Ok(theirs.into_iter().cloned().collect())
    }

    /// Opens the pull request, or updates its title and description.
    async fn announce(
        &self,
        situation: &Situation,
        request: &CommitRequest,
    ) -> Result<Announcement, BranchError> {
        let (title, more) = request
            .message
            .split_once('\n')
            .unwrap_or((&request.message, ""));
        let title = description::shortened(title);
        let marker = description::marker(&self.set);
        // The trailers come last: a merge may take the description for its commit's message.
        let body = format!("{marker}\n\n{}", more.trim_matches('\n'));
        let Some(pull) = situation.own() else {
            return self.open(situation, &title, &body).await;
        };
        if (&pull.title, &pull.body) != (&title, &body) {
            self.update(json!({ "pullRequestId": pull.id, "title": title, "body": body }))
                .await?;
        }
        self.pull.replace(Some(pull.clone()));
        Ok(Announcement::Done)
    }

    async fn open(
        &self,
        situation: &Situation,
        title: &str,
        body: &str,
    ) -> Result<Announcement, BranchError> {
        let input = json!({
            "repositoryId": situation.id, "baseRefName": self.github.name.as_str(),
            "headRefName": self.head().as_str(), "title": title, "body": body,
        });
        let permission = TokenPermission::PullRequestsWrite;
        let opened: Result<OpenedPullData, ChangeError> =
            self.github.api.change(OPEN, input, permission).await;
        match opened {
            Ok(opened) => {
                self.pull.replace(Some(opened.payload.pull));
                Ok(Announcement::Done)
            }
            Err(ChangeError::Refused(error)) if refusal::is_forbidden_to_workflows(&error) => {
                Err(refusal::not_permitted(&error).into())
            }
            Err(error) => refused(self.github, error, permission, RaceSign::PullRequest)
                .map(Announcement::Refused),
        }
    }

    async fn update(&self, input: Value) -> Result<(), Failure> {
        let permission = TokenPermission::PullRequestsWrite;
        let api = &self.github.api;
        let updated = api.change::<Value>(UPDATE, input, permission).await;
        updated
            .map(drop)
            .map_err(|error| refusal::failure(self.github, error, permission))
    }

    /// Returns whether another pull request of a step proposes only files that this proposal has
    /// too.
    ///
    /// Its branch has the name of these very files: any text of a description can name files.
    fn covers(&self, pull: &PullRequest) -> bool {
        let is_own = pull.head_ref_name == self.head().as_str();
        let Some(theirs) = pull.body.lines().find_map(description::files) else {
            return false;
        };
        let is_named = (self.branch_of)(&self.github.name, &theirs) == pull.head_ref_name;
        let is_covered = theirs.iter().all(|file| self.set.contains(file));
        !is_own && !theirs.is_empty() && is_named && is_covered
    }

    /// Closes pull requests, with a line that names their successor, and deletes their branches.
    ///
    /// The change has been made before, so a failure is only a notice.
    async fn close(&self, situation: &Situation, pulls: &[&PullRequest], by: &str) {
        for pull in pulls {
            if let Err(notice) = self.close_one(situation, pull, by).await {
                self.github.api.notice(&notice);
            }
        }
    }

    /// # Errors
    /// The notice about what may be left.
    async fn close_one(
        &self,
        situation: &Situation,
        pull: &PullRequest,
        by: &str,
    ) -> Result<(), String> {
        let number = pull.number;
        let mark = description::SUPERSEDED;
        let body = format!("{}\n\nSuperseded by {by}.\n{mark}", pull.body);
        let closed = json!({ "pullRequestId": pull.id, "body": body, "state": "CLOSED" });
        self.update(closed).await.map_err(|failure| {
            let why = failure.summary();
            format!(
                "pull request #{number} may still be open, although {by} replaces it; close it by \
                 hand ({why})"
            )
        })?;
        match delete_branch(self.github, situation, pull).await {
            Ok(()) => Ok(()),
            // The branch has moved or is gone: another run uses it.
            Err(ChangeError::Refused(error)) if refusal::is_conflict(&error) => Ok(()),
            // A rule keeps all branches.
            Err(ChangeError::Refused(error)) if refusal::forbids_deletion(&error) => Ok(()),
            Err(error) => {
                let permission = TokenPermission::ContentsWrite;
                let why = refusal::failure(self.github, error, permission).summary();
                let name = &pull.head_ref_name;
                Err(format!(
                    "the branch `{name}` of the closed pull request #{number} may still exist; \
                     delete it by hand ({why})"
                ))
            }
        }
    }
}

impl<C: Committer> Branch for Proposal<'_, '_, C> {
    fn name(&self) -> &BranchName {
        &self.github.name
    }

    async fn read(&self, paths: &[String]) -> Result<Snapshot, BranchError> {
        self.github.read(paths).await
    }

    /// Proposes the commit; it has landed when the pull request has it.
    async fn commit(
        &self,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let situation = situation::ask(self.github, self.head()).await?;
        if !situation.has_base() {
            return Err(BranchError::Missing);
        }
        if situation.waits_for_checks() {
            if !self.github.api.is_of_github_com() {
                return Err(refusal::never_checked(&self.github.name).into());
            }
            self.github.api.notice(APPROVAL);
        }
        let pushed = self.head.put(&situation, onto, request).await?;
        if !matches!(pushed, PushResult::Landed { .. }) {
            return Ok(pushed);
        }
        if let Announcement::Refused(result) = self.announce(&situation, request).await? {
            return Ok(result);
        }
        let others = situation.all().filter(|pull| self.covers(pull));
        let ours: Vec<_> = others.filter(|pull| situation.is_author_of(pull)).collect();
        let by = self.pull().map(|pull| format!("#{}", pull.number));
        self.close(&situation, &ours, &by.unwrap_or_default()).await;
        Ok(pushed)
    }

    async fn contains(&self, commit: &Commit) -> Result<bool, BranchError> {
        self.github.contains(commit).await
    }
}

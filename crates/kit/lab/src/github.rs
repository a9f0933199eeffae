//! A GitHub on loopback: its API over a real bare repository, held to what GitHub publishes about
//! it.
//!
//! GraphQL runs against GitHub's own schema. REST is checked against its own OpenAPI document, and
//! answers with the examples of that document. A client that asks for something else fails its
//! test.
//!
//! ```no_run
//! let remote = lab::GitRemote::new();
//! let github = lab::FakeGitHub::new(&remote);
//! let command = github.environment(lab::HermeticCommand::new("bump-overlay"), &github.token());
//! ```

mod answers;
mod commits;
mod deployment;
mod deployments;
mod error;
mod fields;
mod git_data;
mod graphql;
mod history;
mod hub;
mod node;
mod objects;
mod openapi;
mod protection;
mod published;
mod pull;
mod pulls;
mod repository;
mod rest;
mod rewrites;
mod token;

use std::sync::{Arc, Mutex, MutexGuard};

pub use protection::Protection;
pub use published::{PUBLISHED, Published};
pub use pull::{GitHubPull, GitHubPullState};
pub use repository::REPOSITORY;

use crate::command::HermeticCommand;
use crate::faulty::{Faulty, ScriptedReply, SeenRequest};
use crate::lock::lock;
use crate::repo::GitRemote;
use hub::{Hub, When};
use serde_json::Value;
use token::GitHubToken;

/// The permissions for everything that the server can do.
pub const ALL: [&str; 3] = [
    "contents: write",
    "deployments: write",
    "pull-requests: write",
];

/// A GitHub with one repository, whose branches are those of a [`GitRemote`].
#[derive(Debug)]
pub struct FakeGitHub {
    hub: Arc<Mutex<Hub>>,
    server: Faulty,
}

impl FakeGitHub {
    /// Serves a repository as `example/dex`, as an Enterprise Server does: API and git on one host.
    #[must_use]
    pub fn new(remote: &GitRemote) -> Self {
        let hub = Arc::new(Mutex::new(Hub::new(remote, REPOSITORY)));
        let desk = Arc::clone(&hub);
        let server = Faulty::start(None, move |seen| lock(&desk).answer(seen));
        Self { hub, server }
    }

    /// Returns the address of the server, as in `GITHUB_SERVER_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the address of the API, as in `GITHUB_API_URL`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.server.url())
    }

    /// Returns a token of an app with all permissions.
    #[must_use]
    pub fn token(&self) -> String {
        self.token_with(&ALL)
    }

    /// Returns a token of an app with these permissions (`contents: read`).
    #[must_use]
    pub fn token_with(&self, permissions: &[&str]) -> String {
        self.hub()
            .issue(GitHubToken::of("release-app[bot]", permissions))
    }

    /// Returns the token that a job gets by itself, with these permissions.
    #[must_use]
    pub fn built_in_token(&self, permissions: &[&str]) -> String {
        self.hub()
            .issue(GitHubToken::of("github-actions[bot]", permissions))
    }

    /// Returns a token with all permissions, which also bypasses the rules of every branch.
    #[must_use]
    pub fn bypassing_token(&self) -> String {
        let mut token = GitHubToken::of("release-app[bot]", &ALL);
        token.bypasses = true;
        self.hub().issue(token)
    }

    /// Sets what a process needs to find this server: the addresses, and the token.
    pub fn environment(&self, command: HermeticCommand, token: &str) -> HermeticCommand {
        let command = command
            .env("GITHUB_API_URL", self.api_url())
            .env("GITHUB_SERVER_URL", self.url());
        command.env("RUNBOOK_GITHUB_TOKEN", token)
    }

    /// Protects a branch, however it is written to.
    pub fn protect(&self, branch: &str, protection: Protection) {
        let rule = "Changes must be made through a pull request.";
        let lines = format!(
            "error: GH013: Repository rule violations found for refs/heads/{branch}.\n- {rule}\n"
        );
        self.hub().remote.protect(branch, &lines);
        self.hub().protections.insert(branch.to_owned(), protection);
    }

    /// Declines every commit from now on with these lines, as a rule about content does.
    pub fn decline_with(&self, lines: &str) {
        self.hub().declined = Some(lines.to_owned());
    }

    /// Leaves commits unsigned, as an Enterprise Server does unless it is told otherwise.
    pub fn leave_unsigned(&self) {
        self.hub().signs = false;
    }

    /// Truncates texts in answers of GraphQL after this many bytes.
    pub fn cut_texts_after(&self, bytes: usize) {
        self.hub().text_limit = bytes;
    }

    /// Does not let workflows create pull requests, as the setting of new repositories has it.
    pub fn forbid_pull_requests_of_workflows(&self) {
        self.hub().workflows_may_create_pulls = false;
    }

    /// Gives the next requests these replies instead of its own, one each.
    pub fn answer_next(&self, replies: impl IntoIterator<Item = ScriptedReply>) {
        self.hub()
            .script
            .extend(replies.into_iter().map(When::Instead));
    }

    /// Answers the next change with this reply, without executing it.
    pub fn answer_next_change(&self, reply: ScriptedReply) {
        self.hub().script.push_back(When::InsteadOfChange(reply));
    }

    /// Executes the `nth` change from now, but loses its answer and sends this one instead.
    pub fn lose_answer(&self, nth: usize, reply: ScriptedReply) {
        let mut hub = self.hub();
        hub.script.extend((1..nth).map(|_| When::NotThisChange));
        hub.script.push_back(When::AfterChange(reply));
    }

    /// Runs `race` once, when the next commit has arrived and before the server checks it.
    pub fn on_next_commit(&self, race: impl FnOnce(&GitRemote) + Send + 'static) {
        self.hub().race.replace(Some(Box::new(race)));
    }

    /// Merges a pull request at the `polls`th poll from now, as a person might in the meantime.
    pub fn merge_at_poll(&self, polls: usize) {
        self.hub().merge_in.set(Some(polls));
    }

    /// Merges a pull request by squashing it, and returns the commit.
    pub fn merge(&self, number: u64) -> String {
        self.hub().merge(number)
    }

    /// Closes a pull request without merging it.
    pub fn close(&self, number: u64) {
        self.hub().close(number);
    }

    /// Opens a pull request from a fork's branch of this name, as any user may.
    pub fn open_from_fork(&self, head: &str, base: &str) {
        self.hub().open_from_fork(head, base);
    }

    /// Opens a pull request as the account of this login, with this description.
    pub fn open_as(&self, login: &str, head: &str, base: &str, body: &str) {
        self.hub().open_as(login, head, base, body);
    }

    /// Records a deployment to an environment, then its statuses (`in_progress`, `success`).
    ///
    /// A success makes earlier deployments inactive. A payload that is a text stays a text.
    pub fn deploy(&self, environment: &str, payload: &Value, states: &[&str]) {
        self.deploy_as("release-app[bot]", environment, payload, states);
    }

    /// Records a deployment as the account of this login.
    pub fn deploy_as(&self, login: &str, environment: &str, payload: &Value, states: &[&str]) {
        self.hub().deploy(login, environment, payload, states);
    }

    /// Adds a status to the `nth` deployment, counted from the newest, which is 0.
    pub fn say_of_deployment(&self, nth: usize, state: &str) {
        let mut hub = self.hub();
        let at = hub.deployments.len() - 1 - nth;
        hub.add_status(at, state);
    }

    /// Returns all pull requests, oldest first.
    #[must_use]
    pub fn pulls(&self) -> Vec<GitHubPull> {
        self.hub().pulls.borrow().clone()
    }

    /// Returns the requests so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.server.seen()
    }

    /// Returns a title of each request: the name of a GraphQL operation, else `GET path`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.seen().iter().map(graphql::title).collect()
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        lock(&self.hub)
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        let complaints = self.hub().complaints.take();
        if !std::thread::panicking() {
            assert!(
                complaints.is_empty(),
                "the requests or answers differ from GitHub's published API: {complaints:#?}"
            );
        }
    }
}

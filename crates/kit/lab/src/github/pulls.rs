//! Changes of branches, and pull requests.

use apollo_compiler::resolvers::FieldError;
use serde_json::Value;

use super::error::error;
use super::fields::field;
use super::hub::{ForcePushes, Hub};
use super::pull::{GitHubPull, GitHubPullState};
use super::token::GitHubToken;

/// The new tip of a branch that is to be deleted.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

impl Hub {
    pub(super) fn create_ref(&self, input: &Value) -> Result<(), FieldError> {
        let (name, id) = (field(input, "name"), field(input, "oid"));
        let taken = format!("A ref named \"{name}\" already exists in the repository.");
        match self.remote.try_git(&["update-ref", &name, &id, NOWHERE]) {
            Some(_) => Ok(()),
            None => Err(error("UNPROCESSABLE", taken)),
        }
    }

    /// Moves branches, all or none.
    pub(super) fn update_refs(&self, input: &Value) -> Result<(), FieldError> {
        let updates: Vec<&Value> = input["refUpdates"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for update in &updates {
            self.may_update(update)?;
            if self.forbids_deletions && field(update, "afterOid") == NOWHERE {
                let message = "Repository rule violations found\n\nCannot delete this branch\n\n";
                return Err(error("FORBIDDEN", message));
            }
        }
        for update in updates {
            let (name, after) = (field(update, "name"), field(update, "afterOid"));
            if after == NOWHERE {
                self.remote.git(&["update-ref", "-d", &name]);
            } else {
                self.remote.git(&["update-ref", &name, &after]);
            }
        }
        Ok(())
    }

    fn may_update(&self, update: &Value) -> Result<(), FieldError> {
        let (name, after) = (field(update, "name"), field(update, "afterOid"));
        let tip = self.tip(name.trim_start_matches("refs/heads/"));
        let tip = tip.unwrap_or_else(|| NOWHERE.to_owned());
        if update["beforeOid"]
            .as_str()
            .is_some_and(|before| before != tip)
        {
            return Err(error("STALE_DATA", format!("{name} is at {tip}")));
        }
        let forward = [&tip, &after].iter().any(|id| *id == NOWHERE)
            || matches!(self.compare(&tip, &after), Some("AHEAD" | "IDENTICAL"));
        if !forward && update["force"] != true {
            let message = format!("{name} is not a fast forward");
            return Err(error("UNPROCESSABLE", message));
        }
        match self.force_pushes {
            ForcePushes::Ruled if !forward => {
                let message =
                    "Repository rule violations found\n\nCannot force-push to this branch\n\n";
                return Err(error("FORBIDDEN", message));
            }
            ForcePushes::Blocked if !forward => {
                let message = format!("Sorry, force-pushing to {name} is not allowed.");
                return Err(error("UNPROCESSABLE", message));
            }
            _ => {}
        }
        Ok(())
    }

    /// Opens a pull request.
    pub(super) fn open(
        &self,
        token: &GitHubToken,
        input: &Value,
    ) -> Result<GitHubPull, FieldError> {
        if token.login == "github-actions[bot]" && !self.workflows_may_create_pulls {
            let message = "GitHub Actions is not permitted to create or approve pull requests.";
            return Err(error("FORBIDDEN", message));
        }
        let (head, base) = (field(input, "headRefName"), field(input, "baseRefName"));
        if self.has_open_pull(&head, &base) {
            let message = format!("A pull request already exists for example:{head}.");
            return Err(error("UNPROCESSABLE", message));
        }
        let tips = self.tip(&base).zip(self.tip(&head));
        if tips.is_none_or(|(base, head)| self.compare(&base, &head) == Some("IDENTICAL")) {
            let message = format!("No commits between {base} and {head}");
            return Err(error("UNPROCESSABLE", message));
        }
        let pull = GitHubPull {
            title: field(input, "title"),
            body: field(input, "body"),
            ..new_pull(token.login, head, base)
        };
        Ok(self.add_pull(pull))
    }

    fn has_open_pull(&self, head: &str, base: &str) -> bool {
        self.pulls.borrow().iter().any(|pull| {
            (&*pull.head, &*pull.base) == (head, base)
                && !pull.fork
                && pull.state == GitHubPullState::Open
        })
    }

    /// Opens a pull request from a fork's branch of this name.
    pub(super) fn open_from_fork(&self, head: &str, base: &str) {
        self.add_pull(GitHubPull {
            fork: true,
            ..new_pull("somebody", head.to_owned(), base.to_owned())
        });
    }

    /// Opens a pull request as another account, with this description.
    pub(super) fn open_as(&self, author: &str, head: &str, base: &str, body: &str) {
        self.add_pull(GitHubPull {
            body: body.to_owned(),
            ..new_pull(author, head.to_owned(), base.to_owned())
        });
    }

    fn add_pull(&self, pull: GitHubPull) -> GitHubPull {
        let mut pulls = self.pulls.borrow_mut();
        let number = pulls.len() as u64 + 1;
        let pull = GitHubPull { number, ..pull };
        pulls.push(pull.clone());
        pull
    }

    /// Changes the pull request that an input names.
    pub(super) fn update_pull(&self, input: &Value) -> Result<(), FieldError> {
        let id = field(input, "pullRequestId");
        let mut pulls = self.pulls.borrow_mut();
        let Some(pull) = pulls.iter_mut().find(|pull| pull.id() == id) else {
            return Err(error(
                "NOT_FOUND",
                format!("Could not resolve to a node '{id}'"),
            ));
        };
        if let Some(title) = input["title"].as_str() {
            title.clone_into(&mut pull.title);
        }
        if let Some(body) = input["body"].as_str() {
            body.clone_into(&mut pull.body);
        }
        if input["state"] == "CLOSED" {
            pull.state = GitHubPullState::Closed;
        }
        Ok(())
    }

    pub(super) fn close(&self, number: u64) {
        self.set(number, GitHubPullState::Closed);
    }

    /// Merges a pull request as one commit with its title and its description.
    pub(super) fn merge(&self, number: u64) -> String {
        let pull = self.pull(number).expect("a pull request of this number");
        let (base, head) = (self.remote.tip(&pull.base), self.remote.tip(&pull.head));
        let tree = self
            .remote
            .git(&["merge-tree", "--write-tree", &base, &head]);
        let title = format!("{} (#{number})", pull.title);
        let commit = [
            "commit-tree",
            tree.trim_end(),
            "-p",
            &base,
            "-m",
            &title,
            "-m",
            &pull.body,
        ];
        let commit = self.remote.git(&commit).trim_end().to_owned();
        self.remote.git(&[
            "update-ref",
            &format!("refs/heads/{}", pull.base),
            &commit,
            &base,
        ]);
        self.set(number, GitHubPullState::Merged(commit.clone()));
        commit
    }

    pub(super) fn pull(&self, number: u64) -> Option<GitHubPull> {
        self.pulls
            .borrow()
            .iter()
            .find(|pull| pull.number == number)
            .cloned()
    }

    pub(super) fn set(&self, number: u64, state: GitHubPullState) {
        let mut pulls = self.pulls.borrow_mut();
        pulls
            .iter_mut()
            .find(|pull| pull.number == number)
            .expect("a pull request of this number")
            .state = state;
    }
}

fn new_pull(author: &str, head: String, base: String) -> GitHubPull {
    GitHubPull {
        number: 0,
        author: author.to_owned(),
        head,
        base,
        title: String::new(),
        body: String::new(),
        fork: false,
        state: GitHubPullState::Open,
    }
}

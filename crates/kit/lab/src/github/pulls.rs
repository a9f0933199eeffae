//! Branches that come and go, and pull requests of them.

use apollo_compiler::resolvers::FieldError;
use serde_json::Value;

use super::graphql::error;
use super::hub::{Hub, Token};
use super::objects::field;

/// Where a branch leads that is to be deleted.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// The branch that is to be merged.
    pub head: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
    /// Whether the branch that is to be merged is a fork's.
    pub fork: bool,
    /// What became of it.
    pub state: State,
}

/// What became of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Open,
    /// It was closed.
    Closed,
    /// It was merged, as this commit.
    Merged(String),
}

impl Pull {
    pub(super) fn id(&self) -> String {
        format!("PR_{}", self.number)
    }

    pub(super) fn url(&self) -> String {
        format!(
            "https://github.com/{}/pull/{}",
            super::REPOSITORY,
            self.number
        )
    }
}

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
        let now = |name: &str| self.tip(name.trim_start_matches("refs/heads/"));
        for update in &updates {
            let (name, before, after) = (
                field(update, "name"),
                update["beforeOid"].as_str(),
                field(update, "afterOid"),
            );
            let there = now(&name).unwrap_or_else(|| NOWHERE.to_owned());
            if before.is_some_and(|before| before != there) {
                return Err(error("STALE_DATA", format!("{name} is at {there}")));
            }
            let forward = [&there, &after].iter().any(|id| *id == NOWHERE)
                || matches!(self.compare(&there, &after), Some("AHEAD" | "IDENTICAL"));
            if !forward && update["force"] != true {
                return Err(error(
                    "UNPROCESSABLE",
                    format!("{name} is not a fast forward"),
                ));
            }
        }
        for update in updates {
            let (name, after) = (field(update, "name"), field(update, "afterOid"));
            match after == NOWHERE {
                true => self.remote.git(&["update-ref", "-d", &name]),
                false => self.remote.git(&["update-ref", &name, &after]),
            };
        }
        Ok(())
    }

    /// Opens a pull request.
    pub(super) fn open(&self, token: &Token, input: &Value) -> Result<Pull, FieldError> {
        if token.login == "github-actions[bot]" && !self.workflows_may_create_pulls {
            let message = "GitHub Actions is not permitted to create or approve pull requests.";
            return Err(error("FORBIDDEN", message));
        }
        let (head, base) = (field(input, "headRefName"), field(input, "baseRefName"));
        let mut pulls = self.pulls.borrow_mut();
        let same = |pull: &&Pull| pull.head == head && pull.base == base && !pull.fork;
        if pulls
            .iter()
            .filter(same)
            .any(|pull| pull.state == State::Open)
        {
            return Err(error(
                "UNPROCESSABLE",
                format!("A pull request already exists for example:{head}."),
            ));
        }
        let tips = self.tip(&base).zip(self.tip(&head));
        if tips.is_none_or(|(base, head)| self.compare(&base, &head) == Some("IDENTICAL")) {
            return Err(error(
                "UNPROCESSABLE",
                format!("No commits between {base} and {head}"),
            ));
        }
        let number = pulls.len() as u64 + 1;
        let (title, body) = (field(input, "title"), field(input, "body"));
        let pull = Pull {
            number,
            head,
            base,
            title,
            body,
            fork: false,
            state: State::Open,
        };
        pulls.push(pull.clone());
        Ok(pull)
    }

    /// Has a fork propose a branch of this name.
    pub(super) fn open_from_fork(&self, head: &str, base: &str) {
        let mut pulls = self.pulls.borrow_mut();
        let number = pulls.len() as u64 + 1;
        let (head, base) = (head.to_owned(), base.to_owned());
        let (title, body) = (String::new(), String::new());
        pulls.push(Pull {
            number,
            head,
            base,
            title,
            body,
            fork: true,
            state: State::Open,
        });
    }

    /// Changes the pull request that an input names.
    pub(super) fn change(
        &self,
        input: &Value,
        change: impl FnOnce(&mut Pull),
    ) -> Result<(), FieldError> {
        let id = field(input, "pullRequestId");
        let mut pulls = self.pulls.borrow_mut();
        let pull = pulls.iter_mut().find(|pull| pull.id() == id);
        change(
            pull.ok_or_else(|| error("NOT_FOUND", format!("Could not resolve to a node '{id}'")))?,
        );
        Ok(())
    }

    pub(super) fn close(&self, number: u64) {
        self.set(number, State::Closed);
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
        self.set(number, State::Merged(commit.clone()));
        commit
    }

    pub(super) fn pull(&self, number: u64) -> Option<Pull> {
        self.pulls
            .borrow()
            .iter()
            .find(|pull| pull.number == number)
            .cloned()
    }

    fn set(&self, number: u64, state: State) {
        let mut pulls = self.pulls.borrow_mut();
        pulls
            .iter_mut()
            .find(|pull| pull.number == number)
            .expect("a pull request of this number")
            .state = state;
    }
}

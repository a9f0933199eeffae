//! The server's state, and what happens to a request before it is looked at.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Debug, Formatter};

use serde_json::json;

use super::deployments::Deployment;
use super::pulls::Pull;
use super::{graphql, rest};
use crate::faulty::{Reply, Seen};
use crate::registry::basic;
use crate::repo::{HttpRemote, Objects, Remote};

type Race = Box<dyn FnOnce(&Remote) + Send>;

/// Everything that the server knows.
pub(super) struct Hub {
    pub(super) remote: Remote,
    pub(super) repository: &'static str,
    pub(super) protections: BTreeMap<String, Protection>,
    pub(super) declined: Option<String>,
    pub(super) signs: bool,
    pub(super) text_limit: usize,
    pub(super) workflows_may_create_pulls: bool,
    pub(super) script: VecDeque<When>,
    pub(super) race: RefCell<Option<Race>>,
    pub(super) merge_in: Cell<Option<usize>>,
    pub(super) pulls: RefCell<Vec<Pull>>,
    /// Oldest first.
    pub(super) deployments: Vec<Deployment>,
    /// How late it is.
    pub(super) seconds: u32,
    /// What a client asked for that GitHub does not have, and what we answered that it would not.
    pub(super) complaints: RefCell<Vec<String>>,
    pub(super) objects: RefCell<Objects>,
    tokens: Vec<Token>,
    git: HttpRemote,
}

/// What has to be so before a branch changes.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// Whether it is a protected branch of the old kind; otherwise a ruleset.
    pub classic: bool,
    /// How many reviews a pull request needs.
    pub reviews: u8,
    /// Which checks have to pass.
    pub checks: Vec<&'static str>,
}

/// Whose reply comes, and whether the request is carried out.
#[derive(Debug)]
pub(super) enum When {
    Instead(Reply),
    InsteadOfChange(Reply),
    AfterChange(Reply),
    NotThisChange,
}

/// Who asks, and what they may do.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) login: &'static str,
    pub(super) bypasses: bool,
    text: String,
    permissions: Vec<String>,
}

impl Debug for Hub {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("pulls", &self.pulls)
            .finish_non_exhaustive()
    }
}

impl Token {
    pub(super) fn of(login: &'static str, permissions: &[&str]) -> Self {
        let permissions = permissions.iter().map(|line| (*line).to_owned()).collect();
        Self {
            login,
            bypasses: false,
            text: String::new(),
            permissions,
        }
    }

    /// Returns whether the token has a permission; who may write may read.
    pub(super) fn may(&self, permission: &str) -> bool {
        let write = permission.replace(": read", ": write");
        self.permissions
            .iter()
            .any(|line| line == permission || *line == write)
    }
}

impl Hub {
    pub(super) fn new(remote: &Remote, repository: &'static str) -> Self {
        Self {
            remote: remote.clone(),
            repository,
            protections: BTreeMap::new(),
            declined: None,
            signs: true,
            text_limit: 512_000,
            workflows_may_create_pulls: true,
            script: VecDeque::new(),
            race: RefCell::default(),
            merge_in: Cell::default(),
            pulls: RefCell::default(),
            deployments: Vec::new(),
            seconds: 0,
            complaints: RefCell::default(),
            objects: RefCell::new(remote.objects()),
            tokens: Vec::new(),
            git: remote.http_as(repository),
        }
    }

    /// Makes a token and returns its text.
    pub(super) fn issue(&mut self, token: Token) -> String {
        let text = format!("ghs_Lab{:04}", self.tokens.len());
        self.tokens.push(Token {
            text: text.clone(),
            ..token
        });
        text
    }

    pub(super) fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }

    /// Returns the commit that a branch stands at.
    pub(super) fn tip(&self, branch: &str) -> Option<String> {
        self.remote
            .branches()
            .iter()
            .any(|name| name == branch)
            .then(|| self.remote.tip(branch))
    }

    pub(super) fn answer(&mut self, seen: &Seen) -> Reply {
        let changes = graphql::is_change(seen);
        match self.script.front() {
            Some(When::Instead(_)) => {}
            Some(_) if changes => {}
            _ => return self.carry_out(seen),
        }
        match self.script.pop_front() {
            Some(When::AfterChange(reply)) => {
                drop(self.carry_out(seen));
                reply
            }
            Some(When::Instead(reply) | When::InsteadOfChange(reply)) => reply,
            Some(When::NotThisChange) | None => self.carry_out(seen),
        }
    }

    fn carry_out(&self, seen: &Seen) -> Reply {
        if !seen.path.starts_with("/api/") {
            return self.forward_to_git(seen);
        }
        let shown = seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = self
            .tokens
            .iter()
            .find(|token| Some(token.text.as_str()) == shown)
        else {
            let url = "https://docs.github.com/rest";
            let body =
                json!({ "message": "Bad credentials", "documentation_url": url, "status": "401" });
            return Reply::json(401, &body);
        };
        match seen.path.strip_prefix("/api/v3") {
            Some(path) => rest::answer(self, token, seen, path),
            None => graphql::answer(self, token, seen),
        }
    }

    /// Lets git in with the token as its password.
    fn forward_to_git(&self, seen: &Seen) -> Reply {
        let shown = seen.header("authorization");
        let known = |token: &&Token| Some(basic("x-access-token", &token.text)).as_deref() == shown;
        let needs = if seen.path.contains("git-receive-pack") {
            "contents: write"
        } else {
            "contents: read"
        };
        match self.tokens.iter().find(known) {
            None => Reply::text(401, "who are you?\n")
                .header("WWW-Authenticate", "Basic realm=\"GitHub\""),
            Some(token) if token.may(needs) => Reply::forward(self.git.address()),
            Some(_) => Reply::text(403, "Write access to repository not granted.\n"),
        }
    }
}

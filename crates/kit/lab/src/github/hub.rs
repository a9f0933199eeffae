//! The state of the server.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Debug, Formatter};

use super::deployment::StoredDeployment;
use super::protection::Protection;
use super::pull::GitHubPull;
use super::token::GitHubToken;
use crate::faulty::ScriptedReply;
use crate::repo::{GitRemote, HttpRemote, ObjectReader};

type CommitRace = Box<dyn FnOnce(&GitRemote) + Send>;

/// The state of the server.
pub(super) struct Hub {
    pub(super) remote: GitRemote,
    pub(super) repository: &'static str,
    pub(super) protections: BTreeMap<String, Protection>,
    pub(super) declined: Option<String>,
    pub(super) signs: bool,
    /// Commits that GitHub wrote again and did not sign.
    pub(super) unsigned: RefCell<Vec<String>>,
    pub(super) hides_merge_commits: bool,
    pub(super) forbids_deletions: bool,
    pub(super) force_pushes: ForcePushes,
    pub(super) text_limit: usize,
    pub(super) workflows_may_create_pulls: bool,
    pub(super) script: VecDeque<When>,
    pub(super) race: RefCell<Option<CommitRace>>,
    pub(super) merge_in: Cell<Option<usize>>,
    pub(super) pulls: RefCell<Vec<GitHubPull>>,
    /// Oldest first.
    pub(super) deployments: Vec<StoredDeployment>,
    /// The time, in seconds.
    pub(super) seconds: u32,
    /// Requests and answers that differ from GitHub's published API.
    pub(super) complaints: RefCell<Vec<String>>,
    pub(super) objects: RefCell<ObjectReader>,
    pub(super) tokens: Vec<GitHubToken>,
    pub(super) git: HttpRemote,
}

/// Whether branches may be moved to commits that are no descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForcePushes {
    Allowed,
    /// A ruleset for all branches forbids them.
    Ruled,
    /// A setting of an Enterprise Server blocks them; no rule shows it.
    Blocked,
}

/// A scripted reply, and whether the request is executed.
#[derive(Debug)]
pub(super) enum When {
    Instead(ScriptedReply),
    InsteadOfChange(ScriptedReply),
    AfterChange(ScriptedReply),
    NotThisChange,
}

impl Debug for Hub {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("pulls", &self.pulls)
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub(super) fn new(remote: &GitRemote, repository: &'static str) -> Self {
        Self {
            remote: remote.clone(),
            repository,
            protections: BTreeMap::new(),
            declined: None,
            signs: true,
            unsigned: RefCell::default(),
            hides_merge_commits: false,
            forbids_deletions: false,
            force_pushes: ForcePushes::Allowed,
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

    /// Registers a token and returns its text.
    pub(super) fn issue(&mut self, mut token: GitHubToken) -> String {
        let text = format!("ghs_Lab{:04}", self.tokens.len());
        token.text.clone_from(&text);
        self.tokens.push(token);
        text
    }

    pub(super) fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }

    /// Returns the tip of a branch.
    pub(super) fn tip(&self, branch: &str) -> Option<String> {
        self.remote
            .branches()
            .iter()
            .any(|name| name == branch)
            .then(|| self.remote.tip(branch))
    }
}

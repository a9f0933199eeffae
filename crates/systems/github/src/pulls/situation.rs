//! The rules, branches and pull requests that exist before a proposal.

use branch::BranchName;
use contract::{Commit, Failure};
use serde::Deserialize;
use serde_json::Value;

use super::pull_request::PullRequest;
use crate::{
    account::Viewer,
    api::{Nodes, TokenPermission},
    github::GitHub,
};

/// The user of a job's own token.
const BUILT_IN: &str = "github-actions[bot]";

const SITUATION: &str = "query Situation($owner: String!, $name: String!, $branch: String!, \
     $base: String!, $head: String!, $headName: String!) { \
     viewer { login } repository(owner: $owner, name: $name) { id \
     ref(qualifiedName: $branch) { refUpdateRule { requiredStatusCheckContexts } \
     rules(first: 100) { nodes { type } } } \
     head: ref(qualifiedName: $head) { target { oid } refUpdateRule { allowsForcePushes } \
     rules(first: 100) { nodes { type } } } \
     own: pullRequests(baseRefName: $base, headRefName: $headName, states: OPEN, first: 20) { \
     nodes { ...pull } } \
     others: pullRequests(baseRefName: $base, states: OPEN, first: 100, \
     orderBy: { field: CREATED_AT, direction: DESC }) { nodes { ...pull } } } } \
     fragment pull on PullRequest { id number url title body headRefName headRefOid \
     author { __typename login } isCrossRepository }";

/// Asks for the situation of a proposal from the branch `head`.
pub(super) async fn ask(github: &GitHub<'_>, head: &BranchName) -> Result<Situation, Failure> {
    let base = &github.name;
    let variables = [
        ("branch", base.full()),
        ("base", base.as_str().to_owned()),
        ("head", head.full()),
        ("headName", head.as_str().to_owned()),
    ];
    let variables = variables.map(|(key, value)| (key.to_owned(), Value::from(value)));
    let variables = github.variables(variables);
    let data: SituationData = github
        .api
        .ask(SITUATION, &variables, TokenPermission::PullRequestsWrite)
        .await?;
    Ok(Situation {
        login: data.viewer.login,
        ..data.repository
    })
}

#[derive(Deserialize)]
struct SituationData {
    viewer: Viewer,
    repository: Situation,
}

/// The rules, branches and pull requests that exist before a proposal.
#[derive(Deserialize)]
pub(super) struct Situation {
    /// The repository's id, which every change needs.
    pub(super) id: String,
    #[serde(rename = "ref")]
    base: Option<BaseBranch>,
    head: Option<HeadRef>,
    own: Nodes<PullRequest>,
    others: Nodes<PullRequest>,
    /// The account of the token.
    #[serde(skip)]
    login: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BaseBranch {
    ref_update_rule: Option<BranchUpdateRule>,
    rules: Option<Nodes<RulesetRule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BranchUpdateRule {
    required_status_check_contexts: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct RulesetRule {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadRef {
    target: Option<HeadCommit>,
    ref_update_rule: Option<HeadUpdateRule>,
    rules: Option<Nodes<RulesetRule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadUpdateRule {
    allows_force_pushes: Option<bool>,
}

#[derive(Deserialize)]
struct HeadCommit {
    oid: Commit,
}

impl BaseBranch {
    /// Returns whether a pull request needs checks, by branch protection or by a ruleset.
    fn requires_checks(&self) -> bool {
        let contexts = self
            .ref_update_rule
            .as_ref()
            .and_then(|rule| rule.required_status_check_contexts.as_ref());
        let mut rules = self.rules.iter().flat_map(|rules| &rules.nodes);
        contexts.is_some_and(|contexts| !contexts.is_empty())
            || rules.any(RulesetRule::requires_checks)
    }
}

impl RulesetRule {
    fn requires_checks(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "REQUIRED_STATUS_CHECKS" | "REQUIRED_WORKFLOW_STATUS_CHECKS" | "WORKFLOWS"
        )
    }
}

impl Situation {
    /// Returns whether the branch that the proposal changes exists.
    pub(super) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// Returns whether required checks do not start by themselves: a pull request of a job's own
    /// token starts no workflow on an Enterprise Server, and waits for an approval on github.com.
    pub(super) fn waits_for_checks(&self) -> bool {
        self.login == BUILT_IN && self.base.as_ref().is_some_and(BaseBranch::requires_checks)
    }

    /// Returns the tip of the proposal's branch.
    pub(super) fn head(&self) -> Option<&Commit> {
        let target = self.head.as_ref()?.target.as_ref()?;
        Some(&target.oid)
    }

    /// Returns whether a rule forbids to replace the commit of the proposal's branch: one of branch
    /// protection, or of a ruleset.
    pub(super) fn forbids_force_pushes(&self) -> bool {
        let Some(head) = &self.head else {
            return false;
        };
        let protection = head.ref_update_rule.as_ref();
        let allowed = protection.and_then(|rule| rule.allows_force_pushes);
        let mut rules = head.rules.iter().flat_map(|rules| &rules.nodes);
        allowed == Some(false) || rules.any(|rule| rule.kind == "NON_FAST_FORWARD")
    }

    /// Returns the pull request of the proposal's branch; a fork may have a branch of the same
    /// name.
    pub(super) fn own(&self) -> Option<&PullRequest> {
        self.own.nodes.iter().find(|pull| !pull.is_cross_repository)
    }

    /// Returns whether the account of the token opened a pull request.
    pub(super) fn is_author_of(&self, pull: &PullRequest) -> bool {
        let author = pull.author.as_ref();
        author.is_some_and(|author| author.is(&self.login))
    }

    /// Returns the newest pull requests of this repository's branches, the proposal's one included.
    pub(super) fn all(&self) -> impl Iterator<Item = &PullRequest> {
        self.others
            .nodes
            .iter()
            .filter(|pull| !pull.is_cross_repository)
    }
}

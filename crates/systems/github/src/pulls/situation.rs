//! What there is before anything is proposed: rules, branches, pull requests.

use branch::BranchName as Name;
use contract::{Commit, Failure};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    GitHub,
    api::{Needs, Nodes},
};

/// Who a job's own token is.
const BUILT_IN: &str = "github-actions[bot]";

const SITUATION: &str = "query Situation($owner: String!, $name: String!, $branch: String!, $base: String!, \
     $head: String!, $headName: String!) { viewer { login } repository(owner: $owner, name: $name) { id \
     ref(qualifiedName: $branch) { refUpdateRule { requiredStatusCheckContexts } \
     rules(first: 100) { nodes { type } } } \
     head: ref(qualifiedName: $head) { target { oid } } \
     own: pullRequests(baseRefName: $base, headRefName: $headName, states: OPEN, first: 20) { nodes { ...pull } } \
     others: pullRequests(baseRefName: $base, states: OPEN, first: 100, \
     orderBy: { field: CREATED_AT, direction: DESC }) { nodes { ...pull } } } } \
     fragment pull on PullRequest { id number url title body headRefName isCrossRepository }";

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    pub(super) id: String,
    /// Its number.
    pub number: u64,
    /// Where people find it.
    pub url: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) head_ref_name: String,
    pub(super) is_cross_repository: bool,
}

/// Asks for it, for a proposal from the branch `head`.
pub(super) async fn ask(github: &GitHub<'_>, head: &Name) -> Result<Situation, Failure> {
    let base = &github.name;
    let variables = [
        ("branch", base.full()),
        ("base", base.as_str().to_owned()),
        ("head", head.full()),
        ("headName", head.as_str().to_owned()),
    ];
    let variables = variables.map(|(key, value)| (key.to_owned(), Value::from(value)));
    let variables = github.variables(variables);
    let data: Data = github
        .api
        .ask(SITUATION, &variables, Needs::PullRequestsWrite)
        .await?;
    Ok(Situation {
        is_built_in: data.viewer.login == BUILT_IN,
        ..data.repository
    })
}

#[derive(Deserialize)]
struct Data {
    viewer: Viewer,
    repository: Situation,
}

#[derive(Deserialize)]
struct Viewer {
    login: String,
}

/// What there is before anything is proposed.
#[derive(Deserialize)]
pub(super) struct Situation {
    /// The repository's, which changes are asked for with.
    pub(super) id: String,
    #[serde(rename = "ref")]
    base: Option<Base>,
    head: Option<Head>,
    own: Nodes<PullRequest>,
    others: Nodes<PullRequest>,
    #[serde(skip)]
    is_built_in: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Base {
    ref_update_rule: Option<UpdateRule>,
    rules: Option<Nodes<Rule>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateRule {
    required_status_check_contexts: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Head {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    oid: Commit,
}

impl Base {
    /// Returns whether a pull request needs checks: of a protected branch, or of a ruleset.
    fn requires_checks(&self) -> bool {
        let contexts = self
            .ref_update_rule
            .as_ref()
            .and_then(|rule| rule.required_status_check_contexts.as_ref());
        let mut rules = self.rules.iter().flat_map(|rules| &rules.nodes);
        contexts.is_some_and(|contexts| !contexts.is_empty())
            || rules.any(|rule| {
                [
                    "REQUIRED_STATUS_CHECKS",
                    "REQUIRED_WORKFLOW_STATUS_CHECKS",
                    "WORKFLOWS",
                ]
                .contains(&&*rule.kind)
            })
    }
}

impl Situation {
    /// Returns whether the branch is there that is to be changed.
    pub(super) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// Returns whether checks are required that would never start: a job's own token starts none.
    pub(super) fn is_never_checked(&self) -> bool {
        self.is_built_in && self.base.as_ref().is_some_and(Base::requires_checks)
    }

    /// Returns the commit that the branch of the proposal stands at.
    pub(super) fn head(&self) -> Option<&Commit> {
        self.head.as_ref().map(|head| &head.target.oid)
    }

    /// Returns the pull request of our branch; a fork may have a branch of the same name.
    pub(super) fn own(&self) -> Option<&PullRequest> {
        self.own.nodes.iter().find(|pull| !pull.is_cross_repository)
    }

    /// Returns the newest pull requests of this repository's branches, ours among them.
    pub(super) fn all(&self) -> impl Iterator<Item = &PullRequest> {
        self.others
            .nodes
            .iter()
            .filter(|pull| !pull.is_cross_repository)
    }
}

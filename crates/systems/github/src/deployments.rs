//! The deployments to an environment, and whether they succeeded.

use std::collections::BTreeMap;

use contract::{Commit, Failure, Reference, World, asking};
use fetch::FetchError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    account::{AccountNode, Viewer},
    api::{GitHubApi, PageInfo, TokenPermission},
    name::RepositoryName,
};

/// The most nodes of a list that GitHub returns at once.
const PAGE_SIZE: usize = 100;

/// The most pages that are read: workflow jobs with an environment make deployments without end.
const MAX_PAGES: usize = 10;

/// A deployment that `record-deployment` recorded.
///
/// Its payload is `{"schema":1,"overlay":"…","commit":"…","image":"…@sha256:…"}`. Deployments with
/// another payload do not count: every job with `environment:` makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDeployment {
    /// The overlay, from the root of its repository, as recorded.
    pub overlay: String,
    /// The commit that changed the overlay.
    pub commit: Commit,
    /// The image, with its digest.
    pub image: Reference,
    /// The time of the record, such as `2025-01-01T00:00:00Z`: always in UTC, so that texts compare
    /// as times.
    pub created: String,
    /// Whether it succeeded and has not failed since.
    pub is_good: bool,
    /// Whether it failed and has not succeeded since.
    pub is_bad: bool,
}

/// Which deployments to ask for.
#[derive(Debug)]
pub struct DeploymentQuery<'q> {
    /// The repository of the deployments.
    pub repository: &'q RepositoryName,
    /// The environments.
    pub environments: &'q [String],
    /// The logins of the accounts whose deployments count; without any, that of the token.
    pub creators: &'q [String],
}

/// The known deployments to an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployments {
    /// Newest first.
    pub list: Vec<RecordedDeployment>,
    /// The number of deployments that were read, including those that do not count.
    pub looked_at: usize,
    /// Whether these are all deployments to the environment.
    pub is_whole: bool,
    /// The logins of other accounts that recorded deployments, which do not count.
    pub others: Vec<String>,
}

/// Asks for the deployments to these environments, newest first, until `is_enough` holds, or
/// 1,000 deployments to one environment were read.
///
/// One request serves all environments, as long as one page of each is enough.
///
/// # Errors
/// The [`Failure`] of the request: `unavailable` or `denied`. The token needs `deployments: read`.
pub async fn deployments(
    world: &World,
    query: &DeploymentQuery<'_>,
    is_enough: impl Fn(&str, &Deployments) -> bool,
) -> Result<Vec<Deployments>, Failure> {
    let api = GitHubApi::new(world)?;
    let environments = query.environments;
    let mut found = vec![Deployments::default(); environments.len()];
    let mut open: Vec<OpenList> = (0..environments.len())
        .map(|at| OpenList { at, after: None })
        .collect();
    for _ in 0..MAX_PAGES {
        if open.is_empty() {
            break;
        }
        let variables = variables(query.repository, environments, &open);
        let mut data: DeploymentsData = api
            .ask(&document(&open), &variables, TokenPermission::Deployments)
            .await?;
        let creators = match (query.creators, data.viewer.take()) {
            ([], Some(viewer)) => vec![viewer.login],
            (creators, _) => creators.to_vec(),
        };
        let mut still_open = Vec::new();
        for OpenList { at, .. } in open {
            let page = data
                .repository
                .remove(&format!("e{at}"))
                .ok_or_else(|| not_answered(&environments[at]))?;
            let after = page.info.end_cursor.clone();
            found[at].add(page, &creators);
            if !found[at].is_whole && !is_enough(&environments[at], &found[at]) {
                still_open.push(OpenList { at, after });
            }
        }
        open = still_open;
    }
    Ok(found)
}

impl Deployments {
    fn add(&mut self, page: DeploymentPage, creators: &[String]) {
        self.looked_at += page.nodes.len();
        for node in page.nodes.into_iter().flatten() {
            let creator = node.creator.as_ref().map(AccountNode::login);
            let is_expected = is_one_of(node.creator.as_ref(), creators);
            let Some(deployment) = node.recorded(creators) else {
                continue;
            };
            if is_expected {
                self.list.push(deployment);
            } else if let Some(login) = creator.filter(|login| !self.others.contains(login)) {
                self.others.push(login);
            }
        }
        self.is_whole = !page.info.has_next_page;
    }
}

/// An environment whose list of deployments goes on.
struct OpenList {
    /// Its place among the environments.
    at: usize,
    /// The cursor after which its next page begins.
    after: Option<String>,
}

/// Returns the document with one alias and two variables per environment.
fn document(open: &[OpenList]) -> String {
    let parameters = each(open, |at| format!(", $e{at}: String!, $c{at}: String"));
    let fields = each(open, |at| {
        format!(
            " e{at}: deployments(environments: [$e{at}], first: {PAGE_SIZE}, after: $c{at}, \
             orderBy: {{ field: CREATED_AT, direction: DESC }}) {{ ...page }}"
        )
    });
    format!(
        "query Deployments($owner: String!, $name: String!{parameters}) {{ \
         viewer {{ login }} repository(owner: $owner, name: $name) {{{fields} }} }} \
         fragment page on DeploymentConnection {{ pageInfo {{ hasNextPage endCursor }} nodes {{ \
         payload createdAt creator {{ __typename login }} statuses(first: {PAGE_SIZE}) {{ \
         totalCount nodes {{ state createdAt creator {{ __typename login }} }} }} }} }}"
    )
}

fn each(open: &[OpenList], text: fn(usize) -> String) -> String {
    open.iter().map(|list| text(list.at)).collect()
}

fn variables(repository: &RepositoryName, environments: &[String], open: &[OpenList]) -> Value {
    let mut variables = Map::new();
    variables.insert("owner".to_owned(), repository.owner().into());
    variables.insert("name".to_owned(), repository.name().into());
    for OpenList { at, after } in open {
        variables.insert(format!("e{at}"), json!(environments[*at]));
        variables.insert(format!("c{at}"), json!(after));
    }
    Value::Object(variables)
}

fn not_answered(environment: &str) -> Failure {
    let text = format!("GitHub's answer lacks the deployments to `{environment}`");
    FetchError::new(asking::NOT_THE_API, text).into()
}

#[derive(Deserialize)]
struct DeploymentsData {
    viewer: Option<Viewer>,
    repository: BTreeMap<String, DeploymentPage>,
}

#[derive(Deserialize)]
struct DeploymentPage {
    #[serde(rename = "pageInfo")]
    info: PageInfo,
    nodes: Vec<Option<DeploymentNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentNode {
    payload: Option<String>,
    created_at: String,
    creator: Option<AccountNode>,
    statuses: Option<DeploymentStatuses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentStatuses {
    total_count: usize,
    nodes: Vec<Option<DeploymentStatus>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentStatus {
    state: String,
    created_at: String,
    creator: Option<AccountNode>,
}

#[derive(Deserialize)]
struct DeploymentPayload {
    schema: u32,
    overlay: String,
    commit: Commit,
    image: String,
}

impl DeploymentNode {
    /// Returns the deployment, if `record-deployment` recorded it.
    fn recorded(self, creators: &[String]) -> Option<RecordedDeployment> {
        let DeploymentPayload {
            schema: 1,
            overlay,
            commit,
            image,
        } = payload(&self.payload?)?
        else {
            return None;
        };
        let image: Reference = image.parse().ok()?;
        image.digest()?;
        let (is_good, is_bad) = self
            .statuses
            .map(|statuses| statuses.by(creators).judge())
            .unwrap_or_default();
        Some(RecordedDeployment {
            overlay,
            commit,
            image,
            created: self.created_at,
            is_good,
            is_bad,
        })
    }
}

/// Returns whether one of these accounts made something; GitHub names no deleted account.
fn is_one_of(account: Option<&AccountNode>, logins: &[String]) -> bool {
    account.is_some_and(|account| logins.iter().any(|login| account.is(login)))
}

/// Reads a payload.
///
/// GraphQL returns it as JSON in a string. A payload that was sent as a string, as GitHub's
/// documentation once asked for, is JSON in a string in a string (google/go-github#1116).
fn payload(text: &str) -> Option<DeploymentPayload> {
    match serde_json::from_str(text).ok()? {
        Value::String(inner) => serde_json::from_str(&inner).ok(),
        value => serde_json::from_value(value).ok(),
    }
}

impl DeploymentStatuses {
    /// Leaves out the statuses of other accounts: one of them could call a good deployment failed.
    fn by(mut self, creators: &[String]) -> Self {
        self.nodes.retain(|status| {
            let creator = status.as_ref().and_then(|status| status.creator.as_ref());
            is_one_of(creator, creators)
        });
        self
    }

    /// Returns whether a success came last, and whether a failure came last.
    ///
    /// The state of the deployment itself is no help: a newer success makes it inactive.
    /// The order of the statuses is undocumented; within the same second a failure counts as the
    /// last.
    fn judge(&self) -> (bool, bool) {
        let success = self.last(&["SUCCESS"]);
        let failure = self.last(&["FAILURE", "ERROR"]);
        // `record-deployment` makes four statuses at most. With more than a page of them, the
        // newest one may be missing.
        let is_whole = self.total_count <= PAGE_SIZE;
        (
            is_whole && success > failure,
            is_whole && failure.is_some() && failure >= success,
        )
    }

    /// Returns the time of the last status with one of these states.
    fn last(&self, states: &[&str]) -> Option<&String> {
        self.nodes
            .iter()
            .flatten()
            .filter(|status| states.contains(&&*status.state))
            .map(|status| &status.created_at)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn is_recorded(payload: &str) -> bool {
        let node = DeploymentNode {
            payload: Some(payload.to_owned()),
            created_at: String::new(),
            creator: None,
            statuses: None,
        };
        node.recorded(&[]).is_some()
    }

    fn judged(statuses: &[(&str, u32)]) -> (bool, bool) {
        let status = |(state, second): &(&str, u32)| {
            let created_at = format!("2025-01-01T00:00:{second:02}Z");
            Some(DeploymentStatus {
                state: (*state).to_owned(),
                created_at,
                creator: None,
            })
        };
        let nodes: Vec<_> = statuses.iter().map(status).collect();
        DeploymentStatuses {
            total_count: nodes.len(),
            nodes,
        }
        .judge()
    }

    #[test]
    fn a_payload_may_be_object_or_text() {
        let (commit, image) = ("c".repeat(40), format!("ghcr.io/acme/app:v1@{DIGEST}"));
        let object =
            json!({ "schema": 1, "overlay": "a", "commit": commit, "image": image }).to_string();
        assert!(is_recorded(&object) && is_recorded(&Value::from(object).to_string()));
    }

    #[test]
    fn other_payloads_do_not_count() {
        let (commit, image) = ("c".repeat(40), format!("ghcr.io/acme/app:v1@{DIGEST}"));
        for payload in [
            json!({}),
            json!(""),
            json!("text"),
            json!({ "overlay": "a", "commit": commit, "image": image }),
            json!({ "schema": 2, "overlay": "a", "commit": commit, "image": image }),
            json!({ "schema": 1, "overlay": "a", "commit": "main", "image": image }),
            json!({ "schema": 1, "overlay": "a", "commit": commit, "image": "ghcr.io/acme/app:v1" }),
        ] {
            assert!(!is_recorded(&payload.to_string()), "{payload}");
        }
        assert!(!is_recorded("") && !is_recorded("no JSON"));
    }

    #[test]
    fn the_last_status_decides_in_any_order() {
        for (statuses, is_good, is_bad) in [
            (&[][..], false, false),
            (&[("IN_PROGRESS", 1)], false, false),
            (&[("IN_PROGRESS", 1), ("SUCCESS", 2)], true, false),
            (
                &[("IN_PROGRESS", 1), ("SUCCESS", 2), ("INACTIVE", 3)],
                true,
                false,
            ),
            (&[("FAILURE", 1), ("SUCCESS", 2)], true, false),
            (&[("IN_PROGRESS", 1), ("FAILURE", 2)], false, true),
            (&[("SUCCESS", 1), ("FAILURE", 2)], false, true),
            (
                &[("SUCCESS", 1), ("ERROR", 2), ("INACTIVE", 3)],
                false,
                true,
            ),
            (&[("SUCCESS", 1), ("FAILURE", 1)], false, true),
        ] {
            let reversed: Vec<_> = statuses.iter().rev().copied().collect();
            let expected = (is_good, is_bad);
            assert_eq!(
                (judged(statuses), judged(&reversed)),
                (expected, expected),
                "{statuses:?}"
            );
        }
    }
}

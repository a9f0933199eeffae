//! What was deployed to an environment, and whether it turned out well.

use std::collections::BTreeMap;

use contract::{Commit, Failure, Reference, World, asking};
use fetch::FetchError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    RepositoryName,
    api::{Api, Needs, PageInfo},
};

/// The most that GitHub sends of a list at once.
const PAGE: usize = 100;

/// How many pages are read: a workflow whose jobs name an environment makes deployments without end.
const PAGES: usize = 10;

/// A deployment that `record-deployment` wrote down.
///
/// Its payload is `{"schema":1,"overlay":"…","commit":"…","image":"…@sha256:…"}`. Deployments with
/// another one, or with none, are not counted: every job with `environment:` makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The overlay, from the root of its repository, as it was named.
    pub overlay: String,
    /// The commit that changed the overlay.
    pub commit: Commit,
    /// The image, with its digest.
    pub image: Reference,
    /// When it was recorded, such as `2025-01-01T00:00:00Z`: in UTC, so that texts compare as times.
    pub created: String,
    /// Whether it succeeded, and did not fail since.
    pub is_good: bool,
    /// Whether it failed, and did not succeed since.
    pub is_bad: bool,
}

/// What is known of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployments {
    /// Newest first.
    pub list: Vec<Deployment>,
    /// How many were looked at, those that are not counted included.
    pub looked_at: usize,
    /// Whether these are all that there are.
    pub is_whole: bool,
}

/// Asks for the deployments to these environments, newest first, until that `is_enough`, or 1,000 of
/// one were looked at.
///
/// All environments are one question, as long as a page of each suffices.
///
/// # Errors
/// When there is no answer. The token needs `deployments: read`.
pub async fn deployments(
    world: &World,
    repository: &RepositoryName,
    environments: &[String],
    is_enough: impl Fn(&str, &Deployments) -> bool,
) -> Result<Vec<Deployments>, Failure> {
    let api = Api::new(world)?;
    let mut found = vec![Deployments::default(); environments.len()];
    let mut open: Vec<Open> = (0..environments.len())
        .map(|at| Open { at, after: None })
        .collect();
    for _ in 0..PAGES {
        if open.is_empty() {
            break;
        }
        let (document, variables) = question(repository, environments, &open);
        let mut answer: Answer = api.ask(&document, &variables, Needs::Deployments).await?;
        let mut still_open = Vec::new();
        for Open { at, .. } in open {
            let page = answer
                .repository
                .remove(&format!("e{at}"))
                .ok_or_else(|| not_answered(&environments[at]))?;
            let known = &mut found[at];
            known.looked_at += page.nodes.len();
            known
                .list
                .extend(page.nodes.into_iter().flatten().filter_map(Node::ours));
            known.is_whole = !page.info.has_next_page;
            if page.info.has_next_page && !is_enough(&environments[at], known) {
                still_open.push(Open {
                    at,
                    after: page.info.end_cursor,
                });
            }
        }
        open = still_open;
    }
    Ok(found)
}

/// An environment that there is more to know of.
struct Open {
    /// Which one.
    at: usize,
    /// Where its next page begins.
    after: Option<String>,
}

/// Returns the document with one alias and two variables an environment.
fn question(
    repository: &RepositoryName,
    environments: &[String],
    open: &[Open],
) -> (String, Value) {
    let each =
        |text: fn(usize) -> String| open.iter().map(|open| text(open.at)).collect::<String>();
    let parameters = each(|at| format!(", $e{at}: String!, $c{at}: String"));
    let fields = each(|at| {
        format!(
            " e{at}: deployments(environments: [$e{at}], first: {PAGE}, after: $c{at}, \
             orderBy: {{ field: CREATED_AT, direction: DESC }}) {{ ...page }}"
        )
    });
    let document = format!(
        "query Deployments($owner: String!, $name: String!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{{fields} }} }} \
         fragment page on DeploymentConnection {{ pageInfo {{ hasNextPage endCursor }} nodes {{ \
         payload createdAt statuses(first: {PAGE}) {{ totalCount nodes {{ state createdAt }} }} }} }}"
    );
    let own = [("owner", repository.owner()), ("name", repository.name())];
    let own = own.map(|(key, value)| (key.to_owned(), value.into()));
    let of_each = open.iter().flat_map(|Open { at, after }| {
        [
            (format!("e{at}"), json!(environments[*at])),
            (format!("c{at}"), json!(after)),
        ]
    });
    let variables: Map<String, Value> = own.into_iter().chain(of_each).collect();
    (document, Value::Object(variables))
}

fn not_answered(environment: &str) -> Failure {
    let text = format!("GitHub said nothing of the deployments to `{environment}`");
    FetchError::new(asking::NOT_THE_API, text).into()
}

#[derive(Deserialize)]
struct Answer {
    repository: BTreeMap<String, Page>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "pageInfo")]
    info: PageInfo,
    nodes: Vec<Option<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    payload: Option<String>,
    created_at: String,
    statuses: Option<Statuses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statuses {
    total_count: usize,
    nodes: Vec<Option<Status>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: String,
    created_at: String,
}

#[derive(Deserialize)]
struct Payload {
    schema: u32,
    overlay: String,
    commit: Commit,
    image: String,
}

impl Node {
    /// Returns the deployment, if it is one of `record-deployment`'s.
    fn ours(self) -> Option<Deployment> {
        let Payload {
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
            .map(|statuses| statuses.judge())
            .unwrap_or_default();
        Some(Deployment {
            overlay,
            commit,
            image,
            created: self.created_at,
            is_good,
            is_bad,
        })
    }
}

/// Reads a payload.
///
/// GraphQL has it as JSON in a string; who gave GitHub a string, as its documentation once asked for,
/// has JSON in a string in a string (google/go-github#1116).
fn payload(text: &str) -> Option<Payload> {
    match serde_json::from_str(text).ok()? {
        Value::String(inner) => serde_json::from_str(&inner).ok(),
        value => serde_json::from_value(value).ok(),
    }
}

impl Statuses {
    /// Returns whether there was a success and no failure after it, and whether there was a failure and
    /// no success after it.
    ///
    /// The state of the deployment itself does not say: a newer one that succeeds makes it inactive. In
    /// which order the statuses come is not published; in the same second the failure counts.
    fn judge(&self) -> (bool, bool) {
        let last = |states: &[&str]| {
            let of_these = self
                .nodes
                .iter()
                .flatten()
                .filter(|status| states.contains(&&*status.state));
            of_these.map(|status| &status.created_at).max()
        };
        let (success, failure) = (last(&["SUCCESS"]), last(&["FAILURE", "ERROR"]));
        // Ours has four at most; of one with more than a page the newest may be missing.
        let all = self.total_count <= PAGE;
        (
            all && success > failure,
            all && failure.is_some() && failure >= success,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn ours(payload: &str) -> bool {
        let node = Node {
            payload: Some(payload.to_owned()),
            created_at: String::new(),
            statuses: None,
        };
        node.ours().is_some()
    }

    fn judged(statuses: &[(&str, u32)]) -> (bool, bool) {
        let status = |(state, second): &(&str, u32)| {
            let created_at = format!("2025-01-01T00:00:{second:02}Z");
            Some(Status {
                state: (*state).to_owned(),
                created_at,
            })
        };
        let nodes: Vec<_> = statuses.iter().map(status).collect();
        Statuses {
            total_count: nodes.len(),
            nodes,
        }
        .judge()
    }

    #[test]
    fn a_payload_is_read_as_an_object_and_as_a_text_of_one() {
        let (commit, image) = ("c".repeat(40), format!("ghcr.io/acme/app:v1@{DIGEST}"));
        let object =
            json!({ "schema": 1, "overlay": "a", "commit": commit, "image": image }).to_string();
        assert!(ours(&object) && ours(&Value::from(object).to_string()));
    }

    #[test]
    fn what_others_write_there_is_not_ours() {
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
            assert!(!ours(&payload.to_string()), "{payload}");
        }
        assert!(!ours("") && !ours("no JSON"));
    }

    #[test]
    fn good_is_what_succeeded_and_did_not_fail_since_in_whichever_order_it_is_told() {
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

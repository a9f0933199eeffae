//! GitHub's two APIs, REST and GraphQL: their addresses, the token, and the meaning of their
//! errors.

use contract::{Failure, Secret, World, asking, world::BoundSecret};
use fetch::{Fetch, FetchError, HttpAnswer as Answer};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

/// The version of the REST API that this crate is written against.
const VERSION: &str = "2022-11-28";

/// The size limit of an answer: GraphQL sends the text of several files at once.
const MAX_ANSWER_SIZE: usize = 16 << 20;

/// The permission that a query or a change permission, as in a workflow's `permissions:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenPermission {
    Contents,
    ContentsWrite,
    Deployments,
    PullRequestsWrite,
}

impl TokenPermission {
    fn line(self) -> &'static str {
        match self {
            Self::Contents => "contents: read",
            Self::ContentsWrite => "contents: write",
            Self::Deployments => "deployments: read",
            Self::PullRequestsWrite => "pull-requests: write",
        }
    }
}

/// A GitHub server, with a token for it.
pub(crate) struct GitHubApi<'w> {
    world: &'w World,
    fetch: Fetch<'w>,
    rest: Url,
    graphql: Url,
    token: Secret,
}

/// A page of a list, in the form that all lists of GraphQL have.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Nodes<T> {
    pub(crate) nodes: Vec<T>,
}

/// Whether a list goes on after a page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    pub(crate) has_next_page: bool,
    pub(crate) end_cursor: Option<String>,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

/// An error in an answer of GraphQL.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GraphqlError {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
    path: Vec<Value>,
}

impl GraphqlError {
    fn is_null_object(&self) -> bool {
        self.kind == "NOT_FOUND" && self.path.len() > 1
    }
}

/// Why a change was not made, or may not have been made.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// GitHub answered with this error.
    Refused(GraphqlError),
    /// There was no answer.
    Failed(Failure),
}

/// The body of a REST answer that reports an error.
#[derive(Deserialize)]
struct RestError {
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GraphqlReply {
    data: Value,
    errors: Vec<GraphqlError>,
}

impl<'w> GitHubApi<'w> {
    /// # Errors
    /// `denied` when there is no token, `usage` when `GITHUB_API_URL` is not the address of an API.
    pub(crate) fn new(world: &'w World) -> Result<Self, Failure> {
        let (rest, graphql) = addresses(&api_url(world))?;
        let token = token(world)?.ok_or_else(|| {
            let error = anyhow::anyhow!("GitHub's API needs a token, but none is set");
            Failure::denied(asking::NO_CREDENTIALS, error)
                .hinted("set `RUNBOOK_GITHUB_TOKEN` to a token")
        })?;
        Ok(Self {
            world,
            fetch: Fetch::new(world),
            rest,
            graphql,
            token,
        })
    }

    /// Sends a query to GraphQL.
    ///
    /// An object that GitHub does not find inside of the queried one is `null`. Every other error
    /// is a failure, since a partial answer is not an answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
        permission: TokenPermission,
    ) -> Result<T, Failure> {
        let reply = self.graphql(document, variables, permission, true).await?;
        match reply.errors.iter().find(|error| !error.is_null_object()) {
            Some(error) => Err(self.failure(error, permission)),
            None => self.parse(reply.data),
        }
    }

    /// Sends a mutation to GraphQL, once.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        document: &str,
        input: Value,
        permission: TokenPermission,
    ) -> Result<T, ChangeError> {
        let variables = json!({ "input": input });
        let reply = self
            .graphql(document, &variables, permission, false)
            .await
            .map_err(ChangeError::Failed)?;
        match reply.errors.into_iter().next() {
            Some(error) => Err(ChangeError::Refused(error)),
            None => self.parse(reply.data).map_err(ChangeError::Failed),
        }
    }

    /// Asks the REST API; every answer other than 200, 404 and, with an `etag`, 304 is a failure.
    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        etag: Option<&str>,
        permission: TokenPermission,
    ) -> Result<Answer, Failure> {
        let mut url = self.rest.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self
            .fetch
            .get(url)
            .limit(MAX_ANSWER_SIZE)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", VERSION);
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        let answer = request
            .secret_header("authorization", self.bearer(&self.rest))
            .send()
            .await?;
        match answer.status() {
            200 | 304 | 404 => Ok(answer),
            _ => Err(self.unexpected(&answer, permission)),
        }
    }

    async fn graphql(
        &self,
        document: &str,
        variables: &Value,
        permission: TokenPermission,
        repeatable: bool,
    ) -> Result<GraphqlReply, Failure> {
        let body = json!({ "query": document, "variables": variables })
            .to_string()
            .into_bytes();
        let mut request = self
            .fetch
            .post(self.graphql.clone(), body)
            .limit(MAX_ANSWER_SIZE)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .secret_header("authorization", self.bearer(&self.graphql));
        if repeatable {
            request = request.repeatable();
        }
        let answer = request.send().await?;
        if answer.status() != 200 {
            return Err(self.unexpected(&answer, permission));
        }
        answer.json().map_err(Failure::from)
    }

    fn bearer(&self, server: &Url) -> BoundSecret {
        let header = Secret::new(format!("Bearer {}", self.token.expose()));
        BoundSecret::new(header, server)
    }

    /// Returns the failure for an unexpected status.
    fn unexpected(&self, answer: &Answer, permission: TokenPermission) -> Failure {
        let message = answer.json::<RestError>().map(|error| error.message);
        match (answer.status(), message) {
            (401, message) => {
                let message = message.map(|text| format!(": {text}")).unwrap_or_default();
                let source = answer.source();
                let error = anyhow::anyhow!("{source} does not accept the token{message}");
                Failure::denied(asking::CREDENTIALS_REJECTED, error).hinted(
                    "check `RUNBOOK_GITHUB_TOKEN`: it may have expired, or belong to another host",
                )
            }
            (403, Ok(message)) => permission_missing(&self.world.redact(&message), permission),
            (status, _) => {
                let text = format!("{} answered {status}{}", answer.source(), answer.quoted());
                FetchError::new(asking::NOT_THE_API, self.world.redact(&text)).into()
            }
        }
    }

    /// Returns the failure for an error of GraphQL that does not answer the query.
    pub(crate) fn failure(&self, error: &GraphqlError, permission: TokenPermission) -> Failure {
        let message = one_line(&self.world.redact(&error.message));
        let host = self.graphql.host_str().unwrap_or_default();
        let reason = match error.kind.as_str() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => return permission_missing(&message, permission),
            "NOT_FOUND" => {
                return permission_missing(&message, permission)
                    .hinted("check `--repository`: GitHub hides what a token may not see");
            }
            "RATE_LIMITED" => asking::RATE_LIMITED,
            // The documents are checked against GitHub's schema, so what is left is GitHub's own
            // accident (`Something went wrong while executing your query`), which may pass.
            _ => asking::SERVER_ERROR,
        };
        Failure::unavailable(reason, anyhow::anyhow!("`{host}` says: {message}"))
    }

    fn parse<T: DeserializeOwned>(&self, data: Value) -> Result<T, Failure> {
        serde_json::from_value(data).map_err(|error| {
            let host = self.graphql.host_str().unwrap_or_default();
            FetchError::new(
                asking::NOT_THE_API,
                format!("`{host}` sent an answer of unknown form ({error})"),
            )
            .into()
        })
    }
}

/// Returns the token for the API, if one is set.
fn token(world: &World) -> Result<Option<Secret>, Failure> {
    world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))
}

fn api_url(world: &World) -> String {
    world
        .var("GITHUB_API_URL")
        .unwrap_or_else(|| "https://api.github.com".to_owned())
}

/// Returns whether the API is available: a token is set, and the forge is GitHub, not one that only
/// runs GitHub's workflows.
///
/// # Errors
/// A `usage` [`Failure`] when the token contains a line break.
pub fn is_at_hand(world: &World) -> Result<bool, Failure> {
    Ok(addresses(&api_url(world)).is_ok() && token(world)?.is_some())
}

/// Returns the addresses of REST and of GraphQL: `https://api.github.com` has `/graphql`, a GitHub
/// Enterprise Server has `/api/v3` and `/api/graphql`.
fn addresses(given: &str) -> Result<(Url, Url), Failure> {
    let wrong = || {
        let error =
            anyhow::anyhow!("`{given}` in `GITHUB_API_URL` is not the address of GitHub's API");
        Failure::usage(error)
            .hinted("set it like `https://api.github.com` or `https://HOST/api/v3`")
    };
    let rest: Url = given.parse().map_err(|_| wrong())?;
    let path = match rest.path().trim_end_matches('/') {
        _ if !matches!(rest.scheme(), "http" | "https") => return Err(wrong()),
        "" => "/graphql",
        "/api/v3" => "/api/graphql",
        _ => return Err(wrong()),
    };
    let mut graphql = rest.clone();
    graphql.set_path(path);
    Ok((rest, graphql))
}

fn permission_missing(message: &str, permission: TokenPermission) -> Failure {
    let error = anyhow::anyhow!(
        "GitHub does not allow this token to do that: {}",
        one_line(message)
    );
    Failure::denied(asking::PERMISSION_MISSING, error).hinted(format!(
        "give the token `{}`: below `permissions:` of the job, \
         or in the settings of the App or token",
        permission.line()
    ))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_and_rest_share_a_host() {
        let both =
            |given| addresses(given).map(|(rest, graphql)| (rest.to_string(), graphql.to_string()));
        let pair = |rest: &str, graphql: &str| (rest.to_owned(), graphql.to_owned());
        assert_eq!(
            both("https://api.github.com").unwrap(),
            pair("https://api.github.com/", "https://api.github.com/graphql")
        );
        assert_eq!(
            both("https://git.example.org/api/v3/").unwrap(),
            pair(
                "https://git.example.org/api/v3/",
                "https://git.example.org/api/graphql"
            )
        );
        for wrong in [
            "api.github.com",
            "",
            "file:///etc",
            "https://git.example.org/api/v1",
        ] {
            assert!(both(wrong).is_err(), "{wrong}");
        }
    }
}

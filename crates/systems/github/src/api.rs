//! The two APIs of a GitHub: where they are, who asks, and what a refusal means.

use contract::{Failure, Secret, World, asking};
use fetch::{Fetch, FetchError, HttpAnswer as Answer};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

/// The version of the REST API that this was written against.
const VERSION: &str = "2022-11-28";

/// What an answer may weigh: GraphQL sends the text of several files in one.
const LIMIT: usize = 16 << 20;

/// What a token needs for a question or a change, as a workflow's `permissions:` say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Contents,
    ContentsWrite,
    Deployments,
    PullRequestsWrite,
}

impl Needs {
    fn line(self) -> &'static str {
        match self {
            Self::Contents => "contents: read",
            Self::ContentsWrite => "contents: write",
            Self::Deployments => "deployments: read",
            Self::PullRequestsWrite => "pull-requests: write",
        }
    }
}

/// A GitHub, and a token for it.
pub(crate) struct Api<'w> {
    world: &'w World,
    fetch: Fetch<'w>,
    rest: Url,
    graphql: Url,
    token: Secret,
}

/// A page of a list, as GraphQL has all lists.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Nodes<T> {
    pub(crate) nodes: Vec<T>,
}

/// Whether a list goes on behind a page.
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

/// An error of GraphQL's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
    path: Vec<Value>,
}

/// Why a change was not made, or not surely.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// GitHub answered, and said this.
    Said(Said),
    /// There was no answer.
    Failed(Failure),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reply {
    data: Value,
    errors: Vec<Said>,
}

impl<'w> Api<'w> {
    /// # Errors
    /// When there is no token, or `GITHUB_API_URL` is no address.
    pub(crate) fn new(world: &'w World) -> Result<Self, Failure> {
        let (rest, graphql) = addresses(&given(world))?;
        let token = token(world)?.ok_or_else(|| {
            let error = anyhow::anyhow!("GitHub's API needs a token, and there is none");
            Failure::denied(asking::NO_CREDENTIALS, error)
                .hinted("put a token into `RUNBOOK_GITHUB_TOKEN`")
        })?;
        Ok(Self {
            world,
            fetch: Fetch::new(world),
            rest,
            graphql,
            token,
        })
    }

    /// Puts a question to GraphQL. What is not found below what was asked for is `null`; every other
    /// error is a failure, since half an answer is none.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        document: &str,
        variables: &Value,
        needs: Needs,
    ) -> Result<T, Failure> {
        let reply = self.graphql(document, variables, needs, true).await?;
        let is_null = |said: &&Said| said.kind == "NOT_FOUND" && said.path.len() > 1;
        match reply.errors.iter().find(|said| !is_null(said)) {
            Some(said) => Err(self.failure(said, needs)),
            None => self.shaped(reply.data),
        }
    }

    /// Asks GraphQL for a change, once.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        document: &str,
        input: Value,
        needs: Needs,
    ) -> Result<T, Refusal> {
        let variables = json!({ "input": input });
        let reply = self
            .graphql(document, &variables, needs, false)
            .await
            .map_err(Refusal::Failed)?;
        match reply.errors.into_iter().next() {
            Some(said) => Err(Refusal::Said(said)),
            None => self.shaped(reply.data).map_err(Refusal::Failed),
        }
    }

    /// Asks the REST API; the answer is 200 or 404, or 304 when there is an `etag`.
    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
        etag: Option<&str>,
        needs: Needs,
    ) -> Result<Answer, Failure> {
        let mut url = self.rest.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self
            .fetch
            .get(url)
            .limit(LIMIT)
            .header("accept", "application/vnd.github+json");
        let request = request.header("x-github-api-version", VERSION);
        let request = etag.into_iter().fold(request, |request, etag| {
            request.header("if-none-match", etag)
        });
        let answer = request
            .secret_header("authorization", self.bearer())
            .send()
            .await?;
        match answer.status() {
            200 | 304 | 404 => Ok(answer),
            _ => Err(self.unexpected(&answer, needs)),
        }
    }

    async fn graphql(
        &self,
        document: &str,
        variables: &Value,
        needs: Needs,
        repeatable: bool,
    ) -> Result<Reply, Failure> {
        let body = json!({ "query": document, "variables": variables })
            .to_string()
            .into_bytes();
        let request = self.fetch.post(self.graphql.clone(), body).limit(LIMIT);
        let request = request
            .header("content-type", "application/json")
            .header("accept", "application/json");
        let request = request.secret_header("authorization", self.bearer());
        let request = if repeatable {
            request.repeatable()
        } else {
            request
        };
        let answer = request.send().await?;
        if answer.status() != 200 {
            return Err(self.unexpected(&answer, needs));
        }
        answer.json().map_err(Failure::from)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.expose())
    }

    /// Returns what a status means that is no answer.
    fn unexpected(&self, answer: &Answer, needs: Needs) -> Failure {
        #[derive(Deserialize)]
        struct Body {
            message: String,
        }
        let said = answer.json::<Body>().map(|body| body.message);
        match (answer.status(), said) {
            (401, said) => {
                let said = said.map(|said| format!(": {said}")).unwrap_or_default();
                let error = anyhow::anyhow!("{} does not accept the token{said}", answer.source());
                Failure::denied(asking::CREDENTIALS_REJECTED, error).hinted(
                    "check `RUNBOOK_GITHUB_TOKEN`: it may have expired, or be another host's",
                )
            }
            (403, Ok(said)) => permission_missing(&self.world.redact(&said), needs),
            (status, _) => {
                let text = format!("{} answered {status}{}", answer.source(), answer.quoted());
                FetchError::new(asking::NOT_THE_API, self.world.redact(&text)).into()
            }
        }
    }

    /// Returns what an error of GraphQL's means that is no answer to the question.
    pub(crate) fn failure(&self, said: &Said, needs: Needs) -> Failure {
        let message = one_line(&self.world.redact(&said.message));
        let host = self.graphql.host_str().unwrap_or_default();
        match said.kind.as_str() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => permission_missing(&message, needs),
            "NOT_FOUND" => permission_missing(&message, needs)
                .hinted("check `--repository`: what a token may not see is not found"),
            "RATE_LIMITED" => Failure::unavailable(
                asking::RATE_LIMITED,
                anyhow::anyhow!("`{host}` says: {message}"),
            ),
            // Our documents are checked against GitHub's schema: what is left is an accident of its own
            // (`Something went wrong while executing your query`), which may pass.
            _ => Failure::unavailable(
                asking::SERVER_ERROR,
                anyhow::anyhow!("`{host}` says: {message}"),
            ),
        }
    }

    fn shaped<T: DeserializeOwned>(&self, data: Value) -> Result<T, Failure> {
        serde_json::from_value(data).map_err(|error| {
            let host = self.graphql.host_str().unwrap_or_default();
            FetchError::new(
                asking::NOT_THE_API,
                format!("`{host}` answered in another shape ({error})"),
            )
            .into()
        })
    }
}

/// Returns the token for the API, if there is one.
fn token(world: &World) -> Result<Option<Secret>, Failure> {
    world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))
}

fn given(world: &World) -> String {
    world
        .var("GITHUB_API_URL")
        .unwrap_or_else(|| "https://api.github.com".to_owned())
}

/// Returns whether the API can be asked: there is a token, and the forge is GitHub, not one that only
/// has its workflows.
///
/// # Errors
/// A `usage` [`Failure`] when the token has a line break.
pub fn is_at_hand(world: &World) -> Result<bool, Failure> {
    Ok(addresses(&given(world)).is_ok() && token(world)?.is_some())
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

fn permission_missing(said: &str, needs: Needs) -> Failure {
    let error = anyhow::anyhow!("GitHub does not let this token do that: {}", one_line(said));
    Failure::denied(asking::PERMISSION_MISSING, error).hinted(format!(
        "give the token `{}`: below `permissions:` of the job, or in the settings of the App or token",
        needs.line()
    ))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_is_beside_rest_on_github_com_and_on_an_enterprise_server() {
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

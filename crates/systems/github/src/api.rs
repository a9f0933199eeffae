//! GitHub's two APIs, REST and GraphQL: their addresses, the token, and the meaning of their
//! errors.

use contract::{Failure, Secret, World, asking, world::BoundSecret};
use fetch::{Fetch, FetchError, HttpAnswer as Answer};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use crate::{denial::denied, reasons::TOO_LARGE};

pub(crate) use crate::permission::TokenPermission;

/// The version of the REST API that this crate is written against. Version 2026-03-10 removes
/// `merge_commit_sha` from pull requests.
const VERSION: &str = "2022-11-28";

/// The size limit of an answer: GraphQL sends the text of several files at once.
const MAX_ANSWER_SIZE: usize = 16 << 20;

/// The longest message to keep of an error.
const MAX_MESSAGE: usize = 2000;

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
    extensions: Option<ErrorExtensions>,
}

/// What GitHub adds to an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ErrorExtensions {
    code: Option<String>,
    saml_failure: bool,
}

impl GraphqlError {
    /// Returns whether the organization wants a single sign-on.
    fn is_saml(&self) -> bool {
        self.extensions
            .as_ref()
            .is_some_and(|extensions| extensions.saml_failure)
    }

    /// Returns whether the server's schema lacks a field, as that of an older server does.
    fn is_unknown_field(&self) -> bool {
        let code = self.extensions.as_ref().and_then(|own| own.code.as_deref());
        code == Some("undefinedField")
    }

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
    documentation_url: Option<String>,
    status: Option<Value>,
}

impl RestError {
    /// Reads an error in GitHub's own form; a firewall or a proxy may answer with another one, or
    /// with a page.
    fn of(answer: &Answer) -> Option<Self> {
        let error: Self = answer.json().ok()?;
        let is_githubs = error.documentation_url.is_some()
            || error.status.is_some()
            || answer.header("x-github-request-id").is_some();
        is_githubs.then_some(error)
    }

    /// Returns whether GitHub says of a whole id that it has no such commit (`GET …/commits/{ref}`).
    fn is_missing_commit(&self) -> bool {
        self.message.starts_with("No commit found for SHA")
    }
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

    /// Asks the REST API; every answer other than 200, 404, the 422 for a missing commit and, with an
    /// `etag`, 304 is a failure.
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
            .await
            .map_err(failed)?;
        match answer.status() {
            200 | 304 => Ok(answer),
            404 if RestError::of(&answer).is_some() => Ok(answer),
            422 if RestError::of(&answer).is_some_and(|error| error.is_missing_commit()) => {
                Ok(answer)
            }
            _ => Err(self.unexpected(&answer, permission)),
        }
    }

    /// Makes an object of git through the REST API, which is on no branch yet: making it twice does
    /// no harm.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: &Value,
        permission: TokenPermission,
    ) -> Result<Answer, Failure> {
        let mut url = self.rest.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        let answer = self
            .fetch
            .post(url, body.to_string().into_bytes())
            .limit(MAX_ANSWER_SIZE)
            .repeatable()
            .header("accept", "application/vnd.github+json")
            .header("content-type", "application/json")
            .header("x-github-api-version", VERSION)
            .secret_header("authorization", self.bearer(&self.rest))
            .send()
            .await
            .map_err(failed)?;
        match answer.status() {
            201 => Ok(answer),
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
            .graphql()
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .secret_header("authorization", self.bearer(&self.graphql));
        if repeatable {
            request = request.repeatable().costly();
        }
        let answer = request.send().await.map_err(failed)?;
        if answer.status() != 200 {
            return Err(self.unexpected(&answer, permission));
        }
        let mut reply: GraphqlReply = answer.json()?;
        for error in &mut reply.errors {
            // Redacted first: a part of a secret is not recognized.
            error.message = cut(&self.world.redact(&error.message));
        }
        if reply.errors.is_empty() && !reply.data.is_object() {
            let text = format!(
                "{} sent no answer of GraphQL{}",
                answer.source(),
                answer.request_id()
            );
            return Err(FetchError::new(asking::NOT_THE_API, text).into());
        }
        Ok(reply)
    }

    /// Returns the message of an error in GitHub's own form.
    pub(crate) fn message(answer: &Answer) -> Option<String> {
        RestError::of(answer).map(|error| error.message)
    }

    /// Returns whether this is github.com, or a company's part of it, not an Enterprise Server.
    pub(crate) fn is_of_github_com(&self) -> bool {
        self.rest.host_str().is_some_and(is_of_github_com)
    }

    /// Says something that the user should know, once.
    pub(crate) fn notice(&self, text: &str) {
        self.world.notice(text);
    }

    fn bearer(&self, server: &Url) -> BoundSecret {
        let header = Secret::new(format!("Bearer {}", self.token.expose()));
        BoundSecret::new(header, server)
    }

    /// Returns the failure for an unexpected status. Only GitHub itself can refuse a token.
    fn unexpected(&self, answer: &Answer, permission: TokenPermission) -> Failure {
        let message = RestError::of(answer).map(|error| cut(&self.world.redact(&error.message)));
        match (answer.status(), message) {
            (401, Some(message)) => {
                let source = answer.source();
                let error = anyhow::anyhow!("{source} does not accept the token: {message}");
                Failure::denied(asking::CREDENTIALS_REJECTED, error)
                    .hinted(rejection_hint(&message))
            }
            (403 | 451, Some(message)) => denied(&one_line(&message), false, permission),
            (422, Some(message)) if is_too_large(&message) => too_large(&one_line(&message)),
            (status, _) => {
                let (source, quoted) = (answer.source(), answer.quoted());
                let text = format!("{source} answered {status}{quoted}{}", answer.request_id());
                let failure: Failure =
                    FetchError::new(asking::NOT_THE_API, self.world.redact(&text)).into();
                failure.hinted(
                    "check `GITHUB_API_URL`; a proxy or a firewall may have answered in the \
                     place of GitHub",
                )
            }
        }
    }

    /// Returns the failure for an error of GraphQL that does not answer the query.
    pub(crate) fn failure(&self, error: &GraphqlError, permission: TokenPermission) -> Failure {
        let message = one_line(&self.world.redact(&error.message));
        let host = self.graphql.host_str().unwrap_or_default();
        let said = anyhow::anyhow!("`{host}` says: {message}");
        match error.kind.as_str() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => denied(&message, error.is_saml(), permission),
            "NOT_FOUND" => denied(&message, error.is_saml(), permission)
                .hinted("check `--repository`: GitHub hides what a token may not see"),
            "RATE_LIMITED" | "RATE_LIMIT" => Failure::unavailable(asking::RATE_LIMITED, said),
            "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED" | "EXCESSIVE_PAGINATION" => {
                too_large(&message)
            }
            "" if error.is_unknown_field() => Failure::unavailable(asking::NOT_THE_API, said)
                .hinted("use a newer GitHub Enterprise Server: this one does not know the field"),
            // The documents are checked against GitHub's schema, so what is left is GitHub's own
            // accident (`Something went wrong while executing your query`), which may pass.
            _ => Failure::unavailable(asking::SERVER_ERROR, said),
        }
    }

    fn parse<T: DeserializeOwned>(&self, data: Value) -> Result<T, Failure> {
        serde_json::from_value(data).map_err(|error| {
            let host = self.graphql.host_str().unwrap_or_default();
            // The parser quotes the whole text that it did not expect.
            let error = self.world.excerpt(&error.to_string(), MAX_MESSAGE);
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

fn is_of_github_com(host: &str) -> bool {
    host == "api.github.com" || host.ends_with(".ghe.com")
}

fn failed(error: FetchError) -> Failure {
    let failure = Failure::from(error);
    if failure.reason == asking::RATE_LIMITED {
        return failure.hinted(
            "wait, or use the token of an App: that of a job has 1,000 requests an hour \
             for each repository",
        );
    }
    failure
}

/// Returns what helps against a rejected token. Enterprise Servers before 3.10 reject fine-grained
/// ones at their GraphQL API.
fn rejection_hint(message: &str) -> &'static str {
    if message.contains("do not support the GraphQL API") {
        "use the token of an App, or a classic personal access token: this server's GraphQL API \
         takes no fine-grained ones"
    } else {
        "check `RUNBOOK_GITHUB_TOKEN`: it may have expired, or belong to another host"
    }
}

fn is_too_large(message: &str) -> bool {
    message.contains("taking too long to generate")
}

fn too_large(message: &str) -> Failure {
    Failure::unavailable(
        TOO_LARGE,
        anyhow::anyhow!("GitHub does not answer: {message}"),
    )
}

/// Keeps the beginning of a message of GitHub.
fn cut(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
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
        assert_eq!(
            both("https://api.acme.ghe.com").unwrap(),
            pair(
                "https://api.acme.ghe.com/",
                "https://api.acme.ghe.com/graphql"
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

    #[test]
    fn an_older_server_takes_no_fine_grained_tokens() {
        let said = "Personal access tokens with fine grained access do not support the GraphQL API";
        assert!(rejection_hint(said).contains("classic"));
        assert!(rejection_hint("Bad credentials").contains("expired"));
    }

    #[test]
    fn an_enterprise_server_is_not_github_com() {
        for (host, expected) in [
            ("api.github.com", true),
            ("api.acme.ghe.com", true),
            ("git.example.org", false),
            ("api.github.com.example.org", false),
            ("xghe.com", false),
        ] {
            assert_eq!(is_of_github_com(host), expected, "{host}");
        }
    }
}

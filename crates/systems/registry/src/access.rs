//! Gets past a registry's access control: the scheme, the challenge, the token, and the reason when
//! the registry refuses.

use std::cell::{Cell, OnceCell, RefCell};

use contract::{Failure, Secret, World, asking};
use fetch::{Fetch, FetchError, HttpAnswer, is_loopback};
use url::Url;

use crate::{
    RegistryOptions,
    challenge::{BearerChallenge, Challenge},
    credentials::{self, CredentialKind, Credentials},
    error::RegistryError,
    token::{TokenAnswer, TokenEndpoint, bearer_header},
};

/// The one registry whose token server is known without asking, which saves a request: its own
/// challenge on `/v2/` names a placeholder scope.
const GHCR: &str = "ghcr.io";

/// Access to one repository of a registry.
pub(crate) struct RepositoryAccess<'w> {
    world: &'w World,
    fetch: Fetch<'w>,
    host: String,
    repository: String,
    options: RegistryOptions,
    uses_https: Cell<bool>,
    authorization: RefCell<Option<Authorization>>,
    /// Empty until the registry asks for credentials.
    credentials: OnceCell<Option<Credentials>>,
    /// The token server rejected the credentials; since then requests go without them.
    are_rejected: Cell<bool>,
}

/// The header `authorization` of each request.
#[derive(Debug, Clone)]
struct Authorization {
    header: Secret,
    kind: AuthorizationKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AuthorizationKind {
    /// A token that anybody gets.
    Anonymous,
    /// A token that the token server granted for the credentials, which are therefore valid.
    Token,
    /// The credentials themselves, which the registry has yet to accept.
    Password,
}

impl<'w> RepositoryAccess<'w> {
    pub(crate) fn new(
        world: &'w World,
        host: &str,
        repository: &str,
        options: RegistryOptions,
    ) -> Self {
        Self {
            world,
            fetch: Fetch::new(world).trusting(options.authorities.clone()),
            host: host.to_owned(),
            repository: repository.to_owned(),
            uses_https: Cell::new(starts_with_https(host, &options)),
            options,
            authorization: RefCell::default(),
            credentials: OnceCell::new(),
            are_rejected: Cell::new(false),
        }
    }

    /// Sends a GET, and logs in if the registry requires it. The answer is neither 401 nor 403.
    pub(crate) async fn get(
        &self,
        path: &str,
        accept: &str,
        limit: Option<usize>,
    ) -> Result<HttpAnswer, Failure> {
        if self.host == GHCR && self.authorization.borrow().is_none() {
            self.log_in(ghcr_challenge(&self.repository)).await?;
        }
        let mut answer = self.send(path, accept, limit).await?;
        if answer.status() == 400 && !self.uses_https.get() && requires_tls(&answer) {
            self.uses_https.set(true);
            answer = self.send(path, accept, limit).await?;
        }
        // Also after the first login: a token may expire while the step waits.
        if answer.status() == 401 {
            let challenge = Challenge::find(answer.headers("www-authenticate"))
                .ok_or_else(|| self.denied(&answer))?;
            self.log_in(challenge).await?;
            answer = self.send(path, accept, limit).await?;
        }
        if matches!(answer.status(), 401 | 403) {
            return Err(self.denied(&answer));
        }
        if self.are_rejected.get() {
            let (host, source) = (&self.host, self.source());
            self.world.notice(format!(
                "`{host}` rejected the credentials {source}, but answers requests without them"
            ));
        }
        Ok(answer)
    }

    async fn send(
        &self,
        path: &str,
        accept: &str,
        limit: Option<usize>,
    ) -> Result<HttpAnswer, Failure> {
        let mut request = self.fetch.get(self.url(path)?).header("accept", accept);
        if let Some(limit) = limit {
            request = request.limit(limit);
        }
        if let Some(authorization) = self.authorization.borrow().as_ref() {
            request = request.secret_header("authorization", authorization.header.expose());
        }
        request.send().await.map_err(|error| self.explain(error))
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        let scheme = if self.uses_https.get() {
            "https"
        } else {
            "http"
        };
        let url = api(&self.host, scheme).and_then(|base| base.join(path).ok());
        url.ok_or_else(|| {
            let text = format!("`{}` is not the address of a registry", self.host);
            Failure::usage(anyhow::anyhow!(text))
        })
    }

    /// Adds the hint that helps against a failed request.
    fn explain(&self, error: FetchError) -> Failure {
        let failure = Failure::from(error);
        if failure.reason == asking::UNTRUSTED_CERTIFICATE {
            return failure
                .hinted("pass the certificate authority's PEM file as `--registry-ca-file FILE`");
        }
        let may_be_plain = self.uses_https.get() && !self.options.plain_http;
        if failure.reason == asking::UNREACHABLE && may_be_plain {
            return failure.hinted(format!(
                "check the name `{}`; a registry without TLS needs `--registry-plain-http`",
                self.host
            ));
        }
        failure
    }

    async fn log_in(&self, challenge: Challenge) -> Result<(), Failure> {
        let credentials = self.credentials().await?;
        let authorization = match challenge {
            Challenge::Basic => self.basic(credentials)?,
            Challenge::Bearer(bearer) => {
                let is_plain = !self.uses_https.get();
                let server = TokenEndpoint::new(&bearer, &self.host, &self.repository, is_plain)?;
                self.bearer(&server, credentials).await?
            }
        };
        self.authorization.replace(Some(authorization));
        Ok(())
    }

    fn basic(&self, credentials: Option<&Credentials>) -> Result<Authorization, Failure> {
        match credentials {
            Some(credentials) => Ok(Authorization {
                header: credentials.basic_header(self.world),
                kind: AuthorizationKind::Password,
            }),
            None => Err(self.no_credentials("it requires a user name and a password")),
        }
    }

    /// Gets a token for the credentials, or one without them if they are rejected: a registry
    /// serves a public image to anybody, but rejects expired credentials.
    async fn bearer(
        &self,
        server: &TokenEndpoint,
        credentials: Option<&Credentials>,
    ) -> Result<Authorization, Failure> {
        let mut refusal = None;
        if let Some(credentials) = credentials.filter(|_| !self.are_rejected.get()) {
            match self.token(server, Some(credentials)).await? {
                TokenAnswer::Granted(header) => {
                    let kind = AuthorizationKind::Token;
                    return Ok(Authorization { header, kind });
                }
                TokenAnswer::Refused(said) => {
                    self.are_rejected.set(true);
                    refusal = Some(said);
                }
            }
        }
        match (self.token(server, None).await?, refusal) {
            (TokenAnswer::Granted(header), _) => {
                let kind = AuthorizationKind::Anonymous;
                Ok(Authorization { header, kind })
            }
            (TokenAnswer::Refused(_), Some(said)) => Err(self.credentials_rejected(&said)),
            (TokenAnswer::Refused(said), None) => Err(self.no_credentials(&said)),
        }
    }

    async fn token(
        &self,
        server: &TokenEndpoint,
        credentials: Option<&Credentials>,
    ) -> Result<TokenAnswer, Failure> {
        if let Some(credentials) = credentials
            && credentials.kind == CredentialKind::RegistryToken
        {
            return Ok(TokenAnswer::Granted(bearer_header(&credentials.secret)));
        }
        let request = server.request(credentials, &self.fetch, self.world);
        let answer = request.send().await.map_err(|error| self.explain(error));
        answer
            .and_then(|answer| server.read(&answer, self.world))
            .map_err(|failure| {
                let host = server.host();
                failure.context(format!(
                    "could not get a token from the token server `{host}`"
                ))
            })
    }

    async fn credentials(&self) -> Result<Option<&Credentials>, Failure> {
        if let Some(known) = self.credentials.get() {
            return Ok(known.as_ref());
        }
        let found =
            credentials::find(self.world, &self.host, &self.repository, &self.options).await?;
        Ok(self.credentials.get_or_init(|| found).as_ref())
    }

    /// Returns where the credentials come from, for messages.
    fn source(&self) -> &str {
        match self.credentials.get() {
            Some(Some(credentials)) => &credentials.source,
            _ => "",
        }
    }

    /// Tells the meanings of a 401 or 403 of the registry itself apart.
    fn denied(&self, answer: &HttpAnswer) -> Failure {
        let said = RegistryError::explain(answer);
        let kind = match self.authorization.borrow().as_ref() {
            Some(authorization) => authorization.kind,
            None => AuthorizationKind::Anonymous,
        };
        let is_password = kind == AuthorizationKind::Password;
        if self.are_rejected.get() || (is_password && answer.status() == 401) {
            return self.credentials_rejected(&said);
        }
        if kind == AuthorizationKind::Anonymous {
            return self.no_credentials(&said);
        }
        let (host, repository, source) = (&self.host, &self.repository, self.source());
        let text = format!("`{host}` does not let these credentials read `{repository}`: {said}");
        let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow::anyhow!(text));
        self.hinted_for_ghcr(failure.hinted(format!(
            "give the credentials {source} the scope `repository:{repository}:pull`"
        )))
    }

    fn credentials_rejected(&self, said: &str) -> Failure {
        let (host, source) = (&self.host, self.source());
        let text = format!("`{host}` rejected the credentials {source}: {said}");
        Failure::denied(asking::CREDENTIALS_REJECTED, anyhow::anyhow!(text)).hinted(
            "set `RUNBOOK_REGISTRY_PASSWORD` to a valid password or token, and \
             `--registry-username` if the registry checks the user name",
        )
    }

    fn no_credentials(&self, said: &str) -> Failure {
        let (host, repository) = (&self.host, &self.repository);
        let text = format!("`{host}` does not show `{repository}` without credentials: {said}");
        let failure = Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
            .hinted(format!(
                "set `RUNBOOK_REGISTRY_PASSWORD` and `--registry-username`, or run \
                 `docker login {host}`"
            ))
            .hinted(
                "the image may also not exist: pass `--assume-public` to get 10 `absent` instead",
            );
        self.hinted_for_ghcr(failure)
    }

    /// Adds what GitHub's registry requires beyond a password.
    fn hinted_for_ghcr(&self, failure: Failure) -> Failure {
        if self.host != GHCR {
            return failure;
        }
        failure.hinted(
            "on a runner: set `permissions: packages: read`, and list the repository under \
             \"Manage Actions access\" in the package's settings",
        )
    }
}

fn ghcr_challenge(repository: &str) -> Challenge {
    Challenge::Bearer(BearerChallenge {
        realm: format!("https://{GHCR}/token"),
        service: Some(GHCR.to_owned()),
        scope: Some(format!("repository:{repository}:pull")),
    })
}

/// Returns the address of a registry's API. That of Docker Hub is not at `docker.io`.
fn api(host: &str, scheme: &str) -> Option<Url> {
    let host = match host {
        "docker.io" => "registry-1.docker.io",
        other => other,
    };
    format!("{scheme}://{host}/").parse().ok()
}

/// Without a flag only loopback is tried in plain HTTP first: a server that requires TLS says so.
fn starts_with_https(host: &str, options: &RegistryOptions) -> bool {
    let is_local = api(host, "http").is_some_and(|url| is_loopback(&url));
    !options.plain_http && (!is_local || options.authorities.is_some())
}

/// Recognizes the answer to plain HTTP of Go's TLS server, which most registries are built on.
fn requires_tls(answer: &HttpAnswer) -> bool {
    String::from_utf8_lossy(answer.body()).contains("HTTP request to an HTTPS server")
}

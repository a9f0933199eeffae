//! Getting in: the scheme, the challenge, the token, and which "no" it is.

use std::cell::{Cell, RefCell};

use base64::Engine as _;
use contract::{Failure, Secret, World, asking};
use fetch::{Answer, Fetch, FetchError, is_loopback};
use serde::Deserialize;
use url::Url;

use crate::{
    RegistryOptions,
    challenge::{Challenge, errors},
    credentials::{self, CredentialKind, Credentials},
};

/// The one registry whose token server is known without asking, which saves a request: its own
/// challenge on `/v2/` names a placeholder scope.
const GHCR: &str = "ghcr.io";

/// What a token server may answer with.
const TOKEN_LIMIT: usize = 64 << 10;

/// The way into one repository of a registry.
pub(crate) struct RepositoryAccess<'w> {
    world: &'w World,
    fetch: Fetch<'w>,
    host: String,
    repository: String,
    options: RegistryOptions,
    https: Cell<bool>,
    authorization: RefCell<Option<Authorization>>,
    /// The credentials, once they were looked for.
    credentials: RefCell<Option<Option<Credentials>>>,
    /// Credentials were not accepted, and everything since was asked without.
    rejected: Cell<bool>,
}

/// What a request carries.
#[derive(Debug, Clone)]
struct Authorization {
    header: Secret,
    proves: Proof,
}

/// What stands behind a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// A token that everybody gets.
    Nothing,
    /// A token that was given for the credentials, which are therefore good.
    Token,
    /// The credentials themselves, which the registry still has to judge.
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
            https: Cell::new(starts_with_https(host, &options)),
            options,
            authorization: RefCell::default(),
            credentials: RefCell::default(),
            rejected: Cell::new(false),
        }
    }

    /// Asks for a path, logging in where the registry wants it. The answer is neither 401 nor 403.
    pub(crate) async fn get(
        &self,
        path: &str,
        accept: &str,
        limit: Option<usize>,
    ) -> Result<Answer, Failure> {
        if self.host == GHCR && self.authorization.borrow().is_none() {
            self.log_in(ghcr(&self.repository)).await?;
        }
        let mut answer = self.ask(path, accept, limit).await?;
        if answer.status() == 400 && !self.https.get() && speaks_only_tls(&answer) {
            self.https.set(true);
            answer = self.ask(path, accept, limit).await?;
        }
        // A token may have expired in the middle of a long wait: it is asked for once more.
        if answer.status() == 401 {
            let challenge = Challenge::find(answer.headers("www-authenticate"))
                .ok_or_else(|| self.denied(&answer))?;
            self.log_in(challenge).await?;
            answer = self.ask(path, accept, limit).await?;
        }
        match answer.status() {
            401 | 403 => Err(self.denied(&answer)),
            _ => {
                if self.rejected.get() {
                    let host = &self.host;
                    self.world.notice(format!(
                        "`{host}` rejected the credentials {}, but answers without",
                        self.source()
                    ));
                }
                Ok(answer)
            }
        }
    }

    async fn ask(&self, path: &str, accept: &str, limit: Option<usize>) -> Result<Answer, Failure> {
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
        let scheme = if self.https.get() { "https" } else { "http" };
        let url = api(&self.host, scheme).and_then(|base| base.join(path).ok());
        url.ok_or_else(|| {
            Failure::usage(anyhow::anyhow!(
                "`{}` is not a registry's address",
                self.host
            ))
        })
    }

    /// Adds what helps against what went wrong below.
    fn explain(&self, error: FetchError) -> Failure {
        let reason = error.reason();
        let failure = Failure::from(error);
        if reason == asking::UNTRUSTED_CERTIFICATE {
            return failure
                .hinted("pass the certificate authority's PEM file as `--registry-ca-file FILE`");
        }
        if reason == asking::UNREACHABLE && self.https.get() && !self.options.plain_http {
            return failure.hinted(format!(
                "is `{}` right? A registry without TLS needs `--registry-plain-http`",
                self.host
            ));
        }
        failure
    }

    async fn log_in(&self, challenge: Challenge) -> Result<(), Failure> {
        let credentials = self.credentials().await?;
        let authorization = match challenge {
            Challenge::Basic => self.basic(credentials)?,
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => {
                let token_server =
                    self.token_server(&realm, service.as_deref(), scope.as_deref())?;
                self.bearer(&token_server, credentials).await?
            }
        };
        self.authorization.replace(Some(authorization));
        Ok(())
    }

    fn basic(&self, credentials: Option<Credentials>) -> Result<Authorization, Failure> {
        let credentials =
            credentials.ok_or_else(|| self.no_credentials("it asks for a user and a password"))?;
        Ok(Authorization {
            header: self.basic_header(&credentials),
            proves: Proof::Password,
        })
    }

    fn basic_header(&self, credentials: &Credentials) -> Secret {
        let pair = format!("{}:{}", credentials.username, credentials.secret.expose());
        let encoded = self
            .world
            .hide(&base64::engine::general_purpose::STANDARD.encode(pair));
        Secret::new(format!("Basic {}", encoded.expose()))
    }

    /// Gets a token with the credentials, and without them where they are not accepted: a registry
    /// shows a public image to everybody but not to an expired token.
    async fn bearer(
        &self,
        server: &Url,
        credentials: Option<Credentials>,
    ) -> Result<Authorization, Failure> {
        let with = match credentials.filter(|_| !self.rejected.get()) {
            Some(credentials) => match self.token(server, Some(&credentials)).await? {
                Ok(token) => {
                    return Ok(Authorization {
                        header: token,
                        proves: Proof::Token,
                    });
                }
                Err(refused) => Some(refused),
            },
            None => None,
        };
        self.rejected.set(with.is_some() || self.rejected.get());
        match (self.token(server, None).await?, with) {
            (Ok(token), _) => Ok(Authorization {
                header: token,
                proves: Proof::Nothing,
            }),
            (Err(_), Some(refused)) => Err(self.rejected_with(&refused)),
            (Err(refused), None) => Err(self.no_credentials(&refused)),
        }
    }

    /// Asks for a token; the inner error is the token server's refusal.
    async fn token(
        &self,
        server: &Url,
        credentials: Option<&Credentials>,
    ) -> Result<Result<Secret, String>, Failure> {
        if let Some(Credentials {
            kind: CredentialKind::RegistryToken,
            secret,
            ..
        }) = credentials
        {
            return Ok(Ok(Secret::new(format!("Bearer {}", secret.expose()))));
        }
        let request = match credentials {
            None => self.fetch.get(server.clone()),
            Some(credentials) if credentials.kind == CredentialKind::IdentityToken => {
                self.refresh(server, credentials)
            }
            Some(credentials) => self
                .fetch
                .get(server.clone())
                .secret_header("authorization", self.basic_header(credentials).expose()),
        };
        let host = server.host_str().unwrap_or_default().to_owned();
        let about = format!("could not get a token from the token server `{host}`");
        let answer = request
            .limit(TOKEN_LIMIT)
            .send()
            .await
            .map_err(|error| self.explain(error).context(about.clone()))?;
        match answer.status() {
            200 => self
                .read_token(&answer)
                .map(Ok)
                .map_err(|failure| failure.context(about)),
            401 | 403 => Ok(Err(first_error(&answer))),
            status => {
                let text = format!("`{host}` answered {status}{}", answer.quoted());
                Err(Failure::from(FetchError::new(
                    asking::NOT_THE_API,
                    self.world.redact(&text),
                ))
                .context(about))
            }
        }
    }

    /// Exchanges an identity token (distribution, "OAuth2 Token Authentication").
    fn refresh(&self, server: &Url, credentials: &Credentials) -> fetch::Request<'_> {
        let query: Vec<(String, String)> = server.query_pairs().into_owned().collect();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "dex-actions");
        form.extend_pairs(query)
            .append_pair("refresh_token", credentials.secret.expose());
        let mut bare = server.clone();
        bare.set_query(None);
        let request = self
            .fetch
            .post(bare, form.finish().into_bytes())
            .repeatable();
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    fn read_token(&self, answer: &Answer) -> Result<Secret, Failure> {
        #[derive(Deserialize)]
        struct Body {
            token: Option<String>,
            access_token: Option<String>,
        }
        let body: Body = answer.json().map_err(Failure::from)?;
        let token = body
            .token
            .or(body.access_token)
            .filter(|token| !token.is_empty());
        let missing = || {
            FetchError::new(
                asking::NOT_THE_API,
                "it sent neither `token` nor `access_token`",
            )
        };
        let token = self.world.hide(&token.ok_or_else(missing)?);
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }

    /// Returns where tokens come from. Credentials go there, so it must be https, as the registry is
    /// (go-containerregistry#2258: a registry could send them anywhere).
    fn token_server(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Url, Failure> {
        let wrong = |why: &str| {
            let text = format!("`{}` names `{realm}` as its token server: {why}", self.host);
            Failure::from(FetchError::new(asking::NOT_THE_API, text))
        };
        let mut url: Url = realm.parse().map_err(|_| wrong("that is no address"))?;
        let plain = !self.https.get();
        if url.scheme() != "https" && !(url.scheme() == "http" && (plain || is_loopback(&url))) {
            return Err(wrong("it is not https"));
        }
        let own = format!("repository:{}:pull", self.repository);
        // Asked for as it is challenged; a placeholder or an empty scope would give a token for nothing.
        let scope = scope
            .filter(|scope| scope.contains(&self.repository))
            .unwrap_or(&own);
        let mut query = url.query_pairs_mut();
        service.iter().for_each(|service| {
            query.append_pair("service", service);
        });
        query.append_pair("scope", scope);
        drop(query);
        Ok(url)
    }

    async fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        if let Some(known) = self.credentials.borrow().as_ref() {
            return Ok(known.clone());
        }
        let found =
            credentials::find(self.world, &self.host, &self.repository, &self.options).await?;
        self.credentials.replace(Some(found.clone()));
        Ok(found)
    }

    fn source(&self) -> String {
        let credentials = self.credentials.borrow();
        let found = credentials.as_ref().and_then(Option::as_ref);
        found
            .map(|credentials| credentials.source.clone())
            .unwrap_or_default()
    }

    /// Which "no" a 401 or 403 of the registry itself is.
    fn denied(&self, answer: &Answer) -> Failure {
        let proof = self
            .authorization
            .borrow()
            .as_ref()
            .map_or(Proof::Nothing, |authorization| authorization.proves);
        if self.rejected.get() || (proof == Proof::Password && answer.status() == 401) {
            return self.rejected_with(&first_error(answer));
        }
        if proof == Proof::Nothing {
            return self.no_credentials(&first_error(answer));
        }
        let text = format!(
            "`{}` does not let these credentials read `{}`: {}",
            self.host,
            self.repository,
            first_error(answer)
        );
        let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow::anyhow!(text));
        failure
            .hinted(format!(
                "give the credentials {} the scope `repository:{}:pull`",
                self.source(),
                self.repository
            ))
            .hinted_for(&self.host)
    }

    fn rejected_with(&self, said: &str) -> Failure {
        let text = format!(
            "`{}` rejected the credentials {}: {said}",
            self.host,
            self.source()
        );
        Failure::denied(asking::CREDENTIALS_REJECTED, anyhow::anyhow!(text))
            .hinted("set `RUNBOOK_REGISTRY_PASSWORD` to a valid password or token, and `--registry-username` if the user matters")
    }

    fn no_credentials(&self, said: &str) -> Failure {
        let text = format!(
            "`{}` does not show `{}` without credentials: {said}",
            self.host, self.repository
        );
        Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
            .hinted(format!(
                "set `RUNBOOK_REGISTRY_PASSWORD` and `--registry-username`, or run `docker login {}`",
                self.host
            ))
            .hinted("it may also not exist: with `--assume-public` that is the answer, 10 `absent`")
            .hinted_for(&self.host)
    }
}

/// What GitHub's registry needs beyond a password.
trait HintedFor {
    fn hinted_for(self, host: &str) -> Self;
}

impl HintedFor for Failure {
    fn hinted_for(self, host: &str) -> Self {
        if host != GHCR {
            return self;
        }
        self.hinted("on a runner: `permissions: packages: read`, and the package's settings must list the repository under \"Manage Actions access\"")
    }
}

fn first_error(answer: &Answer) -> String {
    errors(answer.body()).first().map_or_else(
        || format!("status {}{}", answer.status(), answer.quoted()),
        ToString::to_string,
    )
}

fn ghcr(repository: &str) -> Challenge {
    Challenge::Bearer {
        realm: format!("https://{GHCR}/token"),
        service: Some(GHCR.to_owned()),
        scope: Some(format!("repository:{repository}:pull")),
    }
}

/// Without a flag only loopback is tried without TLS first: a server that has TLS says so in words.
fn starts_with_https(host: &str, options: &RegistryOptions) -> bool {
    let loopback = api(host, "http").is_some_and(|url| is_loopback(&url));
    !options.plain_http && (!loopback || options.authorities.is_some())
}

/// What Go's server answers to plain http, which most registries are written in.
fn speaks_only_tls(answer: &Answer) -> bool {
    String::from_utf8_lossy(answer.body()).contains("HTTP request to an HTTPS server")
}

/// Returns the address of a registry's API: Docker Hub has another host than its name.
fn api(host: &str, scheme: &str) -> Option<Url> {
    let host = if host == "docker.io" {
        "registry-1.docker.io"
    } else {
        host
    };
    format!("{scheme}://{host}/").parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_token_server_without_tls_gets_nothing() {
        let world = World::for_tests(Duration::ZERO);
        let access = RepositoryAccess::new(
            &world,
            "registry.example",
            "data-literate/dex",
            RegistryOptions::default(),
        );
        let failure = access
            .token_server("http://auth.example/token", None, None)
            .unwrap_err();
        assert_eq!(failure.reason, asking::NOT_THE_API);
        assert!(access.token_server("file:///token", None, None).is_err());
    }

    #[tokio::test]
    async fn a_placeholder_scope_is_replaced_by_the_one_that_is_needed() {
        let world = World::for_tests(Duration::ZERO);
        let access = RepositoryAccess::new(
            &world,
            "registry.example",
            "data-literate/dex",
            RegistryOptions::default(),
        );
        let url = |scope| {
            access
                .token_server(
                    "https://auth.example/token",
                    Some("registry.example"),
                    scope,
                )
                .unwrap()
        };
        let own = "https://auth.example/token?service=registry.example&scope=repository%3Adata-literate%2Fdex%3Apull";
        assert_eq!(url(Some("repository:user/image:pull")).as_str(), own);
        assert_eq!(url(None).as_str(), own);
    }
}

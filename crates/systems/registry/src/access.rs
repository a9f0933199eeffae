//! Gets past a registry's access control: the scheme, the challenge, the token, and the reason when
//! the registry refuses.

use std::cell::{Cell, OnceCell, RefCell};

use contract::{
    Failure, Reference, Secret, World, asking,
    world::{BoundSecret, Origin},
};
use fetch::{Fetch, FetchError, HttpAnswer};
use url::Url;

use crate::{
    RegistryOptions,
    address::{GHCR, api, ghcr_challenge, requires_tls, starts_with_https},
    auth_file::CredentialKind,
    challenge::Challenge,
    credentials::{self, Credentials},
    denial::{Denial, unexpected},
    error::RegistryError,
    refusal::{RefusalKind, lacks_a_right},
    token::{TokenAnswer, TokenEndpoint, TokenRefusal, bearer_header},
};

/// Access to one repository of a registry.
pub(crate) struct RepositoryAccess<'w> {
    world: &'w World,
    fetch: Fetch<'w>,
    host: String,
    repository: String,
    /// The whole reference, for the check of tokens.
    image: String,
    options: RegistryOptions,
    uses_https: Cell<bool>,
    authorization: RefCell<Option<Authorization>>,
    /// Empty until the registry asks for credentials.
    credentials: OnceCell<Option<Credentials>>,
    /// The token server refused the credentials; since then requests go without them.
    refusal: RefCell<Option<TokenRefusal>>,
    /// The registry accepted the credentials themselves at least once.
    are_accepted: Cell<bool>,
    /// The credentials were not sent, since others could read them.
    are_withheld: Cell<bool>,
}

/// The answer to a request for the content of a repository.
pub(crate) enum RepositoryAnswer {
    /// The content.
    Content(HttpAnswer),
    /// The registry does not have it; in its own words.
    Absent(String),
    /// The registry itself says that it shows nothing without credentials.
    Unauthorized(Failure),
}

/// Why a login did not succeed.
enum LoginError {
    /// The registry itself says that it requires credentials, and there are none.
    Unauthorized(Failure),
    Failed(Failure),
}

impl From<Failure> for LoginError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The header `authorization` of each request.
#[derive(Debug, Clone)]
struct Authorization {
    header: BoundSecret,
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
    pub(crate) fn new(world: &'w World, image: &Reference, options: RegistryOptions) -> Self {
        let host = image.registry();
        Self {
            world,
            fetch: Fetch::new(world).trusting(options.authorities.clone()),
            host: host.to_owned(),
            repository: image.repository().to_owned(),
            image: image.to_string(),
            uses_https: Cell::new(starts_with_https(host, &options)),
            options,
            authorization: RefCell::default(),
            credentials: OnceCell::new(),
            refusal: RefCell::default(),
            are_accepted: Cell::new(false),
            are_withheld: Cell::new(false),
        }
    }

    /// Sends a GET, and logs in if the registry requires it.
    pub(crate) async fn get(
        &self,
        path: &str,
        accept: &str,
        limit: Option<usize>,
    ) -> Result<RepositoryAnswer, Failure> {
        match self.try_get(path, accept, limit).await {
            Ok(answer) => Ok(answer),
            Err(LoginError::Unauthorized(failure)) => Ok(RepositoryAnswer::Unauthorized(failure)),
            Err(LoginError::Failed(failure)) => Err(failure),
        }
    }

    async fn try_get(
        &self,
        path: &str,
        accept: &str,
        limit: Option<usize>,
    ) -> Result<RepositoryAnswer, LoginError> {
        if self.host == GHCR && self.authorization.borrow().is_none() {
            self.log_in(ghcr_challenge(&self.repository), None).await?;
        }
        let mut answer = self.send(path, accept, limit).await?;
        if !self.uses_https.get() && requires_tls(&answer) {
            self.uses_https.set(true);
            answer = self.send(path, accept, limit).await?;
        }
        // Also after the first login: a token may expire while the step waits.
        if let Some(challenge) = self.new_challenge(&answer) {
            self.log_in(challenge, Some(&answer)).await?;
            answer = self.send(path, accept, limit).await?;
        }
        if answer.status() != 200 {
            return self.read_refusal(&answer).await;
        }
        self.are_accepted.set(true);
        if self.refusal.borrow().is_some() {
            let (host, source) = (&self.host, self.source());
            self.world.notice(format!(
                "`{host}` rejected the credentials {source}, but answers requests without them"
            ));
        }
        Ok(RepositoryAnswer::Content(answer))
    }

    /// Returns the way to log in that an answer names, if it may be used. A challenge of another
    /// server would lead the credentials there (CVE-2020-15157), and a password that was rejected is
    /// not sent again: registries lock accounts.
    fn new_challenge(&self, answer: &HttpAnswer) -> Option<Challenge> {
        if answer.status() != 401 || answer.is_elsewhere() {
            return None;
        }
        let challenge = Challenge::find(answer.headers("www-authenticate"))?;
        let was_sent = self.authorization_kind() == AuthorizationKind::Password;
        let is_own_token = self
            .known_credentials()
            .is_some_and(|known| known.kind == CredentialKind::RegistryToken);
        let is_repetition = was_sent && (challenge == Challenge::Basic || is_own_token);
        (!is_repetition).then_some(challenge)
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
            request = request.secret_header("authorization", authorization.header.clone());
            if authorization.kind == AuthorizationKind::Password && !self.are_accepted.get() {
                request = request.once_if_limited();
            }
        }
        request.send().await.map_err(|error| self.explain(error))
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        let base = self.base()?;
        base.join(path).map_err(|_| self.invalid_host())
    }

    /// Returns the address of the registry's API, the server that its secrets are bound to.
    fn base(&self) -> Result<Url, Failure> {
        let scheme = if self.uses_https.get() {
            "https"
        } else {
            "http"
        };
        api(&self.host, scheme).ok_or_else(|| self.invalid_host())
    }

    fn invalid_host(&self) -> Failure {
        let text = format!("`{}` is not the address of a registry", self.host);
        Failure::usage(anyhow::anyhow!(text))
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
        if failure.reason == asking::RATE_LIMITED {
            return self.denial().limited(failure);
        }
        failure
    }

    /// Logs in as a challenge says; `answer` is the one that it came with.
    async fn log_in(
        &self,
        challenge: Challenge,
        answer: Option<&HttpAnswer>,
    ) -> Result<(), LoginError> {
        let credentials = self.credentials().await?;
        let authorization = match challenge {
            Challenge::Basic => self.basic(credentials, answer)?,
            Challenge::Bearer(bearer) => {
                let server = TokenEndpoint::new(&bearer, &self.base()?, &self.repository)?;
                self.bearer(&server, credentials).await?
            }
        };
        self.authorization.replace(Some(authorization));
        Ok(())
    }

    fn basic(
        &self,
        credentials: Option<&Credentials>,
        answer: Option<&HttpAnswer>,
    ) -> Result<Authorization, LoginError> {
        let Some(credentials) = credentials else {
            let said = answer.filter(|answer| RegistryError::first(answer.body()).is_some());
            return Err(match said {
                Some(answer) => LoginError::Unauthorized(
                    self.denial()
                        .no_credentials(&RegistryError::explain(answer)),
                ),
                None => LoginError::Failed(
                    self.denial()
                        .no_credentials("it requires a user name and a password"),
                ),
            });
        };
        let base = self.base()?;
        if !Origin::of(&base).is_confidential() {
            let said = "it requires a user name and a password";
            return Err(self.denial().withheld(said).into());
        }
        Ok(Authorization {
            header: BoundSecret::new(credentials.basic_header(self.world), &base),
            kind: AuthorizationKind::Password,
        })
    }

    /// Gets a token for the credentials, or one without them if they are refused: a registry
    /// serves a public image to anybody, but rejects expired credentials.
    async fn bearer(
        &self,
        server: &TokenEndpoint,
        credentials: Option<&Credentials>,
    ) -> Result<Authorization, LoginError> {
        let is_untried = self.refusal.borrow().is_none();
        if let Some(credentials) = credentials.filter(|_| is_untried) {
            if !server.may_use(credentials.kind) {
                self.are_withheld.set(true);
            } else if credentials.kind == CredentialKind::RegistryToken {
                let header = bearer_header(&credentials.secret);
                return self.authorization(header, AuthorizationKind::Password);
            } else {
                match self.token(server, Some(credentials)).await? {
                    TokenAnswer::Granted(header) => {
                        return self.authorization(header, AuthorizationKind::Token);
                    }
                    TokenAnswer::Refused(refusal) => {
                        self.refusal.replace(Some(refusal));
                    }
                }
            }
        }
        match self.token(server, None).await? {
            TokenAnswer::Granted(header) => {
                self.authorization(header, AuthorizationKind::Anonymous)
            }
            TokenAnswer::Refused(refusal) => Err(self.refused_anonymous(&refusal)),
        }
    }

    fn authorization(
        &self,
        token: Secret,
        kind: AuthorizationKind,
    ) -> Result<Authorization, LoginError> {
        let header = BoundSecret::new(token, &self.base()?);
        Ok(Authorization { header, kind })
    }

    async fn token(
        &self,
        server: &TokenEndpoint,
        credentials: Option<&Credentials>,
    ) -> Result<TokenAnswer, Failure> {
        let in_context = |failure: Failure| {
            let host = server.host();
            failure.context(format!(
                "could not get a token from the token server `{host}`"
            ))
        };
        let request = server.request(credentials, &self.fetch, self.world);
        let answer = request.send().await.map_err(|error| self.explain(error));
        let answer = answer
            .and_then(|answer| server.read(&answer, &self.image, self.world))
            .map_err(in_context)?;
        match answer {
            TokenAnswer::Refused(refusal) => {
                let failure = self
                    .denial()
                    .whatever_the_credentials(refusal.kind, &refusal.said);
                failure.map_or(Ok(TokenAnswer::Refused(refusal)), Err)
            }
            TokenAnswer::Granted(_) => Ok(answer),
        }
    }

    async fn credentials(&self) -> Result<Option<&Credentials>, Failure> {
        if let Some(known) = self.credentials.get() {
            return Ok(known.as_ref());
        }
        let found =
            credentials::find(self.world, &self.host, &self.repository, &self.options).await?;
        Ok(self.credentials.get_or_init(|| found).as_ref())
    }

    fn known_credentials(&self) -> Option<&Credentials> {
        self.credentials.get()?.as_ref()
    }

    /// Returns where the credentials come from, for messages.
    fn source(&self) -> &str {
        self.known_credentials()
            .map_or("", |credentials| credentials.source.as_str())
    }

    fn authorization_kind(&self) -> AuthorizationKind {
        let authorization = self.authorization.borrow();
        authorization
            .as_ref()
            .map_or(AuthorizationKind::Anonymous, |known| known.kind)
    }

    /// Reads an answer that is not the content.
    async fn read_refusal(&self, answer: &HttpAnswer) -> Result<RepositoryAnswer, LoginError> {
        let error = RegistryError::first(answer.body());
        let said = RegistryError::said(error.as_ref(), answer);
        if answer.is_elsewhere() {
            return match (answer.status(), error) {
                (401 | 403, _) => Err(self.denial().elsewhere(answer).into()),
                (404, Some(_)) => Ok(RepositoryAnswer::Absent(said)),
                _ => Err(unexpected(answer).into()),
            };
        }
        let is_challenge = Challenge::find(answer.headers("www-authenticate")).is_some();
        let kind = RefusalKind::of(answer.status(), is_challenge, error.as_ref());
        if let Some(failure) = self.denial().whatever_the_credentials(kind, &said) {
            return Err(failure.into());
        }
        match kind {
            RefusalKind::Absent => Ok(RepositoryAnswer::Absent(said)),
            RefusalKind::Unauthorized | RefusalKind::Expired => {
                let is_rejected = answer.status() == 401 && !lacks_a_right(&said);
                let is_expired = kind == RefusalKind::Expired || is_rejected;
                Err(self.unauthorized(&said, is_expired, error.is_some()).await)
            }
            _ => Err(unexpected(answer).into()),
        }
    }

    /// Tells the meanings of a 401 or 403 of the registry itself apart.
    async fn unauthorized(&self, said: &str, is_rejection: bool, is_own_word: bool) -> LoginError {
        if let Some(refusal) = self.refusal.borrow().as_ref() {
            return self.refused(refusal).into();
        }
        let is_unasked = self.authorization.borrow().is_none();
        match self.authorization_kind() {
            AuthorizationKind::Password if is_rejection => {
                self.denial().credentials_rejected(said).into()
            }
            AuthorizationKind::Password | AuthorizationKind::Token => {
                self.denial().permission_missing(said).into()
            }
            AuthorizationKind::Anonymous if self.are_withheld.get() => {
                self.denial().withheld(said).into()
            }
            AuthorizationKind::Anonymous if is_unasked => match self.credentials().await {
                Err(failure) => failure.into(),
                Ok(Some(_)) => self.denial().not_asked(said).into(),
                Ok(None) => self.anonymous(said, is_own_word),
            },
            AuthorizationKind::Anonymous => self.anonymous(said, is_own_word),
        }
    }

    fn anonymous(&self, said: &str, is_own_word: bool) -> LoginError {
        let failure = self.denial().no_credentials(said);
        if is_own_word {
            LoginError::Unauthorized(failure)
        } else {
            LoginError::Failed(failure)
        }
    }

    /// Refuses after the token server refused both the credentials and a request without them.
    fn refused_anonymous(&self, anonymous: &TokenRefusal) -> LoginError {
        if let Some(refusal) = self.refusal.borrow().as_ref() {
            return self.refused(refusal).into();
        }
        if self.are_withheld.get() {
            return self.denial().withheld(&anonymous.said).into();
        }
        self.anonymous(&anonymous.said, anonymous.is_own_word)
    }

    fn refused(&self, refusal: &TokenRefusal) -> Failure {
        if refusal.is_rejection {
            self.denial().credentials_rejected(&refusal.said)
        } else {
            self.denial().permission_missing(&refusal.said)
        }
    }

    fn denial(&self) -> Denial<'_> {
        let password = self.options.password.as_ref();
        Denial {
            host: &self.host,
            repository: &self.repository,
            credentials: self.known_credentials(),
            password_registry: password.map(|password| password.registry()),
        }
    }
}

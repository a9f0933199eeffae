//! One request to a server: its scheme, its token, and the meaning of a refusal.

mod error;
mod permission;

use std::{cell::Cell, time::Duration};

use contract::{Failure, Secret, World, asking, world::BoundSecret};
use fetch::{Fetch, FetchError, HttpAnswer, StreamAnswer};
use serde_json::Value;
use url::Url;

use self::error::ArgoError;
pub(crate) use self::error::MAX_MESSAGE;
pub(crate) use self::permission::{GET, RequiredPermission};
use crate::{
    address::ServerAddress,
    answer::{Presence, SyncAnswer},
    application::Application,
    id::ApplicationId,
    options::ArgoOptions,
};

/// The size limit of an answer about one object: Kubernetes keeps none larger than 1.5 MB.
const MAX_ANSWER: usize = 8 << 20;
/// The size limit of an answer about all resources of an application: Argo CD's own limit of a
/// message between its components (`ARGOCD_GRPC_MAX_SIZE_MB`).
const MAX_LIST: usize = 200 << 20;
/// The most memory that such an answer may need.
const MAX_LIST_MEMORY: usize = 2 << 30;

/// How long a stream may be silent: it sends a keepalive every 15 s (argoproj/pkg,
/// `grpc/http/forwarders.go`, `keepalive`), so this is after two missing ones.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(35);

const TOKEN_HINT: &str = "set `RUNBOOK_ARGOCD_TOKEN` to a valid token: \
    `argocd account generate-token --account ACCOUNT`";

/// The client of one server.
pub(crate) struct ArgoClient<'w> {
    fetch: Fetch<'w>,
    server: ServerAddress,
    secure: Cell<bool>,
    pub(crate) token: Option<Secret>,
}

impl<'w> ArgoClient<'w> {
    pub(crate) fn new(world: &'w World, options: ArgoOptions) -> Self {
        let secure = options.server.starts_secure(options.authorities.is_some());
        Self {
            fetch: Fetch::new(world).trusting(options.authorities),
            server: options.server,
            secure: Cell::new(secure),
            token: options.token,
        }
    }

    /// Gets something of an application.
    pub(crate) async fn get(
        &self,
        app: &ApplicationId,
        path: &str,
        query: &[(&str, &str)],
        permission: RequiredPermission,
    ) -> Result<Presence<HttpAnswer>, Failure> {
        let url = || self.url(app, path, query);
        let mut answer = self.get_once(url()?).await?;
        if self.requires_tls(&answer) {
            self.secure.set(true);
            answer = self.get_once(url()?).await?;
        }
        self.read(app, answer, permission)
    }

    /// Gets something of all resources of an application, which may be many.
    pub(crate) async fn get_list(
        &self,
        app: &ApplicationId,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Presence<HttpAnswer>, Failure> {
        let request = self.get_request(self.url(app, path, query)?);
        let request = request.limit(MAX_LIST).memory_limit(MAX_LIST_MEMORY);
        let answer = request.send().await.map_err(|error| self.explain(error))?;
        self.read(app, answer, GET)
    }

    async fn get_once(&self, url: Url) -> Result<HttpAnswer, Failure> {
        let answer = self.get_request(url).limit(MAX_ANSWER).send().await;
        answer.map_err(|error| self.explain(error))
    }

    fn get_request(&self, url: Url) -> fetch::FetchRequest<'_> {
        let request = self.fetch.get(url).header("accept", "application/json");
        self.authorized(request)
    }

    /// Sends a request that has an effect.
    pub(crate) async fn post(
        &self,
        app: &ApplicationId,
        path: &str,
        body: &Value,
        permission: RequiredPermission,
    ) -> Result<SyncAnswer, Failure> {
        let url = self.url(app, path, &[])?;
        let request = self.fetch.post(url, body.to_string().into_bytes());
        // Argo CD accepts no other type, as a protection against requests that a web page forges.
        let request = self.authorized(request.header("content-type", "application/json"));
        let answer = request.send().await.map_err(|error| self.explain(error))?;
        // Argo CD answers a closed window with the status of a missing permission.
        if answer.status() == 403
            && let Some(error) = ArgoError::read(&answer)
            && error.message.contains("blocked by sync window")
        {
            return Ok(SyncAnswer::Refused(error.message));
        }
        match self.read(app, answer, permission)? {
            Presence::Present(answer) => match answer.json::<Application>() {
                Ok(synced) if synced.metadata.name == app.name => Ok(SyncAnswer::Accepted),
                _ => Err(self.unexpected(&answer)),
            },
            Presence::Absent(message) => Ok(SyncAnswer::Refused(message)),
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn stream(
        &self,
        app: &ApplicationId,
        query: &[(&str, &str)],
    ) -> Result<Presence<fetch::HttpStream>, Failure> {
        let url = self.url(app, "api/v1/stream/applications", query)?;
        let request = self.fetch.get(url).header("accept", "text/event-stream");
        let opened = self.authorized(request).stream(STREAM_IDLE_TIMEOUT).await;
        match opened.map_err(|error| self.explain(error))? {
            StreamAnswer::Stream(stream) => Ok(Presence::Present(stream)),
            StreamAnswer::Answer(answer) => match self.read(app, answer, GET)? {
                Presence::Present(answer) => Err(self.unexpected(&answer)),
                Presence::Absent(message) => Ok(Presence::Absent(message)),
            },
        }
    }

    fn authorized<'r>(&self, request: fetch::FetchRequest<'r>) -> fetch::FetchRequest<'r> {
        match &self.token {
            Some(token) => {
                let header = Secret::new(format!("Bearer {}", token.expose()));
                let server = self.server.base(self.secure.get());
                request.secret_header("authorization", BoundSecret::new(header, &server))
            }
            None => request,
        }
    }

    fn url(&self, app: &ApplicationId, path: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
        let url = self.server.base(self.secure.get()).join(path);
        let mut url = url.map_err(|error| Failure::internal(anyhow::Error::from(error)))?;
        let mut pairs = query.to_vec();
        // A server distinguishes a missing application from a forbidden one only with its project.
        if let Some(project) = &app.project {
            pairs.push(("project", project));
        }
        if let Some(namespace) = &app.namespace {
            pairs.push(("appNamespace", namespace));
        }
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }

    /// Returns whether a server that was asked over plain HTTP, since its address has no scheme,
    /// has TLS: Go's server says so, and Argo CD redirects.
    fn requires_tls(&self, answer: &HttpAnswer) -> bool {
        let told = answer.status() == 400
            && String::from_utf8_lossy(answer.body()).contains("HTTP request to an HTTPS server");
        let redirected = answer.url().scheme() == "https";
        self.server.is_guessed() && !self.secure.get() && (told || redirected)
    }

    fn read(
        &self,
        app: &ApplicationId,
        answer: HttpAnswer,
        permission: RequiredPermission,
    ) -> Result<Presence<HttpAnswer>, Failure> {
        let status = answer.status();
        if (200..300).contains(&status) {
            return Ok(Presence::Present(answer));
        }
        match ArgoError::read(&answer) {
            Some(error) => self.refused(app, status, &error, permission),
            // A proxy, not Argo CD: whatever its status says, Argo CD has not answered.
            None => Err(self.unexpected(&answer)),
        }
    }

    /// Reads a refusal of Argo CD itself by the status of its answer or of an error frame.
    fn refused<T>(
        &self,
        app: &ApplicationId,
        status: u16,
        error: &ArgoError,
        permission: RequiredPermission,
    ) -> Result<Presence<T>, Failure> {
        match status {
            // Argo CD answers 400 for an object that is no longer part of the application, and for
            // a request that the application cannot fulfil.
            400 | 404 => Ok(Presence::Absent(error.message.clone())),
            401 => Err(self.unauthenticated(&error.message)),
            403 => Err(self.forbidden(app, &error.message, permission)),
            _ => {
                let text = format!(
                    "`{}` answered: {} (code {})",
                    self.server.host(),
                    error.message,
                    error.code
                );
                Err(FetchError::new(asking::SERVER_ERROR, text).into())
            }
        }
    }

    /// Returns the failure that an error frame of a stream means.
    pub(crate) fn frame_error(&self, app: &ApplicationId, status: u16, message: String) -> Failure {
        let code = u32::from(status);
        let error = ArgoError { message, code };
        match self.refused::<()>(app, status, &error, GET) {
            Err(failure) => failure,
            Ok(_) => {
                let text = format!(
                    "`{}` ended the stream: {}",
                    self.server.host(),
                    error.message
                );
                FetchError::new(asking::SERVER_ERROR, text).into()
            }
        }
    }

    fn unauthenticated(&self, message: &str) -> Failure {
        let host = self.server.host();
        if self.token.is_some() && !self.secure.get() && !self.server.is_loopback() {
            let text = format!(
                "the token was not sent to `{host}`, since plain http would expose it: {message}"
            );
            return Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
                .hinted("leave `http://` out of `--argocd-server`");
        }
        if self.token.is_none() {
            let text = format!("`{host}` requires a token: {message}");
            return Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
                .hinted(TOKEN_HINT);
        }
        let token = self.token.as_ref().map_or("", Secret::expose);
        let hint = if token.starts_with("argocd.token=") || token.starts_with("Bearer ") {
            "pass the bare token in `RUNBOOK_ARGOCD_TOKEN`, without `argocd.token=` or `Bearer `"
        } else {
            TOKEN_HINT
        };
        let what = if message.contains("expired") {
            "its token has expired"
        } else {
            "it rejected the token"
        };
        let text = format!("`{host}` answered 401, {what}: {message}");
        Failure::denied(asking::CREDENTIALS_REJECTED, anyhow::anyhow!(text)).hinted(hint)
    }

    fn forbidden(
        &self,
        app: &ApplicationId,
        message: &str,
        permission: RequiredPermission,
    ) -> Failure {
        let text = format!(
            "`{}` does not let this token {} `{}`: {message}",
            self.server.host(),
            permission.verb(),
            app.name
        );
        let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow::anyhow!(text))
            .hinted(permission.hint(app, message));
        if app.project.is_some() {
            return failure;
        }
        failure.hinted(
            "the application may also be missing: pass `--argocd-project`, \
             with which a server tells the two apart",
        )
    }

    fn unexpected(&self, answer: &HttpAnswer) -> Failure {
        let what = if answer.is_html() {
            "an HTML page"
        } else {
            "something that is not an answer of Argo CD"
        };
        let text = format!(
            "{} answered {} with {what}{}",
            answer.source(),
            answer.status(),
            answer.quoted()
        );
        self.explain(FetchError::new(asking::NOT_THE_API, text))
    }

    /// Adds the hints for errors of the layers below.
    pub(crate) fn explain(&self, error: FetchError) -> Failure {
        let reason = error.reason();
        let failure = Failure::from(error);
        if reason == asking::UNTRUSTED_CERTIFICATE {
            return failure
                .hinted("pass the certificate authority's PEM file as `--argocd-ca-file FILE`");
        }
        if reason == asking::NOT_THE_API {
            return failure.hinted(
                "is `--argocd-server` Argo CD itself, and not a login page in front of it? \
                 A token needs a way around that page",
            );
        }
        failure
    }
}

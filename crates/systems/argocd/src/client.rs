//! One request to a server: its scheme, its token, and the meaning of a refusal.

use std::{cell::Cell, time::Duration};

use contract::{Failure, Secret, World, asking};
use fetch::{Fetch, FetchError, HttpAnswer, StreamAnswer};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    address::ServerAddress,
    answer::{Presence, SyncAnswer},
    id::ApplicationId,
    options::ArgoOptions,
};

/// The size limit of an answer: Kubernetes keeps no object larger than 1.5 MB.
const MAX_ANSWER: usize = 8 << 20;

/// How long a stream may be silent: it sends a keepalive every 15 s (argoproj/pkg,
/// `grpc/http/forwarders.go`, `keepalive`), so this is after two missing ones.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(35);

const TOKEN_HINT: &str = "set `RUNBOOK_ARGOCD_TOKEN` to a valid token: \
    `argocd account generate-token --account ACCOUNT`";

/// The permission that a request needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequiredPermission {
    pub(crate) resource: &'static str,
    pub(crate) action: &'static str,
}

/// Reads an application and everything of it except logs.
pub(crate) const GET: RequiredPermission = RequiredPermission {
    resource: "applications",
    action: "get",
};

/// The client of one server.
pub(crate) struct ArgoClient<'w> {
    fetch: Fetch<'w>,
    server: ServerAddress,
    secure: Cell<bool>,
    pub(crate) token: Option<Secret>,
}

/// An error in Argo CD's own JSON.
#[derive(Debug, Deserialize)]
struct ArgoError {
    message: String,
    #[serde(alias = "grpc_code")]
    code: u32,
}

impl ArgoError {
    /// Reads an error; for a stream, such as a log, it is one level deeper.
    fn read(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let error = if value["error"].is_object() {
            value["error"].clone()
        } else {
            value
        };
        serde_json::from_value(error).ok()
    }
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
        let mut answer = self.get_once(app, path, query).await?;
        if self.requires_tls(&answer) {
            self.secure.set(true);
            answer = self.get_once(app, path, query).await?;
        }
        self.read(app, answer, permission)
    }

    async fn get_once(
        &self,
        app: &ApplicationId,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<HttpAnswer, Failure> {
        let url = self.url(app, path, query)?;
        let request = self.fetch.get(url).header("accept", "application/json");
        let answer = self.authorized(request).limit(MAX_ANSWER).send().await;
        answer.map_err(|error| self.explain(error))
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
            && let Some(error) = ArgoError::read(answer.body())
            && error.message.contains("sync window")
        {
            return Ok(SyncAnswer::Refused(error.message));
        }
        Ok(match self.read(app, answer, permission)? {
            Presence::Present(_) => SyncAnswer::Accepted,
            Presence::Absent(message) => SyncAnswer::Refused(message),
        })
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
                request.secret_header("authorization", format!("Bearer {}", token.expose()))
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
        match (answer.status(), ArgoError::read(answer.body())) {
            (200..300, _) => Ok(Presence::Present(answer)),
            (status @ (400 | 401 | 403 | 404), Some(error)) => {
                self.refused(app, status, &error, permission)
            }
            (401, None) if !answer.is_html() => {
                Err(self.unauthenticated(&format!("status 401{}", answer.quoted())))
            }
            _ => Err(self.unexpected(&answer)),
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
        let error = ArgoError {
            message,
            code: u32::from(status),
        };
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
        let what = if message.contains("expired") {
            "its token has expired"
        } else {
            "it rejected the token"
        };
        let text = format!("`{host}` answered 401, {what}: {message}");
        Failure::denied(asking::CREDENTIALS_REJECTED, anyhow::anyhow!(text)).hinted(TOKEN_HINT)
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
        let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow::anyhow!(text)).hinted(
            format!("add to `argocd-rbac-cm`: `{}`", permission.line(app)),
        );
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

impl RequiredPermission {
    fn verb(self) -> &'static str {
        match (self.resource, self.action) {
            ("logs", _) => "read the logs of",
            (_, "sync") => "sync",
            _ => "see",
        }
    }

    /// Returns the line of the policy that grants it.
    fn line(self, app: &ApplicationId) -> String {
        let project = app.project.as_deref().unwrap_or("*");
        format!(
            "p, role:ci, {}, {}, {project}/{}, allow",
            self.resource, self.action, app.name
        )
    }
}

//! Asking: the scheme, the token, and which "no" it is.

use std::cell::Cell;

use contract::{Failure, Reason, Secret, World, asking};
use fetch::{Fetch, FetchError, HttpAnswer as Answer, StreamAnswer as Opened};
use serde::Deserialize;
use url::Url;

use crate::{App, IDLE, Server};

/// What a GET of an application may weigh: Kubernetes keeps no object larger than 1.5 MB.
const LIMIT: usize = 8 << 20;

/// How to reach and enter a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it is (`--argocd-server`).
    pub server: Server,
    /// PEM of a certificate authority (`--argocd-ca-file`).
    pub authorities: Option<Vec<u8>>,
    /// Its own token (`RUNBOOK_ARGOCD_TOKEN`, else `ARGOCD_AUTH_TOKEN`).
    pub token: Option<Secret>,
}

/// What is needed to be allowed to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right {
    pub(crate) resource: &'static str,
    pub(crate) action: &'static str,
}

/// To see an application and everything of it but logs.
pub(crate) const GET: Right = Right {
    resource: "applications",
    action: "get",
};

/// What a server says when it is asked for something of an application.
#[derive(Debug, Clone)]
pub enum Found<T> {
    /// Here it is.
    Here(T),
    /// It is not there, or cannot be; with the server's own words.
    Absent(String),
}

/// The client of one server.
pub(crate) struct Client<'w> {
    fetch: Fetch<'w>,
    server: Server,
    secure: Cell<bool>,
    pub(crate) token: Option<Secret>,
}

/// An error in Argo CD's own JSON.
#[derive(Debug, Deserialize)]
struct Said {
    message: String,
    #[serde(alias = "grpc_code")]
    code: u32,
}

impl Said {
    /// Reads an error; of what is a stream, such as a log, it is one level deeper.
    fn read(body: &[u8]) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        let inner = &value["error"];
        serde_json::from_value(if inner.is_object() {
            inner.clone()
        } else {
            value
        })
        .ok()
    }
}

impl<'w> Client<'w> {
    pub(crate) fn new(world: &'w World, options: Options) -> Self {
        let secure = options.server.starts_secure(options.authorities.is_some());
        Self {
            fetch: Fetch::new(world).trusting(options.authorities),
            server: options.server,
            secure: Cell::new(secure),
            token: options.token,
        }
    }

    /// Asks for something of an application.
    pub(crate) async fn get(
        &self,
        app: &App,
        path: &str,
        query: &[(&str, &str)],
        right: Right,
    ) -> Result<Found<Answer>, Failure> {
        let answer = self.ask(&self.url(app, path, query)?).await?;
        let answer = match self.speaks_tls(&answer) {
            true => self.ask(&self.url(app, path, query)?).await?,
            false => answer,
        };
        self.judge(app, answer, right)
    }

    async fn ask(&self, url: &Url) -> Result<Answer, Failure> {
        let request = self.authorized(
            self.fetch
                .get(url.clone())
                .header("accept", "application/json"),
        );
        request
            .limit(LIMIT)
            .send()
            .await
            .map_err(|error| self.explain(error))
    }

    /// Sends something that has an effect; returns the server's words where it does not want to.
    pub(crate) async fn post(
        &self,
        app: &App,
        path: &str,
        body: &serde_json::Value,
        right: Right,
    ) -> Result<Result<(), String>, Failure> {
        let request = self
            .fetch
            .post(self.url(app, path, &[])?, body.to_string().into_bytes());
        // Argo CD takes nothing else, against requests that a page makes a browser send.
        let request = self.authorized(request.header("content-type", "application/json"));
        let answer = request.send().await.map_err(|error| self.explain(error))?;
        // A closed window is answered as a missing permission is.
        let said = Said::read(answer.body())
            .filter(|said| answer.status() == 403 && said.message.contains("sync window"));
        match said {
            Some(said) => Ok(Err(said.message)),
            None => Ok(match self.judge(app, answer, right)? {
                Found::Here(_) => Ok(()),
                Found::Absent(said) => Err(said),
            }),
        }
    }

    /// Opens a stream of server-sent events, which have a sign of life every 15 s.
    pub(crate) async fn stream(
        &self,
        app: &App,
        query: &[(&str, &str)],
    ) -> Result<Found<fetch::HttpStream>, Failure> {
        let request = self
            .fetch
            .get(self.url(app, "api/v1/stream/applications", query)?);
        let request = self.authorized(request.header("accept", "text/event-stream"));
        match request
            .stream(IDLE)
            .await
            .map_err(|error| self.explain(error))?
        {
            Opened::Stream(stream) => Ok(Found::Here(stream)),
            Opened::Answer(answer) => match self.judge(app, answer, GET)? {
                Found::Here(answer) => Err(self.unexpected(&answer)),
                Found::Absent(said) => Ok(Found::Absent(said)),
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

    fn url(&self, app: &App, path: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
        let url = self.server.base(self.secure.get()).join(path);
        let mut url = url.map_err(|error| Failure::internal(anyhow::Error::from(error)))?;
        // Only with its project does a server tell an application that is missing from a forbidden one.
        let own = [("project", &app.project), ("appNamespace", &app.namespace)];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let all: Vec<(&str, &str)> = query.iter().copied().chain(own).collect();
        if !all.is_empty() {
            url.query_pairs_mut().extend_pairs(all);
        }
        Ok(url)
    }

    /// Finds out that a server without a scheme has TLS: Go's says so, and Argo CD leads there.
    fn speaks_tls(&self, answer: &Answer) -> bool {
        let told = answer.status() == 400
            && String::from_utf8_lossy(answer.body()).contains("HTTP request to an HTTPS server");
        let led = answer.url().scheme() == "https";
        let found = self.server.is_guessed() && !self.secure.get() && (told || led);
        if found {
            self.secure.set(true);
        }
        found
    }

    fn judge(&self, app: &App, answer: Answer, right: Right) -> Result<Found<Answer>, Failure> {
        match (answer.status(), Said::read(answer.body())) {
            (200..300, _) => Ok(Found::Here(answer)),
            (status @ (400 | 401 | 403 | 404), Some(said)) => {
                self.refused(app, status, &said, right)
            }
            (401, None) if !answer.is_html() => {
                Err(self.unauthenticated(&format!("status 401{}", answer.quoted())))
            }
            _ => Err(self.unexpected(&answer)),
        }
    }

    /// What Argo CD itself refuses, by the status of its answer or of an error frame.
    fn refused<T>(
        &self,
        app: &App,
        status: u16,
        said: &Said,
        right: Right,
    ) -> Result<Found<T>, Failure> {
        match status {
            // 400 is said of what is no part of the application (any more), and of what it cannot do.
            400 | 404 => Ok(Found::Absent(said.message.clone())),
            401 => Err(self.unauthenticated(&said.message)),
            403 => Err(self.forbidden(app, &said.message, right)),
            _ => {
                let text = format!(
                    "`{}` said: {} (code {})",
                    self.server.host(),
                    said.message,
                    said.code
                );
                Err(FetchError::new(asking::SERVER_ERROR, text).into())
            }
        }
    }

    /// Returns what an error frame of a stream means.
    pub(crate) fn frame_error(&self, app: &App, status: u16, message: String) -> Failure {
        let said = Said {
            message,
            code: u32::from(status),
        };
        match self.refused::<()>(app, status, &said, GET) {
            Err(failure) => failure,
            Ok(_) => {
                let text = format!(
                    "`{}` ended the stream: {}",
                    self.server.host(),
                    said.message
                );
                FetchError::new(asking::SERVER_ERROR, text).into()
            }
        }
    }

    fn unauthenticated(&self, said: &str) -> Failure {
        let host = self.server.host();
        if self.token.is_some() && !self.secure.get() && !self.server.is_loopback() {
            let text = format!(
                "`{host}` was not sent the token, since plain http would show it to everybody: {said}"
            );
            return Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
                .hinted("leave `http://` out of `--argocd-server`");
        }
        if self.token.is_none() {
            let text = format!("`{host}` answers nobody without a token: {said}");
            return Failure::denied(asking::NO_CREDENTIALS, anyhow::anyhow!(text))
                .hinted(TOKEN_HINT);
        }
        let what = if said.contains("expired") {
            "its token has expired"
        } else {
            "it rejected the token"
        };
        let text = format!("`{host}` answered 401, {what}: {said}");
        Failure::denied(asking::CREDENTIALS_REJECTED, anyhow::anyhow!(text)).hinted(TOKEN_HINT)
    }

    fn forbidden(&self, app: &App, said: &str, right: Right) -> Failure {
        let text = format!(
            "`{}` does not let this token {} `{}`: {said}",
            self.server.host(),
            right.verb(),
            app.name
        );
        let failure = Failure::denied(asking::PERMISSION_MISSING, anyhow::anyhow!(text))
            .hinted(format!("add to `argocd-rbac-cm`: `{}`", right.line(app)));
        if app.project.is_some() {
            return failure;
        }
        failure.hinted(
            "it may also not exist: with `--argocd-project` a server tells the one from the other",
        )
    }

    fn unexpected(&self, answer: &Answer) -> Failure {
        let what = if answer.is_html() {
            "an HTML page"
        } else {
            "what is no answer of Argo CD's"
        };
        let text = format!(
            "{} answered {} with {what}{}",
            answer.source(),
            answer.status(),
            answer.quoted()
        );
        self.explain(FetchError::new(asking::NOT_THE_API, text))
    }

    /// Adds what helps against what went wrong below.
    pub(crate) fn explain(&self, error: FetchError) -> Failure {
        let reason: Reason = error.reason();
        let failure = Failure::from(error);
        if reason == asking::UNTRUSTED_CERTIFICATE {
            return failure
                .hinted("pass the certificate authority's PEM file as `--argocd-ca-file FILE`");
        }
        if reason == asking::NOT_THE_API {
            return failure.hinted("is `--argocd-server` Argo CD itself, and not a login page in front of it? A token needs a way around that page");
        }
        failure
    }
}

const TOKEN_HINT: &str = "set `RUNBOOK_ARGOCD_TOKEN` to a valid token: `argocd account generate-token --account ACCOUNT`";

impl Right {
    fn verb(self) -> &'static str {
        match (self.resource, self.action) {
            ("logs", _) => "read the logs of",
            (_, "sync") => "sync",
            _ => "see",
        }
    }

    /// Returns the line of the policy that gives this right.
    fn line(self, app: &App) -> String {
        let project = app.project.as_deref().unwrap_or("*");
        format!(
            "p, role:ci, {}, {}, {project}/{}, allow",
            self.resource, self.action, app.name
        )
    }
}

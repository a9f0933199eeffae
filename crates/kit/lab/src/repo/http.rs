//! The repository over HTTP: `git http-backend` behind a server that can also say no.

use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use tokio::io::AsyncWriteExt as _;

use super::GitRemote;
use super::git::command;
use crate::background::{Background, bind};
use crate::lock::lock;
use crate::registry::basic;

/// A remote that is reached over HTTP. Pushing is allowed.
#[derive(Debug)]
pub struct HttpRemote {
    address: String,
    state: Arc<Mutex<HttpRemoteState>>,
    _server: Background,
}

/// The requests so far, and the requests to refuse.
#[derive(Debug)]
struct HttpRemoteState {
    remote: GitRemote,
    credentials: Option<String>,
    refusals: Vec<u16>,
    always: Option<u16>,
    pushes: Option<(u16, String)>,
    redirect: Option<(String, String)>,
    is_version_zero: bool,
    lines: Vec<String>,
    authorizations: Vec<Option<String>>,
    sent: u64,
}

impl GitRemote {
    /// Serves the repository over HTTP, with this user and password.
    #[must_use]
    pub fn http(&self, user: &str, password: &str) -> HttpRemote {
        HttpRemote::start(self, Some(basic(user, password)))
    }

    /// Serves the repository over HTTP without credentials.
    #[must_use]
    pub fn http_open(&self) -> HttpRemote {
        HttpRemote::start(self, None)
    }

    /// Serves the repository over HTTP without credentials, as `OWNER/NAME` too.
    pub(crate) fn http_as(&self, name: &str) -> HttpRemote {
        let link = self.folder.path().join(name);
        if !link.exists() {
            std::fs::create_dir_all(link.parent().expect("an owner")).expect("a temporary folder");
            std::os::unix::fs::symlink(self.path(), link).expect("a temporary folder");
        }
        self.http_open()
    }
}

impl HttpRemote {
    fn start(remote: &GitRemote, credentials: Option<String>) -> Self {
        let state = Arc::new(Mutex::new(HttpRemoteState {
            remote: remote.clone(),
            credentials,
            refusals: Vec::new(),
            always: None,
            pushes: None,
            redirect: None,
            is_version_zero: false,
            lines: Vec::new(),
            authorizations: Vec::new(),
            sent: 0,
        }));
        let (listener, address) = bind();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let server = Background::start(async move {
            let listener =
                tokio::net::TcpListener::from_std(listener).expect("a non-blocking listener");
            axum::serve(listener, router)
                .await
                .expect("a server that does not end");
        });
        Self {
            address: address.to_string(),
            state,
            _server: server,
        }
    }

    /// Returns the URL of the repository, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/remote.git", self.address)
    }

    /// Returns `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Answers the next requests with these statuses, one each.
    pub fn answer_next(&self, statuses: impl IntoIterator<Item = u16>) {
        self.state().refusals.extend(statuses);
    }

    /// Answers every request with this status.
    pub fn answer_always(&self, status: u16) {
        self.state().always = Some(status);
    }

    /// Serves reads, and answers every request of a push with this status and text.
    pub fn refuse_pushes(&self, status: u16, text: &str) {
        self.state().pushes = Some((status, text.to_owned()));
    }

    /// Redirects every request whose address contains `part` to the same path on another server,
    /// `http://host:port`.
    pub fn redirect(&self, part: &str, server: &str) {
        self.state().redirect = Some((part.to_owned(), server.to_owned()));
    }

    /// Speaks the first version of git's protocol only, as some forges do.
    pub fn speak_version_zero(&self) {
        self.state().is_version_zero = true;
    }

    /// Returns how many requests it has had, the refused ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state().lines.len()
    }

    /// Returns `METHOD PATH?QUERY` of each request.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    /// Returns the `Authorization` header of each request.
    #[must_use]
    pub fn authorizations(&self) -> Vec<Option<String>> {
        self.state().authorizations.clone()
    }

    /// Returns how many bytes of bodies were sent to clients.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.state().sent
    }

    /// Forgets the requests and bytes so far.
    pub fn forget_requests(&self) {
        let mut state = self.state();
        (state.sent, state.lines, state.authorizations) = (0, Vec::new(), Vec::new());
    }

    fn state(&self) -> MutexGuard<'_, HttpRemoteState> {
        lock(&self.state)
    }
}

impl HttpRemoteState {
    /// Records the request, and returns the answer if it is to be refused.
    fn judge(&mut self, request: &Request) -> Option<Response<Body>> {
        self.lines
            .push(format!("{} {}", request.method(), request.uri()));
        let shown = text(request.headers(), "authorization").map(str::to_owned);
        self.authorizations.push(shown.clone());
        let pushing = request.uri().to_string().contains("git-receive-pack");
        if let Some((part, server)) = &self.redirect
            && request.uri().to_string().contains(part)
        {
            return Some(redirection(&format!("{server}{}", request.uri())));
        }
        match &self.pushes {
            _ if !self.refusals.is_empty() => Some(refusal(self.refusals.remove(0), "not now\n")),
            _ if self.always.is_some() => self.always.map(|status| refusal(status, "never\n")),
            Some((status, text)) if pushing => Some(refusal(*status, text)),
            _ if self.credentials.is_some() && shown != self.credentials => {
                Some(refusal(401, "who are you?\n"))
            }
            _ => None,
        }
    }
}

fn refusal(status: u16, text: &str) -> Response<Body> {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "text/plain");
    if status == 401 {
        response = response.header("www-authenticate", "Basic realm=\"lab\"");
    }
    response
        .body(Body::from(text.to_owned()))
        .expect("a status is a number")
}

fn redirection(location: &str) -> Response<Body> {
    Response::builder()
        .status(301)
        .header("location", location)
        .body(Body::empty())
        .expect("a good location")
}

async fn answer(
    State(state): State<Arc<Mutex<HttpRemoteState>>>,
    mut request: Request,
) -> Response<Body> {
    let (refused, remote) = {
        let mut state = lock(&state);
        if state.is_version_zero {
            request.headers_mut().remove("git-protocol");
        }
        (state.judge(&request), state.remote.clone())
    };
    let (head, body) = match refused {
        Some(response) => response.into_parts(),
        None => backend(remote, request).await.into_parts(),
    };
    let body = to_bytes(body, usize::MAX).await.expect("a body in memory");
    lock(&state).sent += body.len() as u64;
    Response::from_parts(head, Body::from(body))
}

/// Has git answer, by the rules of CGI.
async fn backend(remote: GitRemote, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return refusal(400, "the body ended too early\n");
    };
    translate(&converse(cgi(&remote, &head, body.len()), body).await)
}

/// Returns git's program for this, with the request in its environment.
fn cgi(remote: &GitRemote, head: &Parts, length: usize) -> tokio::process::Command {
    let mut git = command(&remote.path(), &["http-backend"]);
    let header = |name| text(&head.headers, name).unwrap_or_default().to_owned();
    git.env("GIT_PROJECT_ROOT", remote.folder.path())
        .env("GIT_HTTP_EXPORT_ALL", "1");
    git.env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path());
    git.env("QUERY_STRING", head.uri.query().unwrap_or_default());
    git.env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", length.to_string());
    git.env("GIT_PROTOCOL", header("git-protocol"));
    git.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    git.env("REMOTE_USER", "lab")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped());
    let mut git = tokio::process::Command::from(git);
    git.kill_on_drop(true);
    git
}

/// Writes the request while the answer is read: either may be larger than a pipe.
async fn converse(mut git: tokio::process::Command, body: Bytes) -> Vec<u8> {
    let mut child = git.spawn().expect("`git` on PATH");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let write = async move { stdin.write_all(&body).await };
    let (_, output) = tokio::join!(write, child.wait_with_output());
    output.expect("a child of this process").stdout
}

/// Reads headers, `Status:` among them, and a body.
fn translate(answer: &[u8]) -> Response<Body> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end else {
        return refusal(500, "git said nothing\n");
    };
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), &answer[end + 4..]);
    let mut response = Response::builder().status(StatusCode::OK);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or(value)),
            _ => response.header(name, value),
        };
    }
    response
        .body(Body::from(body.to_vec()))
        .expect("git writes good headers")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

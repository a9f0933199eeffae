//! An HTTP request and its answer, as values.

use std::{fmt, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::LocalFuture;

/// One request, sent as it is: no redirect is followed, nothing is retried.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, …
    pub method: String,
    /// Where it goes.
    pub url: Url,
    /// Headers in the order they are sent.
    pub headers: Vec<Header>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How the server proves who it is.
    pub tls: Tls,
}

/// One header; a sensitive one is never logged and not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Lowercase name.
    pub name: &'static str,
    /// Value.
    pub value: String,
    /// Whether it carries a secret.
    pub sensitive: bool,
}

/// Which certificates are trusted besides the public ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// PEM of further certificate authorities (`--registry-ca-file`).
    pub authorities: Option<Bytes>,
}

/// The head of an answer, and its body to come.
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers, names in lowercase, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl HttpResponse {
    /// Returns the first header of that lowercase name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A body that comes chunk by chunk.
pub type Body = Box<dyn BodyStream>;

/// Where the chunks come from.
pub trait BodyStream {
    /// Returns the next chunk, or `None` at the end.
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>>;
}

/// Why no answer arrived, or only a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Which of the known ways to fail it was.
    pub kind: TransportErrorKind,
    /// What the layers below said, in one line.
    pub message: String,
}

/// The ways in which a transport fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportErrorKind {
    /// No connection: refused, no such host, no route, a proxy that says no.
    Connect,
    /// The certificate is not trusted, for another name, or expired.
    Certificate,
    /// No connection in time.
    TimedOut,
    /// The connection broke while the answer came.
    Broken,
    /// The certificate file given by a flag holds no certificate.
    BadAuthorities,
    /// A recording has no answer to this request.
    NotRecorded,
}

impl TransportError {
    /// Makes an error of what the layers below said.
    pub fn new(kind: TransportErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }
}

/// How long a connection may take to stand; a firewall that drops packets would cost the whole
/// exchange otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

//! An HTTP request and its answer, as values.

use bytes::Bytes;
use url::Url;

use crate::{LocalFuture, Origin, TransportError};

/// One request, sent as it is: no redirect is followed, nothing is retried.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// `GET`, `HEAD`, `POST`, …
    pub method: String,
    /// The URL.
    pub url: Url,
    /// Headers in the order in which they are sent.
    pub headers: Vec<Header>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The certificates that are trusted.
    pub tls: Tls,
    /// Whether the answer contains a secret, as that of a token server does: a recording keeps only
    /// its shape.
    pub has_secret_answer: bool,
    /// Whether a server redirected to this URL, whose query may then be a signature.
    pub is_redirected: bool,
    /// The other server that led to this URL, if one did: a name in it must not lead further in.
    pub led_by: Option<Origin>,
}

impl HttpRequest {
    /// Returns the URL for logs and recordings: that of a redirect without its query.
    pub fn shown_url(&self) -> String {
        let mut url = self.url.clone();
        if self.is_redirected {
            url.set_query(None);
            url.set_fragment(None);
        }
        url.into()
    }
}

/// One header; the value of a sensitive one is neither logged nor recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Lowercase name.
    pub name: &'static str,
    /// Value.
    pub value: String,
    /// Whether the value contains a secret.
    pub sensitive: bool,
}

/// The certificates that are trusted in addition to the public ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// PEM of further certificate authorities (`--registry-ca-file`).
    pub authorities: Option<Bytes>,
}

/// The head of an answer, with its body still to come.
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers in the order in which they arrived, names in lowercase.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

impl HttpResponse {
    /// Returns the first header of that lowercase name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(key, _)| key == name)?;
        Some(value)
    }
}

/// A body that arrives chunk by chunk.
pub type Body = Box<dyn BodyStream>;

/// The source of a body's chunks.
pub trait BodyStream {
    /// Returns the next chunk, or `None` at the end.
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>>;
}

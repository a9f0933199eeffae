//! What happens to one request.

use std::time::{Duration, SystemTime};

/// One answer, good or bad.
#[must_use = "give it to a server"]
#[derive(Clone, Debug)]
pub struct ScriptedReply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: ReplyBody,
    pub(super) manner: Manner,
}

/// The bytes after the headers.
#[derive(Clone, Debug)]
pub(super) enum ReplyBody {
    /// These bytes, with their length declared.
    Fixed(Vec<u8>),
    /// One byte, over and over, this many times; the length is declared or not.
    Filled { byte: u8, size: u64, declared: bool },
}

/// How the answer is given.
#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// As any server does.
    Whole,
    /// Not at all: the connection stays open and nothing comes.
    Silent,
    /// The connection is closed instead.
    HangUp,
    /// The headers, and then nothing.
    HeadersOnly,
    /// This many bytes of the body, a pause so that they arrive, and the end of the connection.
    Cut(usize),
    /// So many bytes of the body at a time, with a pause after each.
    Drip(usize, Duration),
    /// By another server, which is given the request as it came.
    Forward(String),
}

impl ScriptedReply {
    /// Answers with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: ReplyBody::Fixed(Vec::new()),
            manner: Manner::Whole,
        }
    }

    /// Answers with plain text.
    pub fn text(status: u16, text: &str) -> Self {
        Self::status(status)
            .header("Content-Type", "text/plain; charset=utf-8")
            .body(text)
    }

    /// Answers with JSON.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::status(status)
            .header("Content-Type", "application/json")
            .body(value.to_string())
    }

    /// Answers with a page for people, as proxies and login pages do.
    pub fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head><body>\n\
                    <p>This page is taking too long to load.</p>\n</body></html>\n";
        Self::status(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .body(page)
    }

    /// Answers as a registry does when it refuses: `{"errors":[{"code":…,"message":…}]}`.
    pub fn registry_error(status: u16, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &serde_json::json!({ "errors": [{ "code": code, "message": message }] }),
        )
    }

    /// Sends the client elsewhere.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("Location", location)
    }

    /// Reads the request and never answers.
    pub fn silent() -> Self {
        Self::status(200).manner(Manner::Silent)
    }

    /// Reads the request and closes the connection.
    pub fn hang_up() -> Self {
        Self::status(200).manner(Manner::HangUp)
    }

    /// Has another server (`host:port`, without TLS) answer.
    pub fn forward(address: &str) -> Self {
        Self::status(200).manner(Manner::Forward(address.to_owned()))
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = ReplyBody::Fixed(body.as_ref().to_vec());
        self
    }

    /// Asks the client to retry after this many seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header("Retry-After", &seconds.to_string())
    }

    /// Asks the client to retry at a date, this far from now.
    pub fn retry_after_date(self, from_now: Duration) -> Self {
        self.header(
            "Retry-After",
            &httpdate::fmt_http_date(SystemTime::now() + from_now),
        )
    }

    /// Claims a digest that is not the body's.
    pub fn wrong_digest(self) -> Self {
        self.header(
            "Docker-Content-Digest",
            &format!("sha256:{}", "0".repeat(64)),
        )
    }

    /// Sends `size` times the same byte, made as it goes, after declaring that length.
    pub fn filled(mut self, byte: u8, size: u64) -> Self {
        self.body = ReplyBody::Filled {
            byte,
            size,
            declared: true,
        };
        self
    }

    /// Sends 10 GB of the same byte without saying how much it will be.
    pub fn endless(mut self, byte: u8) -> Self {
        self.body = ReplyBody::Filled {
            byte,
            size: 10_000_000_000,
            declared: false,
        };
        self
    }

    /// Sends the headers and nothing of the body, and keeps the connection.
    pub fn headers_only(self) -> Self {
        self.manner(Manner::HeadersOnly)
    }

    /// Ends the connection after this many bytes of the body, all of which arrive.
    pub fn cut_after(self, bytes: usize) -> Self {
        self.manner(Manner::Cut(bytes))
    }

    /// Sends this many bytes of the body at a time, with a pause after each.
    pub fn drip(self, bytes: usize, pause: Duration) -> Self {
        self.manner(Manner::Drip(bytes, pause))
    }

    fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Returns the status line and the headers, as they go over the wire.
    pub(super) fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = self.declared_length() {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head + "\r\n"
    }

    fn declared_length(&self) -> Option<u64> {
        let by_hand = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        match &self.body {
            _ if by_hand => None,
            ReplyBody::Fixed(bytes) => Some(bytes.len() as u64),
            ReplyBody::Filled { size, declared, .. } => declared.then_some(*size),
        }
    }
}

//! Why an HTTP request got no answer.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why no answer arrived, or only a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// How the transport failed.
    pub kind: TransportErrorKind,
    /// The innermost cause, in one line.
    pub message: String,
}

/// The ways in which a transport fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportErrorKind {
    /// No connection: refused, unknown host, no route, rejected by a proxy.
    Connect,
    /// The certificate is not trusted, expired, or issued for another name.
    Certificate,
    /// The connection took too long.
    TimedOut,
    /// The connection broke while the answer arrived.
    Broken,
    /// The certificate file given by a flag contains no certificate.
    BadAuthorities,
    /// A recording has no answer to this request.
    NotRecorded,
}

impl TransportError {
    /// Makes an error from the message of the layer below.
    pub fn new(kind: TransportErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }
}

//! The error of a request without an answer.

use contract::{
    Failure, Reason, asking,
    world::{TransportError, TransportErrorKind},
};

/// The error of a request without an answer; its reason is one of [`contract::asking`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}{}", attempts_text(*.attempts))]
pub struct FetchError {
    reason: Reason,
    message: String,
    attempts: u32,
    kind: Option<TransportErrorKind>,
}

impl FetchError {
    /// Makes an error; `message` is a lowercase fragment that names the server.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            attempts: 1,
            kind: None,
        }
    }

    pub(crate) fn transport(error: &TransportError, url: &str) -> Self {
        let reason = match error.kind {
            TransportErrorKind::Certificate => asking::UNTRUSTED_CERTIFICATE,
            TransportErrorKind::TimedOut => asking::TIMED_OUT,
            _ => asking::UNREACHABLE,
        };
        Self {
            kind: Some(error.kind),
            ..Self::new(reason, format!("could not ask `{url}`: {error}"))
        }
    }

    pub(crate) fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Returns the reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns how the transport failed, if it did.
    pub(crate) fn kind(&self) -> Option<TransportErrorKind> {
        self.kind
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error.kind {
            Some(TransportErrorKind::NotRecorded) => Self::internal(error),
            Some(TransportErrorKind::BadAuthorities) => Self::usage(error),
            _ => Self::unavailable(error.reason, error),
        }
    }
}

fn attempts_text(attempts: u32) -> String {
    match attempts {
        1 => String::new(),
        several => format!(", asked {several} times"),
    }
}

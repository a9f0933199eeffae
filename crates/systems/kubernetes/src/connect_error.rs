//! Why there is no cluster to ask.

use anyhow::anyhow;
use contract::{Failure, asking};
use serde::{Deserialize, Serialize};

/// Why connecting failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectError {
    /// Whether credentials are missing, rather than settings wrong.
    denied: bool,
    pub(crate) text: String,
    hint: String,
}

impl ConnectError {
    /// Makes an error of the settings.
    pub(crate) fn settings(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            denied: false,
            text: text.into(),
            hint: hint.into(),
        }
    }

    /// Makes an error of the login.
    pub(crate) fn login(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            denied: true,
            text: text.into(),
            hint: hint.into(),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(failed: ConnectError) -> Self {
        let error = anyhow!(failed.text);
        let failure = if failed.denied {
            Self::denied(asking::NO_CREDENTIALS, error)
        } else {
            Self::usage(error)
        };
        failure.hinted(failed.hint)
    }
}

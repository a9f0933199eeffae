//! GitHub's word on the signature of a commit.

use serde::Deserialize;

/// What GitHub says about the signature of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Signature {
    /// Whether GitHub calls the commit verified.
    #[serde(rename = "isValid")]
    pub is_valid: bool,
    /// The reason for that (`VALID`, `UNSIGNED`, `UNKNOWN_KEY`).
    pub state: String,
}

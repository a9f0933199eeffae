//! The checks before a deployment.

use serde::{Deserialize, Serialize};

/// One line of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// CI passed for the commit.
    Ci,
    /// The image exists, complete.
    Image,
    /// Monitoring is alive, and no alert fires.
    Alerts,
    /// The pull request was approved.
    Approval,
}

impl Check {
    /// Returns the word of the file: `ci`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Image => "image",
            Self::Alerts => "alerts",
            Self::Approval => "approval",
        }
    }
}

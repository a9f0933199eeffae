//! Why a step got no answer.

use crate::{Reason, Verdict, reason::asking};

/// Why a step got no answer. The `Err` of a step never means "no", which is a
/// [`Report`](crate::Report): a workflow would roll back because DNS was down.
#[derive(Debug)]
pub struct Failure {
    /// One of `usage`, `unavailable`, `denied`, `contended` and `internal`; it fixes the exit code.
    pub verdict: Verdict,
    /// One word of the step's list.
    pub reason: Reason,
    /// The error and its causes; lowercase fragments without a period.
    pub error: anyhow::Error,
    /// The next steps for a user, in the imperative.
    pub hints: Vec<String>,
}

impl Failure {
    /// The flags or the configuration are invalid (2).
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Usage, asking::INVALID_USAGE, error)
    }

    /// The answer could not be obtained (20).
    pub fn unavailable(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Unavailable, reason, error)
    }

    /// Credentials are missing, rejected, or lack a permission (21).
    pub fn denied(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Denied, reason, error)
    }

    /// Others kept changing it first until the deadline (22).
    pub fn contended(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Contended, reason, error)
    }

    /// An internal error (1).
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Internal, asking::BUG, error)
    }

    fn new(verdict: Verdict, reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self {
            verdict,
            reason,
            error: error.into(),
            hints: Vec::new(),
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Puts a description of the failed operation before the error.
    #[must_use]
    pub fn context(mut self, doing: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(doing);
        self
    }

    /// Returns the error with its causes in one line.
    pub fn summary(&self) -> String {
        // Not `{:?}`, which prints a backtrace when `RUST_BACKTRACE` is set.
        format!("{:#}", self.error)
    }
}

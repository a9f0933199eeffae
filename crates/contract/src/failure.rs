//! "Could not tell": why no answer could be had.

use crate::{Reason, Verdict, reason::asking};

/// Why a step has no answer. An `Err` of a step is never a "no", which is a
/// [`Report`](crate::Report): somebody would roll back because DNS was down.
#[derive(Debug)]
pub struct Failure {
    /// One of `usage`, `unavailable`, `denied`, `contended` and `internal`; it fixes the exit code.
    pub verdict: Verdict,
    /// One word of the step's list.
    pub reason: Reason,
    /// What, where, and the causes; lowercase fragments without a period.
    pub error: anyhow::Error,
    /// What to do next, in the imperative.
    pub hints: Vec<String>,
}

impl Failure {
    /// Flags or configuration are wrong (2).
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Usage, asking::INVALID_USAGE, error)
    }

    /// Could not find out (20).
    pub fn unavailable(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Unavailable, reason, error)
    }

    /// Credentials are missing, rejected, or without the permission (21).
    pub fn denied(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Denied, reason, error)
    }

    /// Others changed it first until the deadline (22).
    pub fn contended(reason: Reason, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Verdict::Contended, reason, error)
    }

    /// A bug of ours (1).
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

    /// Says in front of the error what was being done.
    #[must_use]
    pub fn context(mut self, doing: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(doing);
        self
    }

    /// Returns the error with its causes in one line. Never `{:?}`, which prints a backtrace when
    /// `RUST_BACKTRACE` is set.
    pub fn summary(&self) -> String {
        format!("{:#}", self.error)
    }
}

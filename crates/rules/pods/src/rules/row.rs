//! A row of the table of failures.

use contract::Reason;

/// One row of the table.
#[derive(Debug)]
pub(crate) struct FailureRule {
    /// The words of the state that the rule is about; empty for any.
    pub(crate) words: &'static [&'static str],
    /// Parts of the message in lower case, without names; the message has one of them. Empty for
    /// any message.
    pub(crate) says: &'static [&'static str],
    /// The reason, which fixes the fault.
    pub(crate) reason: Reason,
    /// When the failure counts.
    pub(crate) patience: Patience,
    /// Where the words come from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    pub(crate) source: &'static str,
}

/// When a failure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// At once.
    None,
    /// Once the kubelet waits before the next pull: the first attempt may have met a replica of the
    /// registry that lags.
    SecondPull,
    /// After the grace period for pulls.
    Pull,
    /// After the grace period for settings.
    Config,
    /// After the grace period for a missing Secret.
    Secret,
    /// The second time, or after the grace period for settings.
    Again,
    /// After the grace period for nodes.
    Schedule,
    /// After this many restarts (`--max-restarts`).
    Restarts,
    /// It always passes, or the deadline ends it.
    Forever,
}

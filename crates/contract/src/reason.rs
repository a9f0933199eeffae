//! The reasons of verdicts: words from closed lists, each with its fault.

use crate::Fault;

/// One word of a step's closed list of reasons.
///
/// A workflow branches on the word and on the fault, never on a sentence. A reason fixes its fault:
/// it is [`Fault::Change`] only when the change is proven to be bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The word, kebab-case (`tag-moved`).
    pub word: &'static str,
    /// Who or what has to change.
    pub fault: Fault,
    /// Its meaning, a lowercase fragment for the tables in the READMEs.
    pub meaning: &'static str,
}

impl Reason {
    /// Makes a reason; every step lists its own in `Step::REASONS`.
    pub const fn new(word: &'static str, fault: Fault, meaning: &'static str) -> Self {
        Self {
            word,
            fault,
            meaning,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

/// The reasons that every step shares, since every step asks a system.
pub mod asking {
    use super::Reason;
    use crate::Fault::{Configuration, Environment, Nobody};

    /// No connection.
    pub const UNREACHABLE: Reason = Reason::new(
        "unreachable",
        Environment,
        "no connection: refused, unknown host, or interrupted",
    );
    /// The answer took too long.
    pub const TIMED_OUT: Reason = Reason::new("timed-out", Environment, "the answer took too long");
    /// 5xx.
    pub const SERVER_ERROR: Reason = Reason::new(
        "server-error",
        Environment,
        "the server failed, and so did the retries",
    );
    /// 429, or a rate limit of GitHub.
    pub const RATE_LIMITED: Reason = Reason::new(
        "rate-limited",
        Environment,
        "the server limits requests for longer than the timeout",
    );
    /// The certificate is expired, for another name, or of an issuer that is not trusted.
    pub const UNTRUSTED_CERTIFICATE: Reason = Reason::new(
        "untrusted-certificate",
        Environment,
        "the server's certificate is not trusted",
    );
    /// HTML of a login page, a body that is too large, JSON of another shape.
    pub const NOT_THE_API: Reason = Reason::new(
        "not-the-api",
        Environment,
        "the answer is not from the expected API",
    );
    /// The content has another digest than the one requested.
    pub const DIGEST_MISMATCH: Reason = Reason::new(
        "digest-mismatch",
        Environment,
        "the content does not match its digest",
    );
    /// No credentials are set.
    pub const NO_CREDENTIALS: Reason = Reason::new(
        "no-credentials",
        Configuration,
        "the server requires credentials, and none are set",
    );
    /// 401 with credentials.
    pub const CREDENTIALS_REJECTED: Reason = Reason::new(
        "credentials-rejected",
        Configuration,
        "the server rejects the credentials",
    );
    /// 403, or a protected branch.
    pub const PERMISSION_MISSING: Reason = Reason::new(
        "permission-missing",
        Configuration,
        "the credentials are valid but lack the permission",
    );
    /// Exit code 2.
    pub const INVALID_USAGE: Reason = Reason::new(
        "invalid-usage",
        Configuration,
        "the flags or the configuration are invalid",
    );
    /// Exit code 1.
    pub const BUG: Reason = Reason::new("bug", Environment, "internal error; please report it");
    /// Exit code 130.
    pub const INTERRUPTED: Reason = Reason::new("interrupted", Nobody, "stopped by a signal");

    /// All of them, for the tables of every step.
    pub const ALL: [Reason; 13] = [
        UNREACHABLE,
        TIMED_OUT,
        SERVER_ERROR,
        RATE_LIMITED,
        UNTRUSTED_CERTIFICATE,
        NOT_THE_API,
        DIGEST_MISMATCH,
        NO_CREDENTIALS,
        CREDENTIALS_REJECTED,
        PERMISSION_MISSING,
        INVALID_USAGE,
        BUG,
        INTERRUPTED,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shared_reason_blames_the_change() {
        assert!(
            asking::ALL
                .iter()
                .all(|reason| reason.fault != Fault::Change)
        );
    }
}

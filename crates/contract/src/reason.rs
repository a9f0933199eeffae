//! Why a verdict is what it is: words from closed lists, each with its fault.

use crate::Fault;

/// One word of a step's closed list of reasons.
///
/// A workflow decides on the word and on the fault, never on a sentence. The fault is fixed by the
/// reason: what is not proven to be the change is never [`Fault::Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The word, kebab-case (`tag-moved`).
    pub word: &'static str,
    /// Who or what has to change.
    pub fault: Fault,
    /// What it means, a lowercase fragment for the tables in the READMEs.
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

/// The reasons that every step shares, since every step asks somebody (product.md, "Known reasons").
pub mod asking {
    use super::Reason;
    use crate::Fault::{Configuration, Environment, Nobody};

    /// No connection.
    pub const UNREACHABLE: Reason = Reason::new(
        "unreachable",
        Environment,
        "no connection: refused, no such host, or broken off",
    );
    /// No answer in time.
    pub const TIMED_OUT: Reason = Reason::new("timed-out", Environment, "no answer in time");
    /// 5xx.
    pub const SERVER_ERROR: Reason = Reason::new(
        "server-error",
        Environment,
        "the server failed, also when asked again",
    );
    /// 429, or a rate limit of GitHub's.
    pub const RATE_LIMITED: Reason = Reason::new(
        "rate-limited",
        Environment,
        "the server wants fewer requests, for longer than we may wait",
    );
    /// TLS with an issuer that is not trusted, a wrong name, an expired certificate.
    pub const UNTRUSTED_CERTIFICATE: Reason = Reason::new(
        "untrusted-certificate",
        Environment,
        "the server's certificate is not trusted",
    );
    /// HTML from a login page, a body without end, JSON of another shape.
    pub const NOT_THE_API: Reason = Reason::new(
        "not-the-api",
        Environment,
        "something answered, but it is not the API that was asked",
    );
    /// What came is not what its digest says.
    pub const DIGEST_MISMATCH: Reason = Reason::new(
        "digest-mismatch",
        Environment,
        "the content is not what its digest says",
    );
    /// Nothing to log in with.
    pub const NO_CREDENTIALS: Reason = Reason::new(
        "no-credentials",
        Configuration,
        "the server asks for credentials and there are none",
    );
    /// 401 with credentials.
    pub const CREDENTIALS_REJECTED: Reason = Reason::new(
        "credentials-rejected",
        Configuration,
        "the server does not accept the credentials",
    );
    /// 403, or a protected branch.
    pub const PERMISSION_MISSING: Reason = Reason::new(
        "permission-missing",
        Configuration,
        "the credentials are accepted but may not do this",
    );
    /// Exit code 2.
    pub const INVALID_USAGE: Reason = Reason::new(
        "invalid-usage",
        Configuration,
        "flags or configuration are wrong",
    );
    /// Exit code 1.
    pub const BUG: Reason = Reason::new("bug", Environment, "a bug of ours; please report it");
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

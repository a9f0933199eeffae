//! The kinds of errors, recognized by the phrases of git, curl and ssh.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GitErrorKind {
    BranchMissing,
    CommitMissing,
    Redirected,
    HistoryCut,
    DubiousOwnership,
    NotWritten,
    Unauthorized,
    Forbidden,
    RateLimited,
    ServerError,
    NotFound,
    Untrusted,
    Unreachable,
    Broken,
    TimedOut,
    NoProgram,
    Other,
}

/// The phrases of git, curl and ssh (`LC_ALL=C`), the more specific kinds first.
const PHRASES: [(GitErrorKind, &[&str]); 13] = [
    (GitErrorKind::Redirected, &["returned error: 30"]),
    (GitErrorKind::BranchMissing, &["couldn't find remote ref"]),
    (GitErrorKind::CommitMissing, &["not our ref"]),
    (
        GitErrorKind::DubiousOwnership,
        &["detected dubious ownership"],
    ),
    (
        GitErrorKind::NotWritten,
        &[
            "no space left on device",
            "out of diskspace",
            "read-only file system",
            "disk quota exceeded",
            "couldn't write '",
        ],
    ),
    (
        GitErrorKind::Unauthorized,
        &[
            "returned error: 401",
            "authentication failed",
            "could not read username",
            "could not read password",
            "invalid username or",
            "permission denied (",
        ],
    ),
    (
        GitErrorKind::Forbidden,
        &[
            "returned error: 403",
            "resource not accessible by integration",
            "write access to repository not granted",
            "denied to ",
        ],
    ),
    (GitErrorKind::RateLimited, &["returned error: 429"]),
    (
        GitErrorKind::ServerError,
        &["returned error: 5", "http 5", "internal server error"],
    ),
    (
        GitErrorKind::NotFound,
        &[
            "repository not found",
            "returned error: 404",
            "' not found",
            "not appear to be a git repository",
        ],
    ),
    (
        GitErrorKind::Untrusted,
        &["certificate", "host key verification failed"],
    ),
    (
        GitErrorKind::Unreachable,
        &[
            "could not resolve host",
            "failed to connect",
            "connection refused",
            "no route to host",
            "network is unreachable",
            "unable to connect",
        ],
    ),
    (
        GitErrorKind::Broken,
        &[
            "hung up unexpectedly",
            "unexpected disconnect",
            "connection reset",
            "connection timed out",
            "operation timed out",
            "empty reply from server",
            "early eof",
            "broken pipe",
            "recv failure",
        ],
    ),
];

/// Returns the first kind that git's output matches, and the line that says so.
pub(super) fn recognize(stderr: &str) -> Option<(GitErrorKind, &str)> {
    PHRASES.iter().find_map(|(kind, phrases)| {
        let line = stderr.lines().find(|line| matches(*kind, phrases, line))?;
        Some((*kind, line))
    })
}

fn matches(kind: GitErrorKind, phrases: &[&str], line: &str) -> bool {
    // The hint for a full disk is about this machine: a full disk of the remote is another error.
    if kind == GitErrorKind::NotWritten && line.starts_with("remote:") {
        return false;
    }
    let line = line.to_ascii_lowercase();
    phrases.iter().any(|phrase| line.contains(phrase))
}

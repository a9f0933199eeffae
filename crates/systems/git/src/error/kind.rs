//! The kinds of errors, recognized by the words of git, curl and ssh, and of the forges.

use contract::without_names;
use serde::{Deserialize, Serialize};

use super::said::{SaidLines, without_marks};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GitErrorKind {
    BranchMissing,
    CommitMissing,
    CommitNotServed,
    Redirected,
    HistoryCut,
    DubiousOwnership,
    NotWritten,
    Unauthorized,
    SshDenied,
    Forbidden,
    ReadOnlyKey,
    ReadOnlyRepository,
    SingleSignOn,
    AddressRefused,
    Suspended,
    TakenDown,
    NeverSignedIn,
    NotGit,
    RateLimited,
    ServerError,
    NotFound,
    Untrusted,
    Unreachable,
    Broken,
    TimedOut,
    NoProgram,
    NoCommonAlgorithm,
    OldAlgorithm,
    Gone,
    NoTransport,
    Other,
}

/// A kind and its phrases, in lowercase.
type Phrases = (GitErrorKind, &'static [&'static str]);

/// What a forge says about the account, whatever status comes with it; the more specific first.
const SERVER: [Phrases; 10] = [
    (
        GitErrorKind::OldAlgorithm,
        &[
            // GitHub.
            "key with sha-1",
            // Azure DevOps.
            "using ssh-rsa",
            "unsupported_cipher",
        ],
    ),
    (
        GitErrorKind::ReadOnlyKey,
        &[
            "marked as read only",
            "denied to deploy key",
            "deploy key does not have",
            "deployment key is read-only",
            "deploy key: ",
        ],
    ),
    (
        GitErrorKind::SingleSignOn,
        &["saml", "single sign-on", "enforced sso"],
    ),
    (
        GitErrorKind::AddressRefused,
        &[
            "ip allow list",
            "allowlist",
            "whitelist",
            "your ip",
            "ip address",
            "by ip ",
            "conditional access policy",
        ],
    ),
    (
        GitErrorKind::TakenDown,
        &["takedown", "repository access blocked"],
    ),
    // Azure DevOps.
    (GitErrorKind::NeverSignedIn, &["tf401444"]),
    (
        GitErrorKind::ReadOnlyRepository,
        &[
            "archived",
            "read-only gitlab instance",
            "repository is read only",
            "repository is read-only",
            "read only mode",
            "restricted to read-only access",
            "does not permit write",
            "is currently read-only",
            "repository has been locked",
            "repository is locked",
            "has been disabled",
            "is disabled",
        ],
    ),
    (
        GitErrorKind::Suspended,
        &[
            "suspended",
            "is blocked",
            "has been blocked",
            "account is locked",
            "terms of service",
            "billing",
            "upgrade to github",
        ],
    ),
    (
        GitErrorKind::RateLimited,
        &["rate limit", "too many requests", "retry later"],
    ),
    (
        GitErrorKind::ServerError,
        &[
            "internal server error",
            "internal api unreachable",
            "api is not accessible",
            "internal server connection error",
            "temporarily unavailable",
            "service unavailable",
            "bad gateway",
            "gateway time-out",
            "gateway timeout",
            "try again later",
            "undergoing maintenance",
            "fatal error in commit_refs",
            // The disk of the server.
            "no space left on device",
            "disk quota exceeded",
            "unable to create temporary object directory",
        ],
    ),
];

/// What ssh says.
const SSH: [Phrases; 5] = [
    (GitErrorKind::NoCommonAlgorithm, &["unable to negotiate"]),
    (
        GitErrorKind::Untrusted,
        &[
            "host key verification failed",
            "remote host identification has changed",
        ],
    ),
    (
        GitErrorKind::SshDenied,
        &[
            "permission denied (",
            "too many authentication failures",
            "sign_and_send_pubkey:",
        ],
    ),
    (
        GitErrorKind::Unreachable,
        &[
            "could not resolve hostname",
            "connection refused",
            "no route to host",
            "network is unreachable",
            "connection timed out",
            "operation timed out",
        ],
    ),
    (
        GitErrorKind::Broken,
        &[
            "connection closed",
            "connection reset",
            "kex_",
            "disconnect",
        ],
    ),
];

/// What git and curl say, the more specific kinds first.
const GIT: [Phrases; 13] = [
    (GitErrorKind::Redirected, &["returned error: 30"]),
    (GitErrorKind::BranchMissing, &["couldn't find remote ref"]),
    (GitErrorKind::CommitMissing, &["not our ref"]),
    (GitErrorKind::CommitNotServed, &["unadvertised object"]),
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
        GitErrorKind::NoTransport,
        &[
            "cannot run ssh",
            "cannot exec 'ssh'",
            "unable to find remote helper",
        ],
    ),
    (
        GitErrorKind::Unauthorized,
        &[
            "returned error: 401",
            "authentication failed",
            "could not read username",
            "could not read password",
        ],
    ),
    (GitErrorKind::Forbidden, &["returned error: 403"]),
    (GitErrorKind::RateLimited, &["returned error: 429"]),
    (GitErrorKind::ServerError, &["returned error: 5", "http 5"]),
    (
        GitErrorKind::NotFound,
        &[
            "returned error: 404",
            "' not found",
            "not appear to be a git repository",
        ],
    ),
    (
        GitErrorKind::NotGit,
        &[
            "is this a git repository?",
            "invalid server response",
            "bad line length",
            "invalid content-type",
            "unsupported protocol version",
        ],
    ),
];

/// The words of a forge that names no more specific cause.
const SERVER_IN_GENERAL: [Phrases; 3] = [
    (
        GitErrorKind::Unauthorized,
        &[
            "invalid username or",
            "password authentication was removed",
            "password authentication is not supported",
            // Bitbucket.
            "account passwords",
            "app password",
            "http basic: access denied",
            "authentication failed",
            "invalid credentials",
            "unauthorized",
        ],
    ),
    (
        GitErrorKind::NotFound,
        &[
            "repository not found",
            "could not be found",
            "does not exist",
            "not appear to be a git repository",
            "repository not exported",
            "no such repository",
        ],
    ),
    (
        GitErrorKind::Forbidden,
        &[
            "resource not accessible",
            "write access to repository not granted",
            "privilege scopes",
            "denied to ",
            "access denied",
            "not allowed to ",
            "not authorized to ",
            "permission denied",
            "tf401027",
            "you need the git",
        ],
    ),
];

/// What curl says about the connection, and an answer whose words say no more.
const CONNECTION: [Phrases; 6] = [
    (GitErrorKind::TakenDown, &["returned error: 451"]),
    (GitErrorKind::Gone, &["returned error: 410"]),
    // Any other status of a client's fault: the end of the connection only follows from it.
    (GitErrorKind::Other, &["returned error: 4"]),
    (GitErrorKind::Untrusted, &["certificate", "ssl "]),
    (
        GitErrorKind::Unreachable,
        &[
            "could not resolve",
            "failed to connect",
            "connection refused",
            "no route to host",
            "network is unreachable",
            "unable to connect",
            "couldn't connect to server",
            "proxy",
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
            "timed out",
            "empty reply from server",
            "early eof",
            "broken pipe",
            "recv failure",
            "send failure",
            "transfer closed",
            "http/2 stream",
        ],
    ),
];

/// Returns the kind of an error, and the sentence that says why: the server's own, where it has
/// one, since git's last line is the same for every cause.
pub(super) fn recognize(stderr: &str) -> (GitErrorKind, String) {
    let said = SaidLines::new(stderr);
    let about_commits = [&said.git[..], &said.server[..]].concat();
    let found = find(&GIT[..2], &said.git)
        .or_else(|| find(&GIT[2..4], &about_commits))
        .or_else(|| find_said(&SERVER, &said.server))
        .or_else(|| find(&GIT[4..], &said.git))
        .or_else(|| find_said(&SERVER_IN_GENERAL, &said.server))
        .or_else(|| find(&SSH, &said.ssh))
        .or_else(|| find(&CONNECTION, &said.git));
    match found {
        // A git server says why it forbids something. A page, or nothing, is a firewall's answer.
        Some((GitErrorKind::Forbidden, _)) if said.server.is_empty() => {
            let text = "something answered 403 (forbidden), but not in the words of a git server";
            (GitErrorKind::NotGit, text.to_owned())
        }
        Some((kind, line)) => (kind, sentence(kind, line, &said)),
        None => (GitErrorKind::Other, unknown(&said)),
    }
}

/// Returns the first kind that one of the lines shows, and that line.
fn find<'a>(kinds: &[Phrases], lines: &'a [String]) -> Option<(GitErrorKind, &'a str)> {
    find_in(kinds, lines, str::to_owned)
}

/// Returns the first kind that one of the server's sentences shows, and that sentence.
fn find_said<'a>(kinds: &[Phrases], lines: &'a [String]) -> Option<(GitErrorKind, &'a str)> {
    find_in(kinds, lines, words)
}

fn find_in<'a>(
    kinds: &[Phrases],
    lines: &'a [String],
    words: impl Fn(&str) -> String,
) -> Option<(GitErrorKind, &'a str)> {
    kinds.iter().find_map(|(kind, phrases)| {
        let shows = |line: &&String| {
            let line = words(line).to_ascii_lowercase();
            phrases.iter().any(|phrase| line.contains(phrase))
        };
        Some((*kind, lines.iter().find(shows)?.as_str()))
    })
}

/// Returns the words of a sentence without the names of repositories and accounts.
fn words(sentence: &str) -> String {
    let words = without_names(sentence);
    match words.split_once("denied to ") {
        Some((before, account)) if !account.starts_with("deploy key") => {
            format!("{before}denied to ")
        }
        _ => words,
    }
}

fn sentence(kind: GitErrorKind, line: &str, said: &SaidLines) -> String {
    match kind {
        GitErrorKind::BranchMissing
        | GitErrorKind::CommitMissing
        | GitErrorKind::CommitNotServed
        | GitErrorKind::DubiousOwnership
        | GitErrorKind::NotWritten
        | GitErrorKind::Redirected => without_marks(line),
        _ if said.ssh.iter().any(|own| own == line) => said.ssh_line(),
        _ => match (said.server_line(), said.status()) {
            (Some(server), Some(status)) => format!("{server} (HTTP {status})"),
            (Some(server), None) => server,
            (None, _) => without_marks(line),
        },
    }
}

fn unknown(said: &SaidLines) -> String {
    let ssh = (!said.ssh.is_empty()).then(|| said.ssh_line());
    said.server_line()
        .or(ssh)
        .or_else(|| said.git_line())
        .unwrap_or_else(|| "git printed no message".to_owned())
}

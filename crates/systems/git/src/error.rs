//! Why git gives no answer: git's messages, sorted into reasons.

use std::{fmt::Display, io, time::Duration};

use branch::{HISTORY_CUT, NOT_WRITTEN};
use contract::{Commit, Failure, asking};
use serde::{Deserialize, Serialize};

use crate::{GIT_FAILED, address::Address};

/// Why there is no answer, and git's own line about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GitError {
    kind: GitErrorKind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GitErrorKind {
    BranchMissing,
    CommitMissing,
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

/// What git, curl and ssh say (`LC_ALL=C`), the more telling first.
const WORDS: [(GitErrorKind, &[&str]); 12] = [
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

impl GitError {
    fn new(kind: GitErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// Sorts what git said on standard error.
    pub(crate) fn said(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        for (kind, words) in WORDS {
            let is_it = |line: &&str| {
                // A disk that is full at the other end is not ours to clear.
                let ours = kind != GitErrorKind::NotWritten || !line.starts_with("remote:");
                ours && words
                    .iter()
                    .any(|word| line.to_ascii_lowercase().contains(word))
            };
            if let Some(line) = text.lines().find(is_it) {
                return Self::new(kind, plain(line));
            }
        }
        let told = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:");
        let last = text
            .lines()
            .rfind(told)
            .or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
        Self::new(
            GitErrorKind::Other,
            last.map_or_else(|| "it said nothing".to_owned(), plain),
        )
    }

    /// The remote has received a commit and cannot keep it.
    pub(crate) fn at_the_remote(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let line = text
            .lines()
            .find(|line| line.contains("unpack"))
            .or_else(|| text.lines().last());
        Self::new(
            GitErrorKind::ServerError,
            line.map_or_else(|| "it could not store the commit".to_owned(), plain),
        )
    }

    /// There may be more behind what the remote has, and nobody to ask for it.
    pub(crate) fn history_cut() -> Self {
        Self::new(
            GitErrorKind::HistoryCut,
            "its history ends at a commit whose parents it does not have",
        )
    }

    pub(crate) fn no_program() -> Self {
        Self::new(GitErrorKind::NoProgram, "there is no `git` on the PATH")
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::new(
            GitErrorKind::TimedOut,
            format!("git did not end within {} s", limit.as_secs()),
        )
    }

    pub(crate) fn not_written(what: &str, error: &io::Error) -> Self {
        Self::new(
            GitErrorKind::NotWritten,
            format!("could not {what}: {error}"),
        )
    }

    /// What gix says when it cannot write.
    pub(crate) fn storing(error: impl std::error::Error) -> Self {
        let text = causes(&error);
        let sorted = Self::said(text.as_bytes());
        let kind = if sorted.kind == GitErrorKind::NotWritten {
            GitErrorKind::NotWritten
        } else {
            GitErrorKind::Other
        };
        Self::new(kind, text)
    }

    pub(crate) fn other(error: impl Display) -> Self {
        Self::new(GitErrorKind::Other, error.to_string())
    }

    pub(crate) fn is_missing_branch(&self) -> bool {
        self.kind == GitErrorKind::BranchMissing
    }

    /// Returns the failure when git does not trust the folder that it was run in.
    pub(crate) fn distrust(&self) -> Option<Failure> {
        let error = || {
            anyhow::anyhow!("{}", self.text).context("could not ask this checkout for its `origin`")
        };
        let denied =
            || Failure::denied(asking::PERMISSION_MISSING, error()).hinted(trust(&self.text));
        (self.kind == GitErrorKind::DubiousOwnership).then(denied)
    }

    /// Returns whether it is that the remote does not have this commit.
    pub(crate) fn is_missing_commit(&self, commit: &Commit) -> bool {
        self.kind == GitErrorKind::CommitMissing && self.text.contains(commit.as_str())
    }

    /// Returns whether a push may have had an effect although it failed.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        matches!(
            self.kind,
            GitErrorKind::Broken
                | GitErrorKind::TimedOut
                | GitErrorKind::ServerError
                | GitErrorKind::Other
        )
    }

    /// Returns the failure of the step.
    pub(crate) fn failure(&self, address: &Address) -> Failure {
        let (text, shown) = (&self.text, &address.shown);
        let doing = if self.kind == GitErrorKind::NotWritten {
            "keep a temporary copy of"
        } else {
            "ask"
        };
        let error = anyhow::anyhow!("{text}").context(format!("could not {doing} `{shown}`"));
        let (credentials, login) = match address.has_credentials {
            true => (
                asking::CREDENTIALS_REJECTED,
                "check that the token is of this host and has not expired",
            ),
            false => (asking::NO_CREDENTIALS, NO_LOGIN),
        };
        match self.kind {
            GitErrorKind::HistoryCut => Failure::unavailable(HISTORY_CUT, error)
                .hinted("ask the full repository: a shallow clone does not know what was before"),
            GitErrorKind::BranchMissing | GitErrorKind::CommitMissing | GitErrorKind::Other => {
                Failure::unavailable(GIT_FAILED, error)
            }
            GitErrorKind::DubiousOwnership => {
                Failure::denied(asking::PERMISSION_MISSING, error).hinted(trust(text))
            }
            GitErrorKind::NotWritten => Failure::unavailable(NOT_WRITTEN, error)
                .hinted("free some space, or set `TMPDIR` to a folder that can be written"),
            GitErrorKind::Unauthorized => Failure::denied(credentials, error).hinted(login),
            GitErrorKind::Forbidden => {
                Failure::denied(asking::PERMISSION_MISSING, error).hinted(MAY_WRITE)
            }
            GitErrorKind::RateLimited => Failure::unavailable(asking::RATE_LIMITED, error),
            GitErrorKind::ServerError => Failure::unavailable(asking::SERVER_ERROR, error),
            GitErrorKind::NotFound if address.is_folder() => {
                Failure::usage(error).hinted("check `--remote`")
            }
            GitErrorKind::NotFound => not_found(error, address),
            GitErrorKind::Unreachable => {
                Failure::unavailable(asking::UNREACHABLE, error).hinted("check `--remote`")
            }
            GitErrorKind::Broken => Failure::unavailable(asking::UNREACHABLE, error),
            GitErrorKind::Untrusted => Failure::unavailable(asking::UNTRUSTED_CERTIFICATE, error)
                .hinted(
                    "add the authority to git's `http.sslCAInfo`, or the host key to `known_hosts`",
                ),
            GitErrorKind::TimedOut => Failure::unavailable(asking::TIMED_OUT, error),
            GitErrorKind::NoProgram => {
                Failure::unavailable(GIT_FAILED, error).hinted("install git 2.30 or newer")
            }
        }
    }
}

const NO_LOGIN: &str =
    "set `RUNBOOK_GITHUB_TOKEN` for GitHub, or a credential helper of git's for another host";

const MAY_WRITE: &str =
    "give the job `permissions: contents: write`, or use a token that may push to the branch";

/// A forge says "not found" to those who may not know.
fn not_found(error: anyhow::Error, address: &Address) -> Failure {
    let error =
        error.context("the repository is not there, or may not be seen with these credentials");
    if address.has_credentials {
        return Failure::denied(asking::PERMISSION_MISSING, error).hinted(MAY_WRITE);
    }
    Failure::denied(asking::NO_CREDENTIALS, error).hinted(NO_LOGIN)
}

/// git names the folder that it does not trust.
fn trust(text: &str) -> String {
    let folder = text.split('\'').nth(1).unwrap_or("FOLDER");
    format!("run `git config --global --add safe.directory {folder}`")
}

/// Takes git's prefixes away.
fn plain(line: &str) -> String {
    let mut rest = line.trim();
    for prefix in ["remote:", "fatal:", "error:", "ERROR:"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest).trim_start();
    }
    rest.trim_end_matches('.').to_owned()
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(stderr: &str) -> (GitErrorKind, String) {
        let error = GitError::said(stderr.as_bytes());
        (error.kind, error.text)
    }

    #[test]
    fn the_words_of_git_curl_and_ssh_are_sorted() {
        let general = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";
        for (said, kind) in [
            (
                "git@github.com: Permission denied (publickey).\n",
                GitErrorKind::Unauthorized,
            ),
            ("Host key verification failed.\n", GitErrorKind::Untrusted),
            (
                "ssh: connect to host x port 22: Connection refused\n",
                GitErrorKind::Unreachable,
            ),
            (
                "ssh: Could not resolve hostname x: Name or service not known\n",
                GitErrorKind::Unreachable,
            ),
            ("ERROR: Repository not found.\n", GitErrorKind::NotFound),
            (
                "ERROR: Permission to a/b.git denied to deploy key\n",
                GitErrorKind::Forbidden,
            ),
            (
                "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate\n",
                GitErrorKind::Untrusted,
            ),
            (
                "fatal: could not read Username for 'https://x': terminal prompts disabled\n",
                GitErrorKind::Unauthorized,
            ),
            (
                "fatal: unable to access 'https://x/': Could not resolve host: x\n",
                GitErrorKind::Unreachable,
            ),
            (
                "fatal: write error: No space left on device\n",
                GitErrorKind::NotWritten,
            ),
            (
                "fatal: sha1 file '/tmp/x' write error. Out of diskspace\n",
                GitErrorKind::NotWritten,
            ),
            (
                "fatal: the remote end hung up unexpectedly\n",
                GitErrorKind::Broken,
            ),
        ] {
            let (found, text) = sorted(&format!("{said}{general}"));
            assert_eq!(found, kind, "{said}");
            assert!(!text.contains("correct access rights"), "{text}");
        }
    }

    #[test]
    fn what_nobody_foresaw_is_gits_last_line() {
        assert_eq!(
            sorted("warning: x\nfatal: odd thing.\nhint: y\n"),
            (GitErrorKind::Other, "odd thing".to_owned())
        );
        assert_eq!(
            sorted(""),
            (GitErrorKind::Other, "it said nothing".to_owned())
        );
    }

    #[test]
    fn a_folder_of_somebody_else_comes_with_the_exact_command() {
        let said = "fatal: detected dubious ownership in repository at '/srv/git/a.git'\nTo add an exception for this directory, call:\n";
        let (kind, text) = sorted(said);
        assert_eq!(kind, GitErrorKind::DubiousOwnership);
        assert_eq!(
            trust(&text),
            "run `git config --global --add safe.directory /srv/git/a.git`"
        );
    }
}

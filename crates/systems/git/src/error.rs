//! Errors of git: its messages, sorted into reasons.

mod kind;

use std::{fmt::Display, io, time::Duration};

use branch::{HISTORY_CUT, NOT_WRITTEN};
use contract::{Commit, Failure, asking};
use serde::{Deserialize, Serialize};

use crate::{address::Address, reasons::GIT_FAILED, redirect::RedirectTarget};
use kind::GitErrorKind;

/// An answer of git, or the error that came instead.
pub(crate) type GitAnswer<T> = Result<T, GitError>;

/// Why git gave no answer, with its own line about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GitError {
    kind: GitErrorKind,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect: Option<RedirectTarget>,
}

impl GitError {
    fn new(kind: GitErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            redirect: None,
        }
    }

    /// Recognizes the error in git's standard error.
    pub(crate) fn from_stderr(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        if let Some((kind, line)) = kind::recognize(&text) {
            return Self::new(kind, without_prefixes(line));
        }
        let line = text
            .lines()
            .rfind(|line| line.starts_with("fatal:") || line.starts_with("error:"))
            .or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
        let text = line.map_or_else(|| "git printed no message".to_owned(), without_prefixes);
        Self::new(GitErrorKind::Other, text)
    }

    /// The remote received a commit and could not store it.
    pub(crate) fn unpacking(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let line = text
            .lines()
            .find(|line| line.contains("unpack"))
            .or_else(|| text.lines().last());
        let text = line.map_or_else(
            || "the remote could not store the commit".to_owned(),
            without_prefixes,
        );
        Self::new(GitErrorKind::ServerError, text)
    }

    /// The remote's history may go on, but the remote does not have the rest.
    pub(crate) fn history_cut() -> Self {
        Self::new(
            GitErrorKind::HistoryCut,
            "the remote's history ends at a commit whose parents are missing",
        )
    }

    pub(crate) fn no_program() -> Self {
        Self::new(GitErrorKind::NoProgram, "`git` is not on the PATH")
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::new(
            GitErrorKind::TimedOut,
            format!("git did not finish within {} s", limit.as_secs()),
        )
    }

    pub(crate) fn not_written(what: &str, error: &io::Error) -> Self {
        Self::new(
            GitErrorKind::NotWritten,
            format!("could not {what}: {error}"),
        )
    }

    /// gix could not write an object.
    pub(crate) fn storing(error: impl std::error::Error) -> Self {
        let text = causes(&error);
        let kind = match kind::recognize(&text) {
            Some((GitErrorKind::NotWritten, _)) => GitErrorKind::NotWritten,
            _ => GitErrorKind::Other,
        };
        Self::new(kind, text)
    }

    pub(crate) fn other(error: impl Display) -> Self {
        Self::new(GitErrorKind::Other, error.to_string())
    }

    /// Adds where the server redirects to.
    pub(crate) fn leading_to(mut self, target: Option<RedirectTarget>) -> Self {
        if let Some(target) = &target {
            self.text = format!("the server redirects to `{}`", target.shown);
        }
        self.redirect = target;
        self
    }

    pub(crate) fn is_redirect(&self) -> bool {
        self.kind == GitErrorKind::Redirected
    }

    pub(crate) fn is_missing_branch(&self) -> bool {
        self.kind == GitErrorKind::BranchMissing
    }

    /// Returns whether the error is that the remote does not have this commit.
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

    /// Returns the failure when git does not trust the owner of the checkout that it runs in.
    pub(crate) fn distrust(&self) -> Option<Failure> {
        if self.kind != GitErrorKind::DubiousOwnership {
            return None;
        }
        let error = anyhow::anyhow!("{}", self.text)
            .context("could not read the `origin` of this checkout");
        Some(Failure::denied(asking::PERMISSION_MISSING, error).hinted(trust_hint(&self.text)))
    }

    /// Returns the failure of the step.
    pub(crate) fn failure(&self, address: &Address) -> Failure {
        let error = self.with_context(address);
        match self.kind {
            GitErrorKind::Redirected => Failure::unavailable(asking::REDIRECTED_ELSEWHERE, error)
                .hinted(redirect_hint(self.redirect.as_ref())),
            GitErrorKind::HistoryCut => Failure::unavailable(HISTORY_CUT, error)
                .hinted("use the full repository: a shallow clone lacks the earlier history"),
            GitErrorKind::BranchMissing | GitErrorKind::CommitMissing | GitErrorKind::Other => {
                Failure::unavailable(GIT_FAILED, error)
            }
            GitErrorKind::DubiousOwnership => {
                Failure::denied(asking::PERMISSION_MISSING, error).hinted(trust_hint(&self.text))
            }
            GitErrorKind::NotWritten => Failure::unavailable(NOT_WRITTEN, error)
                .hinted("free some space, or set `TMPDIR` to a writable folder"),
            GitErrorKind::Unauthorized => unauthorized(error, address),
            GitErrorKind::Forbidden => {
                Failure::denied(asking::PERMISSION_MISSING, error).hinted(WRITE_HINT)
            }
            GitErrorKind::RateLimited => Failure::unavailable(asking::RATE_LIMITED, error),
            GitErrorKind::ServerError => Failure::unavailable(asking::SERVER_ERROR, error),
            GitErrorKind::NotFound => not_found(error, address),
            GitErrorKind::Unreachable => {
                Failure::unavailable(asking::UNREACHABLE, error).hinted("check `--remote`")
            }
            GitErrorKind::Broken => Failure::unavailable(asking::UNREACHABLE, error),
            GitErrorKind::Untrusted => {
                Failure::unavailable(asking::UNTRUSTED_CERTIFICATE, error).hinted(TRUST_HOST_HINT)
            }
            GitErrorKind::TimedOut => Failure::unavailable(asking::TIMED_OUT, error),
            GitErrorKind::NoProgram => {
                Failure::unavailable(GIT_FAILED, error).hinted("install git 2.30 or newer")
            }
        }
    }

    fn with_context(&self, address: &Address) -> anyhow::Error {
        let failed = if self.kind == GitErrorKind::NotWritten {
            "could not keep a temporary copy of"
        } else {
            "could not access"
        };
        anyhow::anyhow!("{}", self.text).context(format!("{failed} `{}`", address.shown))
    }
}

const LOGIN_HINT: &str = "set `RUNBOOK_GITHUB_TOKEN` for GitHub, or configure one of git's \
     credential helpers for another host";

const WRITE_HINT: &str = "give the job `permissions: contents: write`, \
     or use a token that may push to the branch";

const TRUST_HOST_HINT: &str = "add the authority to git's `http.sslCAInfo`, or the host key to \
     `known_hosts`";

fn unauthorized(error: anyhow::Error, address: &Address) -> Failure {
    if address.has_credentials {
        Failure::denied(asking::CREDENTIALS_REJECTED, error)
            .hinted("check that the token belongs to this host and has not expired")
    } else {
        Failure::denied(asking::NO_CREDENTIALS, error).hinted(LOGIN_HINT)
    }
}

/// A forge also answers "not found" when the credentials may not see the repository.
fn not_found(error: anyhow::Error, address: &Address) -> Failure {
    if address.is_folder() {
        return Failure::usage(error).hinted("check `--remote`");
    }
    let error = error.context("the repository does not exist, or these credentials may not see it");
    if address.has_credentials {
        Failure::denied(asking::PERMISSION_MISSING, error).hinted(WRITE_HINT)
    } else {
        Failure::denied(asking::NO_CREDENTIALS, error).hinted(LOGIN_HINT)
    }
}

/// Credentials follow no redirect: a person has to look at the new address first.
fn redirect_hint(target: Option<&RedirectTarget>) -> String {
    match target {
        Some(target) if target.is_repository && target.is_elsewhere => format!(
            "if you trust that other server, pass the new address of the repository: `{}`",
            target.shown
        ),
        Some(target) if target.is_repository => {
            format!(
                "the repository has moved: pass its new address, `{}`",
                target.shown
            )
        }
        _ => "check the address of the repository; credentials follow no redirect".to_owned(),
    }
}

/// Returns the command that makes git trust the folder of its message.
fn trust_hint(text: &str) -> String {
    let folder = text.split('\'').nth(1).unwrap_or("FOLDER");
    format!("run `git config --global --add safe.directory {folder}`")
}

fn without_prefixes(line: &str) -> String {
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

    const GENERAL: &str = "fatal: Could not read from remote repository.\n\n\
        Please make sure you have the correct access rights\nand the repository exists.\n";

    const KNOWN: [(&str, GitErrorKind); 12] = [
        (
            "git@github.com: Permission denied (publickey).",
            GitErrorKind::Unauthorized,
        ),
        ("Host key verification failed.", GitErrorKind::Untrusted),
        (
            "ssh: connect to host x port 22: Connection refused",
            GitErrorKind::Unreachable,
        ),
        (
            "ssh: Could not resolve hostname x: Name or service not known",
            GitErrorKind::Unreachable,
        ),
        ("ERROR: Repository not found.", GitErrorKind::NotFound),
        (
            "ERROR: Permission to a/b.git denied to deploy key",
            GitErrorKind::Forbidden,
        ),
        (
            "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate",
            GitErrorKind::Untrusted,
        ),
        (
            "fatal: could not read Username for 'https://x': terminal prompts disabled",
            GitErrorKind::Unauthorized,
        ),
        (
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            GitErrorKind::Unreachable,
        ),
        (
            "fatal: write error: No space left on device",
            GitErrorKind::NotWritten,
        ),
        (
            "fatal: sha1 file '/tmp/x' write error. Out of diskspace",
            GitErrorKind::NotWritten,
        ),
        (
            "fatal: the remote end hung up unexpectedly",
            GitErrorKind::Broken,
        ),
    ];

    fn recognized(stderr: &str) -> (GitErrorKind, String) {
        let error = GitError::from_stderr(stderr.as_bytes());
        (error.kind, error.text)
    }

    #[test]
    fn messages_of_git_curl_and_ssh_are_recognized() {
        for (message, kind) in KNOWN {
            let (found, text) = recognized(&format!("{message}\n{GENERAL}"));
            assert_eq!(found, kind, "{message}");
            assert!(!text.contains("correct access rights"), "{text}");
        }
    }

    #[test]
    fn an_unknown_error_is_gits_last_line() {
        assert_eq!(
            recognized("warning: x\nfatal: odd thing.\nhint: y\n"),
            (GitErrorKind::Other, "odd thing".to_owned())
        );
        assert_eq!(
            recognized(""),
            (GitErrorKind::Other, "git printed no message".to_owned())
        );
    }

    #[test]
    fn an_untrusted_folder_comes_with_the_exact_command() {
        let stderr = "fatal: detected dubious ownership in repository at '/srv/git/a.git'\n\
            To add an exception for this directory, call:\n";
        let (kind, text) = recognized(stderr);
        assert_eq!(kind, GitErrorKind::DubiousOwnership);
        assert_eq!(
            trust_hint(&text),
            "run `git config --global --add safe.directory /srv/git/a.git`"
        );
    }
}

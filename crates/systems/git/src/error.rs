//! Errors of git: its messages, sorted into reasons.

mod failure;
mod kind;
mod said;

use std::{fmt::Display, io, time::Duration};

use contract::Commit;
use serde::{Deserialize, Serialize};

use crate::redirect::RedirectTarget;
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
        let (kind, text) = kind::recognize(&String::from_utf8_lossy(stderr));
        Self::new(kind, text)
    }

    /// The remote received a commit, and broke down before it had stored it.
    pub(crate) fn broken_remote(word: &str, said: &[String]) -> Self {
        let said = said.first().filter(|said| *said != word);
        let text = said.map_or_else(|| word.to_owned(), |said| format!("{word}: {said}"));
        Self::new(
            GitErrorKind::ServerError,
            format!("the remote broke down at the push: {text}"),
        )
    }

    /// Something answered that is no git server.
    pub(crate) fn not_git(what: &str) -> Self {
        let text = format!("no git server answered, but {what}");
        Self::new(GitErrorKind::NotGit, text)
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
        let kind = match kind::recognize(&format!("fatal: {text}")) {
            (GitErrorKind::NotWritten, _) => GitErrorKind::NotWritten,
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

    /// Returns whether the error counts only if a git server has answered.
    pub(crate) fn needs_a_git_server(&self) -> bool {
        matches!(
            self.kind,
            GitErrorKind::BranchMissing | GitErrorKind::NotFound
        )
    }

    pub(crate) fn is_missing_branch(&self) -> bool {
        self.kind == GitErrorKind::BranchMissing
    }

    /// Returns whether the error is that the remote does not have this commit.
    pub(crate) fn is_missing_commit(&self, commit: &Commit) -> bool {
        self.kind == GitErrorKind::CommitMissing && self.text.contains(commit.as_str())
    }

    /// Returns whether the error is that the remote serves branches, and no commit by its id.
    pub(crate) fn is_about_ids(&self) -> bool {
        self.kind == GitErrorKind::CommitNotServed
    }

    /// Returns whether a push may have had an effect although it failed.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        matches!(
            self.kind,
            GitErrorKind::Broken
                | GitErrorKind::TimedOut
                | GitErrorKind::ServerError
                | GitErrorKind::NotGit
                | GitErrorKind::Other
        )
    }
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

    const KNOWN: [(&str, GitErrorKind); 57] = [
        (
            "git@github.com: Permission denied (publickey).",
            GitErrorKind::SshDenied,
        ),
        (
            "Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures",
            GitErrorKind::SshDenied,
        ),
        ("Host key verification failed.", GitErrorKind::Untrusted),
        (
            "ssh: connect to host x port 22: Connection refused",
            GitErrorKind::Unreachable,
        ),
        (
            "ssh: connect to host x port 22: Connection timed out",
            GitErrorKind::Unreachable,
        ),
        (
            "ssh: Could not resolve hostname x: Name or service not known",
            GitErrorKind::Unreachable,
        ),
        ("Connection closed by 1.2.3.4 port 22", GitErrorKind::Broken),
        ("ERROR: Repository not found.", GitErrorKind::NotFound),
        (
            "fatal: remote error: access denied or repository not exported: /a",
            GitErrorKind::NotFound,
        ),
        (
            "remote: TF401019: The Git repository with name or identifier a does not exist or you do not have permissions",
            GitErrorKind::NotFound,
        ),
        (
            "ERROR: Permission to a/b.git denied to deploy key",
            GitErrorKind::ReadOnlyKey,
        ),
        (
            "ERROR: The key you are authenticating with has been marked as read only.",
            GitErrorKind::ReadOnlyKey,
        ),
        (
            "remote: GitLab: This deploy key does not have write access to this project.",
            GitErrorKind::ReadOnlyKey,
        ),
        (
            "repository access denied. access via a deployment key is read-only.",
            GitErrorKind::ReadOnlyKey,
        ),
        (
            "remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::ReadOnlyRepository,
        ),
        (
            "remote: The 'acme' organization has enabled or enforced SAML SSO.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::SingleSignOn,
        ),
        (
            "remote: The organization has an IP allow list enabled, and 1.2.3.4 is not permitted to access this resource.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::AddressRefused,
        ),
        (
            "remote: Your account is suspended. Please visit https://support.github.com\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::Suspended,
        ),
        (
            "remote: Write access to repository not granted.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::Forbidden,
        ),
        (
            "remote: Retry later\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::RateLimited,
        ),
        (
            "remote: GitLab: Internal API unreachable",
            GitErrorKind::ServerError,
        ),
        (
            "fatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::NotGit,
        ),
        (
            "error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403",
            GitErrorKind::NotGit,
        ),
        (
            "fatal: https://x/info/refs not valid: is this a git repository?",
            GitErrorKind::NotGit,
        ),
        (
            "fatal: protocol error: bad line length character: Welc",
            GitErrorKind::NotGit,
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
            "remote: HTTP Basic: Access denied. Use a personal access token.\nfatal: Authentication failed for 'https://x/'",
            GitErrorKind::Unauthorized,
        ),
        (
            "remote: Support for password authentication was removed on August 13, 2021.",
            GitErrorKind::Unauthorized,
        ),
        (
            "fatal: unable to access 'https://x/': Could not resolve host: x",
            GitErrorKind::Unreachable,
        ),
        (
            "fatal: unable to access 'https://x/': Received HTTP code 407 from proxy after CONNECT",
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
        (
            "remote: Permission to acme/billing.git denied to bot.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::Forbidden,
        ),
        (
            "ERROR: Permission to acme/archived-saml.git denied to billing-bot.",
            GitErrorKind::Forbidden,
        ),
        (
            "remote: The project 'acme/is blocked' could not be found",
            GitErrorKind::NotFound,
        ),
        (
            "ERROR: Repository `acme/site' is disabled.\nPlease ask the owner to check their account.",
            GitErrorKind::ReadOnlyRepository,
        ),
        (
            "remote: [ALERT] Your push failed because the account 'acme' has exceeded its\nremote: [ALERT] user limit and this repository is restricted to read-only access.\nfatal: unable to access 'https://x/': The requested URL returned error: 402",
            GitErrorKind::ReadOnlyRepository,
        ),
        ("Gogs: Key permission denied", GitErrorKind::Forbidden),
        (
            "error: cannot run ssh: No such file or directory\nfatal: unable to fork",
            GitErrorKind::NoTransport,
        ),
        (
            "fatal: cannot exec 'ssh': Permission denied\nfatal: unable to fork",
            GitErrorKind::NoTransport,
        ),
        (
            "error: Server does not allow request for unadvertised object 1111",
            GitErrorKind::CommitNotServed,
        ),
        (
            "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly",
            GitErrorKind::Other,
        ),
        (
            "ERROR: You're using an RSA key with SHA-1, which is no longer allowed. Please use a newer client or a different key type.",
            GitErrorKind::OldAlgorithm,
        ),
        (
            "remote: Command git-upload-pack: You're using ssh-rsa that is about to be deprecated and your request has been blocked intentionally.\nremote: ERROR_SSH_UNSUPPORTED_CIPHER (7)",
            GitErrorKind::OldAlgorithm,
        ),
        (
            "Unable to negotiate with 192.0.2.1 port 29418: no matching host key type found. Their offer: ssh-rsa,ssh-dss",
            GitErrorKind::NoCommonAlgorithm,
        ),
        (
            "remote: Bitbucket Cloud recently stopped supporting account passwords for Git authentication.\nfatal: unable to access 'https://x/': The requested URL returned error: 410",
            GitErrorKind::Unauthorized,
        ),
        (
            "fatal: unable to access 'https://x/': The requested URL returned error: 410",
            GitErrorKind::Gone,
        ),
        (
            "fatal: Unable to find remote helper for 'https'",
            GitErrorKind::NoTransport,
        ),
        (
            "remote: fatal: Unable to create temporary file '/srv/a.git/objects/x': Disk quota exceeded",
            GitErrorKind::ServerError,
        ),
        (
            "remote: error: unable to create temporary object directory",
            GitErrorKind::ServerError,
        ),
        (
            "remote: Repository unavailable due to DMCA takedown.\nremote: See the takedown notice for more details:\nremote: https://github.com/github/dmca\nfatal: unable to access 'https://x/': The requested URL returned error: 451",
            GitErrorKind::TakenDown,
        ),
        (
            "ERROR: Access to this site has been restricted.\nERROR: Repository access blocked",
            GitErrorKind::TakenDown,
        ),
        (
            "fatal: unable to access 'https://x/': The requested URL returned error: 451",
            GitErrorKind::TakenDown,
        ),
        (
            "remote: TF401444: Please sign-in at least once as 1-2\\1-2\\3-4 in a web browser to enable access to the service.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::NeverSignedIn,
        ),
        (
            "remote: TF400813: The user '1-2' is not authorized to access this resource.\nfatal: unable to access 'https://x/': The requested URL returned error: 403",
            GitErrorKind::Forbidden,
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
    fn the_servers_sentence_comes_before_gits() {
        for (stderr, expected) in [
            ("ERROR: The key is tired today.\n", "The key is tired today"),
            (
                "remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://x/': The requested URL returned error: 403\n",
                "This repository was archived so it is read-only (HTTP 403)",
            ),
            (
                "remote: \nremote: ====\nremote: \nremote: ERROR: You may not.\nremote: \n",
                "You may not",
            ),
            (
                "Warning: Permanently added 'x' (ED25519) to the list of known hosts.\nodd words\n",
                "odd words",
            ),
            (
                "Load key \"/k\": error in libcrypto\r\ngit@x: Permission denied (publickey).\r\n",
                "Load key \"/k\": error in libcrypto; git@x: Permission denied (publickey)",
            ),
            ("fatal: odd thing.\n", "odd thing"),
            (
                "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nfatal: the remote end hung up unexpectedly\n",
                "RPC failed; HTTP 413 curl 22 The requested URL returned error: 413",
            ),
            // Azure DevOps sends the start of a push again, with its packets' lengths.
            (
                "remote: 001f# service=git-receive-pack\nremote: 0000000000aaTF401027: You need the Git 'GenericContribute' permission.\nremote: TF401027: You need the Git 'GenericContribute' permission.\nfatal: unable to access 'https://x/': The requested URL returned error: 403\n",
                "TF401027: You need the Git 'GenericContribute' permission (HTTP 403)",
            ),
            (
                "remote: 0000beef is no commit of this repository.\n",
                "0000beef is no commit of this repository",
            ),
            (
                "error: cannot run ssh: No such file or directory\nfatal: unable to fork\n",
                "cannot run ssh: No such file or directory",
            ),
        ] {
            assert_eq!(recognized(&format!("{stderr}{GENERAL}")).1, expected);
        }
    }

    #[test]
    fn a_servers_words_are_no_error_of_this_machine() {
        let full = "remote: fatal: write error: No space left on device\nerror: remote unpack failed: \
            unpack-objects abnormal exit\nfatal: the remote end hung up unexpectedly";
        assert_eq!(recognized(full).0, GitErrorKind::ServerError);
        for said in [
            "remote: the certificate of the deployment has expired",
            "remote: connection refused by the pre-receive check",
        ] {
            assert_eq!(
                recognized(&format!("{said}\n{GENERAL}")).0,
                GitErrorKind::Other
            );
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
            failure::trust_hint(&text),
            "run `git config --global --add safe.directory /srv/git/a.git`"
        );
    }

    #[test]
    fn the_command_to_trust_a_folder_runs_nothing_else() {
        let hint = |folder: &str| {
            let line = format!("fatal: detected dubious ownership in repository at '{folder}'");
            failure::trust_hint(&recognized(&line).1).replace("run `git config --global --add ", "")
        };
        assert_eq!(hint("/srv/a b;$(id)"), "safe.directory '/srv/a b;$(id)'`");
        for folder in ["*", "$(id)", "'; id; '", ""] {
            assert_eq!(hint(folder), "safe.directory FOLDER`", "{folder}");
        }
    }
}

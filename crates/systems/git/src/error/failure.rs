//! The failure of a step for each error, with a hint that helps in this case.

use branch::{HISTORY_CUT, NOT_WRITTEN};
use contract::{Failure, Reason, asking};

use super::{GitError, kind::GitErrorKind};
use crate::{address::Address, reasons::GIT_FAILED, redirect::RedirectTarget};

const TLS_HINT: &str = "add the authority to git's `http.sslCAInfo`";

const HOST_KEY_HINT: &str = "add the host key to `known_hosts`, after comparing it with the one that \
     the host publishes";

const SSH_KEY_HINT: &str = "check ssh's key: its public half is known to the host, its file is \
     whole, with the line break at its end, and only its owner may read it (mode 0600)";

const GITHUB_WRITE_HINT: &str = "give the job `permissions: contents: write`, \
     or use a token that may push to the branch";

const NO_SSH_HINT: &str = "install ssh (`openssh-client`) next to git, or pass the https address of \
     the repository";

const CODECOMMIT_HINT: &str = "AWS CodeCommit answers 403 without a word to credentials that are \
     missing, expired, or without `codecommit:GitPull` and `codecommit:GitPush`";

const BITBUCKET_HINT: &str = "Bitbucket answers 410 to app passwords: use an API token, or an access \
     token of the repository";

const KEY_HINT: &str = "use a newer ssh, or a key of a kind that the host takes";

const ALGORITHM_HINT: &str = "update the older one of ssh and the host, pass the https address, or allow \
     for this host in `~/.ssh/config` what the host offers (`HostKeyAlgorithms +ssh-rsa`)";

const NOT_GIT_HINT: &str = "check the address; a proxy, a firewall or a login page may have \
     answered in the place of the server";

const NOT_GIT_OVER_SSH_HINT: &str = "check the address, and that the account's shell on the host \
     prints nothing itself (`.bashrc`): git's answer has to come first";

impl GitError {
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
        match self.kind {
            GitErrorKind::Gone if address.url.contains("bitbucket.org/") => self.denied(address),
            GitErrorKind::Unauthorized
            | GitErrorKind::SshDenied
            | GitErrorKind::OldAlgorithm
            | GitErrorKind::Forbidden
            | GitErrorKind::ReadOnlyKey
            | GitErrorKind::ReadOnlyRepository
            | GitErrorKind::SingleSignOn
            | GitErrorKind::AddressRefused
            | GitErrorKind::Suspended
            | GitErrorKind::TakenDown
            | GitErrorKind::NeverSignedIn
            | GitErrorKind::DubiousOwnership
            | GitErrorKind::NotFound => self.denied(address),
            _ => self.unavailable(address),
        }
    }

    /// The remote, or this machine, has said no.
    fn denied(&self, address: &Address) -> Failure {
        let error = self.with_context(address);
        let hint = match self.kind {
            GitErrorKind::Unauthorized => return unauthorized(error, address),
            GitErrorKind::NotFound => return not_found(error, address),
            GitErrorKind::SshDenied => {
                return Failure::denied(asking::CREDENTIALS_REJECTED, error).hinted(SSH_KEY_HINT);
            }
            GitErrorKind::OldAlgorithm => {
                return Failure::denied(asking::CREDENTIALS_REJECTED, error).hinted(KEY_HINT);
            }
            GitErrorKind::Gone => {
                return Failure::denied(asking::CREDENTIALS_REJECTED, error).hinted(BITBUCKET_HINT);
            }
            GitErrorKind::ReadOnlyKey => {
                "allow write access for the deploy key in the settings of the repository, \
                 or use the key of an account that may push"
            }
            GitErrorKind::ReadOnlyRepository => {
                "nothing can be written there until its owner makes the repository writable again"
            }
            GitErrorKind::SingleSignOn => {
                "authorize the token or the ssh key for the single sign-on of the organization"
            }
            GitErrorKind::AddressRefused => {
                "run it where the organization allows the address, \
                 or let its owner add the address to the list"
            }
            GitErrorKind::Suspended => {
                "let the owner of the account or of the organization settle that with the host"
            }
            GitErrorKind::TakenDown => {
                "the host has taken down the repository: its owner has to settle that with the host"
            }
            GitErrorKind::NeverSignedIn => {
                "let the account sign in once in a browser, or use another account"
            }
            GitErrorKind::DubiousOwnership => {
                return Failure::denied(asking::PERMISSION_MISSING, error)
                    .hinted(trust_hint(&self.text));
            }
            _ => write_hint(address),
        };
        Failure::denied(asking::PERMISSION_MISSING, error).hinted(hint)
    }

    /// There is no answer.
    fn unavailable(&self, address: &Address) -> Failure {
        let (reason, hint): (Reason, Option<&str>) = match self.kind {
            GitErrorKind::Redirected => {
                let hint = redirect_hint(self.redirect.as_ref());
                return Failure::unavailable(
                    asking::REDIRECTED_ELSEWHERE,
                    self.with_context(address),
                )
                .hinted(hint);
            }
            GitErrorKind::HistoryCut => (
                HISTORY_CUT,
                Some("use the full repository: a shallow clone lacks the earlier history"),
            ),
            GitErrorKind::NotWritten => (
                NOT_WRITTEN,
                Some("free some space, or set `TMPDIR` to a writable folder"),
            ),
            GitErrorKind::NotGit if address.url.contains("://git-codecommit.") => {
                (asking::NOT_THE_API, Some(CODECOMMIT_HINT))
            }
            GitErrorKind::NotGit if address.is_ssh() => {
                (asking::NOT_THE_API, Some(NOT_GIT_OVER_SSH_HINT))
            }
            GitErrorKind::NotGit => (asking::NOT_THE_API, Some(NOT_GIT_HINT)),
            GitErrorKind::RateLimited => (asking::RATE_LIMITED, None),
            GitErrorKind::ServerError => (asking::SERVER_ERROR, None),
            GitErrorKind::Unreachable => (asking::UNREACHABLE, Some("check `--remote`")),
            GitErrorKind::Broken => (asking::UNREACHABLE, None),
            GitErrorKind::Untrusted if address.is_ssh() => {
                (asking::UNTRUSTED_CERTIFICATE, Some(HOST_KEY_HINT))
            }
            GitErrorKind::Untrusted => (asking::UNTRUSTED_CERTIFICATE, Some(TLS_HINT)),
            GitErrorKind::TimedOut => (asking::TIMED_OUT, None),
            GitErrorKind::NoCommonAlgorithm => (GIT_FAILED, Some(ALGORITHM_HINT)),
            GitErrorKind::NoProgram => (GIT_FAILED, Some("install git 2.30 or newer")),
            GitErrorKind::NoTransport if address.is_ssh() => (GIT_FAILED, Some(NO_SSH_HINT)),
            GitErrorKind::NoTransport => (
                GIT_FAILED,
                Some("install the whole of git: this one cannot speak to the host of the address"),
            ),
            _ => (GIT_FAILED, None),
        };
        let failure = Failure::unavailable(reason, self.with_context(address));
        match hint {
            Some(hint) => failure.hinted(hint),
            None => failure,
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

fn unauthorized(error: anyhow::Error, address: &Address) -> Failure {
    if address.has_credentials {
        // git itself then asks for a user, and says only that it may not.
        let error = error.context("the server rejects the credentials");
        Failure::denied(asking::CREDENTIALS_REJECTED, error)
            .hinted("check that the token belongs to this host and has not expired")
    } else {
        Failure::denied(asking::NO_CREDENTIALS, error).hinted(login_hint(address))
    }
}

/// A forge also answers "not found" when the credentials may not see the repository.
fn not_found(error: anyhow::Error, address: &Address) -> Failure {
    if address.is_folder() {
        return Failure::usage(error).hinted("check `--remote`");
    }
    let error = error.context("the repository does not exist, or these credentials may not see it");
    if address.has_credentials {
        Failure::denied(asking::PERMISSION_MISSING, error).hinted(write_hint(address))
    } else {
        Failure::denied(asking::NO_CREDENTIALS, error).hinted(login_hint(address))
    }
}

fn login_hint(address: &Address) -> &'static str {
    if address.is_ssh() {
        SSH_KEY_HINT
    } else if address.is_github {
        "set `RUNBOOK_GITHUB_TOKEN`"
    } else {
        "configure one of git's credential helpers for this host"
    }
}

fn write_hint(address: &Address) -> &'static str {
    if address.is_github && !address.is_ssh() {
        GITHUB_WRITE_HINT
    } else {
        "let this account, token or key write to the repository"
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
pub(super) fn trust_hint(text: &str) -> String {
    // Over ssh the server may say this, too: its text must not become a part of a command, and
    // `*` would trust every folder.
    let folder = text
        .split('\'')
        .nth(1)
        .filter(|folder| folder.starts_with('/'));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@".contains(c);
    let folder = match folder {
        Some(folder) if folder.chars().all(is_plain) => folder.to_owned(),
        Some(folder) => format!("'{folder}'"),
        None => "FOLDER".to_owned(),
    };
    format!("run `git config --global --add safe.directory {folder}`")
}

#[cfg(test)]
mod tests {
    use contract::World;

    use super::*;

    #[tokio::test]
    async fn a_hint_fits_the_host() {
        let world = World::for_tests(std::time::Duration::from_secs(1));
        for (url, stderr, reason, hint) in [
            (
                "https://bitbucket.org/acme/infra.git",
                "fatal: unable to access 'https://x/': The requested URL returned error: 410",
                asking::CREDENTIALS_REJECTED,
                "API token",
            ),
            (
                "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/infra",
                "fatal: unable to access 'https://x/': The requested URL returned error: 403",
                asking::NOT_THE_API,
                "codecommit:GitPush",
            ),
            (
                "git@ssh.dev.azure.com:v3/acme/p/infra",
                "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. \
                 Their offer: ssh-rsa\nfatal: Could not read from remote repository.",
                GIT_FAILED,
                "HostKeyAlgorithms",
            ),
            (
                "git@git.example:acme/infra.git",
                "error: cannot run ssh: No such file or directory\nfatal: unable to fork",
                GIT_FAILED,
                "openssh-client",
            ),
            (
                "git@git.example:acme/infra.git",
                "fatal: protocol error: bad line length character: Welc",
                asking::NOT_THE_API,
                "`.bashrc`",
            ),
            (
                "https://dev.azure.com/acme/p/_git/infra",
                "remote: TF401444: Please sign-in at least once as x in a web browser to enable \
                 access to the service.\nfatal: unable to access 'https://x/': The requested URL \
                 returned error: 403",
                asking::PERMISSION_MISSING,
                "sign in once",
            ),
            (
                "https://github.com/acme/infra.git",
                "remote: Repository unavailable due to DMCA takedown.\nfatal: unable to access \
                 'https://x/': The requested URL returned error: 451",
                asking::PERMISSION_MISSING,
                "taken down",
            ),
        ] {
            let address = Address::new(&world, url).unwrap();
            let failure = GitError::from_stderr(stderr.as_bytes()).failure(&address);
            assert_eq!(failure.reason, reason, "{url}");
            let hints = failure.hints.join(" ");
            assert!(hints.contains(hint), "{url}: {hints}");
        }
    }
}

//! The failures of a registry that does not let a client read, each with the hint that helps.

use contract::{Failure, Reason, asking, without_names};
use fetch::{FetchError, HttpAnswer};

use crate::{
    address::GHCR,
    credentials::Credentials,
    error::RegistryError,
    reasons::{FIREWALL, PULL_BLOCKED},
    refusal::RefusalKind,
};

/// Words of registries that let no one pull an image, in lowercase, and what helps then.
const BLOCKED: [(&[&str], &str); 4] = [
    (
        &["api has not been used", "to enable the "],
        "let the owner of the project turn the registry's API on, at the address in the message",
    ),
    (
        &["billing", "payment", "subscription"],
        "let the owner of the registry's account settle it: other credentials do not help",
    ),
    (
        &["shutting down", "deprecated"],
        "name the registry in `--image` that the images have moved to",
    ),
    (&["name_invalid"], "check the name of the image"),
];

/// Words about the content of an image, and about rules for it.
const CONTENT_RULES: [&str; 8] = [
    "vulnerab",
    "polic",
    "scan",
    "sign",
    "quarantin",
    "malicious",
    "malware",
    "curation",
];

/// An access that a registry denied.
pub(crate) struct Denial<'a> {
    pub(crate) host: &'a str,
    pub(crate) repository: &'a str,
    /// The credentials that were found, whether the registry asked for them or not.
    pub(crate) credentials: Option<&'a Credentials>,
    /// The registry that `RUNBOOK_REGISTRY_PASSWORD` belongs to, if it is set.
    pub(crate) password_registry: Option<&'a str>,
}

impl Denial<'_> {
    /// The registry requires credentials, and none were found.
    pub(crate) fn no_credentials(&self, said: &str) -> Failure {
        let (host, repository) = (self.host, self.repository);
        let text = format!("`{host}` does not show `{repository}` without credentials: {said}");
        let login = match self.password_registry {
            Some(registry) if registry != host => format!(
                "run `docker login {host}`: `RUNBOOK_REGISTRY_PASSWORD` belongs to `{registry}`, \
                 the registry of `--image`"
            ),
            _ => format!(
                "set `RUNBOOK_REGISTRY_PASSWORD` and `--registry-username`, or run \
                 `docker login {host}`"
            ),
        };
        let failure = denied(asking::NO_CREDENTIALS, text).hinted(login).hinted(
            "the image may also not exist: pass `--assume-public` to get 10 `absent` instead",
        );
        self.hinted_for_ghcr(failure)
    }

    /// The registry refused without a challenge, so that the credentials were not sent.
    pub(crate) fn not_asked(&self, said: &str) -> Failure {
        let (host, repository, source) = (self.host, self.repository, self.source());
        let text = format!(
            "`{host}` refuses to show `{repository}`, and does not ask for the credentials \
             {source}: {said}"
        );
        denied(asking::PERMISSION_MISSING, text).hinted(format!(
            "check the name `{repository}`, and whether `{host}` lets this machine pull from it"
        ))
    }

    /// The credentials are wrong, or no longer valid.
    pub(crate) fn credentials_rejected(&self, said: &str) -> Failure {
        let (host, source) = (self.host, self.source());
        let text = format!("`{host}` rejected the credentials {source}: {said}");
        let failure = denied(asking::CREDENTIALS_REJECTED, text).hinted(self.login_hint());
        self.hinted_for_ghcr(failure)
    }

    /// The credentials are valid, and may not read the repository.
    pub(crate) fn permission_missing(&self, said: &str) -> Failure {
        let (host, repository, source) = (self.host, self.repository, self.source());
        let text = format!("`{host}` does not let these credentials read `{repository}`: {said}");
        let failure = denied(asking::PERMISSION_MISSING, text);
        if let Some(hint) = organisation_hint(said) {
            return failure.hinted(hint);
        }
        let failure = failure.hinted(format!(
            "give the credentials {source} the scope `repository:{repository}:pull`"
        ));
        let failure = match self.permission_hint() {
            Some(hint) => failure.hinted(hint),
            None => failure,
        };
        self.hinted_for_ghcr(failure)
    }

    /// The credentials were not sent where others can read them.
    pub(crate) fn withheld(&self, said: &str) -> Failure {
        let (host, source) = (self.host, self.source());
        let text = format!(
            "`{host}` did not get the credentials {source}, since others can read plain HTTP: {said}"
        );
        denied(asking::REALM_REFUSED, text)
            .hinted("leave out `--registry-plain-http`; only a registry with TLS gets credentials")
    }

    /// Returns the failure of a refusal that has the same meaning with any credentials.
    pub(crate) fn whatever_the_credentials(
        &self,
        kind: RefusalKind,
        said: &str,
    ) -> Option<Failure> {
        let host = self.host;
        match kind {
            RefusalKind::Firewall => Some(self.firewall(said)),
            RefusalKind::Blocked => Some(self.blocked(said)),
            RefusalKind::Limited => {
                let text = format!("`{host}` limits the rate of requests: {said}");
                Some(self.limited(FetchError::new(asking::RATE_LIMITED, text).into()))
            }
            RefusalKind::Upstream => {
                let text = format!("`{host}` got no answer from its upstream registry: {said}");
                let failure = Failure::from(FetchError::new(asking::SERVER_ERROR, text));
                Some(failure.hinted(format!(
                    "let the owner of `{host}` check the login at its upstream registry, and the \
                     limit there"
                )))
            }
            RefusalKind::NotAcceptable => {
                let text = format!("`{host}` does not send a manifest that it has: {said}");
                let failure = Failure::from(FetchError::new(asking::NOT_THE_API, text));
                Some(failure.hinted(
                    "check the proxies on the way to the registry: one may remove or change the \
                     header `accept`",
                ))
            }
            _ => None,
        }
    }

    /// Adds the hint that helps against a rate limit.
    pub(crate) fn limited(&self, failure: Failure) -> Failure {
        if without_names(&failure.summary()).contains("upstream") {
            let host = self.host;
            return failure.hinted(format!(
                "let the owner of `{host}` log it in to its upstream registry, whose limit this is"
            ));
        }
        if self.credentials.is_some() {
            return failure;
        }
        failure.hinted(format!(
            "log in with `RUNBOOK_REGISTRY_PASSWORD` or `docker login {}`: without credentials, the \
             limit is that of this machine's address",
            self.host
        ))
    }

    /// A server that the registry redirected to requires credentials.
    pub(crate) fn elsewhere(&self, answer: &HttpAnswer) -> Failure {
        let (host, said) = (self.host, RegistryError::explain(answer));
        let text = format!("`{host}` redirects to another server, which gets no secret: {said}");
        let failure = Failure::from(FetchError::new(asking::REDIRECTED_ELSEWHERE, text));
        failure.hinted(format!(
            "name the registry {} in `--image` if the image is to be read from there",
            answer.source()
        ))
    }

    /// The registry does not let this machine in.
    pub(crate) fn firewall(&self, said: &str) -> Failure {
        let host = self.host;
        let text =
            format!("`{host}` does not let this machine in, whatever its credentials: {said}");
        denied(FIREWALL, text).hinted(format!(
            "add the address of this machine to the firewall of `{host}`, or run the job on a \
             runner in a network that it lets in"
        ))
    }

    /// A policy of the registry blocks the image.
    pub(crate) fn blocked(&self, said: &str) -> Failure {
        let (host, repository) = (self.host, self.repository);
        let text =
            format!("`{host}` does not let anyone pull this image of `{repository}`: {said}");
        denied(PULL_BLOCKED, text).hinted(self.blocked_hint(said))
    }

    fn blocked_hint(&self, said: &str) -> String {
        let (host, text) = (self.host, without_names(said).to_lowercase());
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let known = BLOCKED.iter().find(|(words, _)| says(words));
        match known {
            Some((_, hint)) => (*hint).to_owned(),
            None if says(&CONTENT_RULES) => format!(
                "scan, sign or exempt the image as the policy of `{host}` requires; other \
                 credentials do not help"
            ),
            None => {
                format!("ask the owner of `{host}` to lift that; other credentials do not help")
            }
        }
    }

    /// Returns where the credentials come from, for messages.
    fn source(&self) -> &str {
        self.credentials
            .map_or("", |credentials| credentials.source.as_str())
    }

    fn username(&self) -> &str {
        self.credentials
            .map_or("", |credentials| credentials.username.as_str())
    }

    fn is_ecr(&self) -> bool {
        let is_host = self.host.contains(".dkr.ecr.") || self.host.contains(".dkr-ecr.");
        is_host || self.username() == "AWS"
    }

    fn login_hint(&self) -> String {
        let host = self.host;
        if host == "public.ecr.aws" {
            return "log in again, a token is valid for 12 hours: `aws ecr-public \
                    get-login-password | docker login --username AWS --password-stdin \
                    public.ecr.aws`"
                .to_owned();
        }
        if self.is_ecr() {
            return format!(
                "log in again, a token is valid for 12 hours: `aws ecr get-login-password | docker \
                 login --username AWS --password-stdin {host}`"
            );
        }
        if self.source().contains("RUNBOOK_") || self.source().is_empty() {
            return "set `RUNBOOK_REGISTRY_PASSWORD` to a valid password or token, and \
                    `--registry-username` if the registry checks the user name"
                .to_owned();
        }
        format!(
            "run `docker login {host}` again, or set `RUNBOOK_REGISTRY_PASSWORD` to a valid \
             password or token"
        )
    }

    /// Returns the words for the right to pull in the registries that have their own.
    fn permission_hint(&self) -> Option<String> {
        let host = self.host;
        let is_google = host.ends_with(".pkg.dev") || host.ends_with("gcr.io");
        let is_gitlab = self.username().starts_with("gitlab") || host.contains("gitlab");
        let hint = if self.is_ecr() {
            "ECR: allow the role `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`"
        } else if is_google {
            "Google: grant the account `roles/artifactregistry.reader`"
        } else if host.ends_with(".azurecr.io") {
            "Azure: grant the identity the role `AcrPull`"
        } else if is_gitlab {
            "GitLab: add this project to the job token allowlist of the image's project, or use a \
             deploy token with `read_registry`"
        } else {
            return None;
        };
        Some(hint.to_owned())
    }

    /// Adds what GitHub's registry requires beyond a password.
    fn hinted_for_ghcr(&self, failure: Failure) -> Failure {
        if self.host != GHCR {
            return failure;
        }
        failure.hinted(
            "on a runner: set `permissions: packages: read`, and list the repository under \
             \"Manage Actions access\" in the package's settings",
        )
    }
}

/// Returns what helps where an organisation of GitHub restricts tokens, which no scope lifts.
fn organisation_hint(said: &str) -> Option<&'static str> {
    if said.contains("SAML") {
        Some("authorize the token for the organization's single sign-on, in the token's settings")
    } else if said.contains("forbids access via a personal access token") {
        Some("use a kind of token that the organization allows: see its token policy")
    } else {
        None
    }
}

/// Refuses an answer that says nothing that a registry says.
pub(crate) fn unexpected(answer: &HttpAnswer) -> Failure {
    let (source, status) = (answer.source(), answer.status());
    let text = match RegistryError::first(answer.body()) {
        Some(_) => format!(
            "{source} answered {status}: {}",
            RegistryError::explain(answer)
        ),
        None => format!(
            "{source} answered {status} without a registry's reason{}",
            answer.quoted()
        ),
    };
    FetchError::new(asking::NOT_THE_API, text).into()
}

fn denied(reason: Reason, text: String) -> Failure {
    Failure::denied(reason, anyhow::anyhow!(text))
}

#[cfg(test)]
mod tests {
    use contract::Secret;

    use super::*;
    use crate::auth_file::CredentialKind;

    fn hints(host: &str, username: &str, of: impl Fn(&Denial<'_>) -> Failure) -> String {
        let credentials = Credentials {
            username: username.to_owned(),
            secret: Secret::new("s"),
            kind: CredentialKind::Password,
            source: "in `RUNBOOK_REGISTRY_PASSWORD`".to_owned(),
        };
        let denial = Denial {
            host,
            repository: "team/app",
            credentials: Some(&credentials),
            password_registry: None,
        };
        of(&denial).hints.join("; ")
    }

    #[test]
    fn hints_name_the_registrys_own_permission() {
        for (host, username, word) in [
            ("ghcr.io", "x", "packages: read"),
            (
                "1.dkr.ecr.eu-west-1.amazonaws.com",
                "AWS",
                "ecr:BatchGetImage",
            ),
            (
                "europe-docker.pkg.dev",
                "_json_key",
                "artifactregistry.reader",
            ),
            ("acme.azurecr.io", "x", "AcrPull"),
            ("registry.example.org", "gitlab-ci-token", "read_registry"),
            ("registry.example.org", "x", "repository:team/app:pull"),
        ] {
            let hints = hints(host, username, |denial| denial.permission_missing("no"));
            assert!(hints.contains(word), "{host}: {hints}");
        }
    }

    #[test]
    fn a_scope_does_not_help_against_single_sign_on() {
        let said = "DENIED: Resource protected by organization SAML enforcement.";
        let hints = hints("ghcr.io", "x", |denial| denial.permission_missing(said));
        assert!(hints.contains("single sign-on") && !hints.contains("packages: read"));
    }

    #[test]
    fn an_ecr_login_is_renewed_by_its_own_command() {
        let rejected = |username| {
            hints("registry.example", username, |denial| {
                denial.credentials_rejected("no")
            })
        };
        assert!(rejected("AWS").contains("aws ecr get-login-password"));
        assert!(rejected("x").contains("RUNBOOK_REGISTRY_PASSWORD"));
    }

    #[test]
    fn a_blocked_pull_comes_with_what_lifts_it() {
        for (said, word) in [
            (
                "current image with 7 vulnerabilities",
                "scan, sign or exempt",
            ),
            (
                "blocked by the download policy of Xray",
                "scan, sign or exempt",
            ),
            (
                "Artifact Registry API has not been used in project 1",
                "API",
            ),
            (
                "contact project owners to enable the Container Registry API",
                "API",
            ),
            ("This API method requires billing to be enabled.", "account"),
            ("PAYMENT_REQUIRED: the subscription ended", "account"),
            (
                "Container Registry is deprecated and shutting down",
                "moved",
            ),
            ("NAME_INVALID: invalid repository name", "the name"),
            ("This namespace is disabled.", "the owner"),
        ] {
            let hints = hints("registry.example", "x", |denial| denial.blocked(said));
            assert!(hints.contains(word), "{said}: {hints}");
            assert_eq!(hints.contains("scan"), word.contains("scan"), "{hints}");
        }
    }

    #[test]
    fn the_limit_of_an_upstream_registry_is_not_lifted_by_a_login() {
        let limited = |said: &str| {
            let denial = Denial {
                host: "harbor.example",
                repository: "proxy/library/nginx",
                credentials: None,
                password_registry: None,
            };
            let failure = FetchError::new(asking::RATE_LIMITED, said.to_owned()).into();
            denial.limited(failure).hints.join("; ")
        };
        let upstream = limited("TOO_MANY_REQUEST: too many requests to upstream registry");
        assert!(upstream.contains("upstream") && !upstream.contains("docker login"));
        assert!(limited("TOOMANYREQUESTS: slow down").contains("docker login"));
    }

    #[test]
    fn other_credentials_are_no_hint_against_a_policy() {
        let firewall = hints("ghcr.io", "x", |denial| denial.firewall("no"));
        let blocked = hints("ghcr.io", "x", |denial| denial.blocked("no"));
        for hints in [firewall, blocked] {
            assert!(!hints.contains("docker login") && !hints.contains("assume-public"));
        }
    }
}

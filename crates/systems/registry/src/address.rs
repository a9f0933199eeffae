//! The addresses of registries, and how they are spoken to.

use fetch::{HttpAnswer, is_loopback};
use url::Url;

use crate::{
    RegistryOptions,
    challenge::{BearerChallenge, Challenge},
};

/// The one registry whose token server is known without asking, which saves a request: its own
/// challenge on `/v2/` names a placeholder scope.
pub(crate) const GHCR: &str = "ghcr.io";

/// Returns the challenge of GitHub's registry.
pub(crate) fn ghcr_challenge(repository: &str) -> Challenge {
    Challenge::Bearer(BearerChallenge {
        realm: format!("https://{GHCR}/token"),
        service: Some(GHCR.to_owned()),
        scope: Some(format!("repository:{repository}:pull")),
    })
}

/// Returns the address of a registry's API. That of Docker Hub is not at `docker.io`.
pub(crate) fn api(host: &str, scheme: &str) -> Option<Url> {
    let host = match host {
        "docker.io" => "registry-1.docker.io",
        other => other,
    };
    format!("{scheme}://{host}/").parse().ok()
}

/// Without a flag only loopback is tried in plain HTTP first: a server that requires TLS says so.
pub(crate) fn starts_with_https(host: &str, options: &RegistryOptions) -> bool {
    let is_local = api(host, "http").is_some_and(|url| is_loopback(&url));
    !options.plain_http && (!is_local || options.authorities.is_some())
}

/// Recognizes the answer to plain HTTP of Go's TLS server, which most registries are built on.
pub(crate) fn requires_tls(answer: &HttpAnswer) -> bool {
    let is_own = answer.status() == 400 && !answer.is_elsewhere();
    is_own && String::from_utf8_lossy(answer.body()).contains("HTTP request to an HTTPS server")
}

//! Addresses of repositories that another server names, and not the user.

use std::net::IpAddr;

use contract::{Failure, asking, world::Origin};
use url::Url;

/// Checks that a server may lead to a repository: not to a folder of this machine unless the server
/// is on it, not further in than the server is itself, and to no name that a shell would read as
/// more than a name.
///
/// # Errors
/// `redirected-elsewhere` when the server may not lead there.
pub fn check_lead(server: &Origin, repository: &str) -> Result<(), Failure> {
    let refused = |why: &str| {
        let error = anyhow::anyhow!("`{server}` names the repository `{repository}`, {why}");
        let failure = Failure::unavailable(asking::REDIRECTED_ELSEWHERE, error);
        Err(failure.hinted("pass the address of the repository as `--remote`"))
    };
    let target = match host(repository) {
        Host::None if server.is_loopback() && is_absolute(repository) => return Ok(()),
        Host::None => return refused("a folder of this machine"),
        Host::Invalid => return refused("whose host is not a name"),
        Host::Of(target) => target,
    };
    match server.refuses(&Origin::of(&target)) {
        Some(why) => refused(&format!("which is {why}")),
        None => Ok(()),
    }
}

/// The host of a repository's address.
enum Host {
    /// It is a folder.
    None,
    Invalid,
    /// As an address of HTTP, so that it compares with other servers.
    Of(Url),
}

fn host(repository: &str) -> Host {
    let (scheme, rest) = match repository.split_once("://") {
        Some(("file", _)) => return Host::None,
        Some((scheme, rest)) => (scheme, rest.split('/').next().unwrap_or_default()),
        None => match repository.split_once(':') {
            Some((host, _)) if !host.contains('/') => ("ssh", host),
            _ => return Host::None,
        },
    };
    if matches!(scheme, "http" | "https") {
        return repository.parse().map_or(Host::Invalid, Host::Of);
    }
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:[]".contains(c);
    if host.is_empty() || host.starts_with('-') || !host.chars().all(is_plain) {
        return Host::Invalid;
    }
    let url = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("https://[{address}]"),
        _ => format!("https://{host}"),
    };
    url.parse().map_or(Host::Invalid, Host::Of)
}

fn is_absolute(repository: &str) -> bool {
    repository.starts_with('/') || repository.starts_with("file:///")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(server: &str, repository: &str) -> bool {
        let server = Origin::of(&server.parse().unwrap());
        check_lead(&server, repository).is_ok()
    }

    #[test]
    fn a_server_names_repositories_of_the_network() {
        for repository in [
            "https://github.com/acme/app",
            "https://git.example:8443/acme/app.git",
            "ssh://git@git.example:2222/acme/app",
            "git@github.com:acme/app.git",
            "ssh://git@203.0.113.1/acme/app",
        ] {
            assert!(
                is_allowed("https://argocd.example", repository),
                "{repository}"
            );
            assert!(
                is_allowed("http://127.0.0.1:8080", repository),
                "{repository}"
            );
        }
    }

    #[test]
    fn a_server_leads_to_no_folder_and_not_further_in() {
        for repository in [
            "/srv/git/app.git",
            "file:///srv/git/app.git",
            "./app",
            "acme/app",
            "..",
            "http://git.example/acme/app",
            "https://127.0.0.1/acme/app",
            "https://10.0.0.1/acme/app",
            "https://169.254.169.254/acme/app",
            "ssh://git@169.254.169.254/acme/app",
            "ssh://git@[::1]:22/acme/app",
            "git@10.0.0.1:acme/app",
            "ssh://$(id)/acme/app",
            "ssh://git@a`id`.example/acme/app",
            "ssh://-oProxyCommand=id/acme/app",
            "a;id@b;c:acme/app",
            "https:///",
            "",
        ] {
            assert!(
                !is_allowed("https://argocd.example", repository),
                "{repository}"
            );
        }
    }

    #[test]
    fn a_server_of_this_machine_names_its_folders() {
        let here = "http://127.0.0.1:8080";
        assert!(
            is_allowed(here, "/srv/git/app.git") && is_allowed(here, "file:///srv/git/app.git")
        );
        assert!(is_allowed(here, "http://127.0.0.1:3000/acme/app"));
        assert!(!is_allowed(here, "acme/app") && !is_allowed(here, "./acme/app"));
        assert!(!is_allowed(here, "http://169.254.169.254/acme/app"));
    }
}

//! Whether two addresses name the same repository, however they spell it.

/// Hosts that have another name for SSH, usually on port 443 since firewalls let that through.
const SSH_HOSTS: [(&str, &str); 5] = [
    ("ssh.github.com", "github.com"),
    ("www.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("ssh.dev.azure.com", "dev.azure.com"),
];

/// A repository: where it is, without how to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RepositoryAddress {
    /// Empty for a path of this machine, and for `OWNER/NAME`.
    host: String,
    /// The port, if it is one of HTTP and not the usual one.
    port: Option<String>,
    path: String,
}

/// Returns whether two addresses name the same repository, without regard to scheme, user, the port
/// of SSH and case. `OWNER/NAME` is that repository on any host.
pub(super) fn is_same_repository(requested: &str, found: &str) -> bool {
    let (requested, found) = (
        RepositoryAddress::parse(requested),
        RepositoryAddress::parse(found),
    );
    let is_short = requested.host.is_empty() && !requested.path.starts_with(['/', '.']);
    let is_same_port = match (&requested.port, &found.port) {
        (Some(one), Some(other)) => one == other,
        // The other one uses SSH, or the usual port.
        _ => true,
    };
    let is_same_host = requested.host == found.host && is_same_port;
    (is_short || is_same_host) && requested.path == found.path
}

impl RepositoryAddress {
    fn parse(address: &str) -> Self {
        let text = address.trim().to_lowercase().replace("%20", " ");
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (scheme, host, path) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                (scheme, host, path)
            }
            None => without_scheme(text),
        };
        if scheme == "file" || (host.is_empty() && path.starts_with('/')) {
            let path = tidy(path).trim_start_matches('/').to_owned();
            return Self {
                host: String::new(),
                port: None,
                path: format!("/{path}"),
            };
        }
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let (host, port) = split_port(host);
        let is_http = matches!(scheme, "http" | "https" | "git+https" | "");
        let is_usual = matches!(port, Some("80" | "443") | None);
        let (host, path) = forge(host, &tidy(path));
        Self {
            host,
            port: port.filter(|_| is_http && !is_usual).map(str::to_owned),
            path,
        }
    }
}

/// Splits `git@host:path`, `host/path` and `OWNER/NAME` into scheme, host and path.
fn without_scheme(text: &str) -> (&'static str, &str, &str) {
    let slash = text.find('/').unwrap_or(text.len());
    // A colon in the first part makes it an address of scp, whose host may be an alias.
    if let Some(colon) = text[..slash].rfind(':')
        && !text.starts_with(['/', '.'])
    {
        return ("ssh", &text[..colon], &text[colon + 1..]);
    }
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    if first.contains('.') && !first.starts_with('.') && !rest.is_empty() {
        ("", first, rest)
    } else {
        ("", "", text)
    }
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

fn tidy(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.trim_end_matches('/').to_owned()
}

/// Returns host and path as the forge shows them in a browser.
fn forge(host: &str, path: &str) -> (String, String) {
    let path = path.trim_start_matches('/');
    if let Some(found) = azure(host, path) {
        return found;
    }
    let host = SSH_HOSTS
        .iter()
        .find(|(ssh, _)| *ssh == host)
        .map_or(host, |(_, name)| name);
    // Bitbucket's own server has `scm/` in its HTTP addresses only.
    let path = path.strip_prefix("scm/").unwrap_or(path);
    (host.to_owned(), path.to_owned())
}

/// Returns `dev.azure.com` and `organization/project/repository` for both hosts of Azure DevOps, and
/// for both forms of each. A repository with the name of its project may be without the project.
fn azure(host: &str, path: &str) -> Option<(String, String)> {
    let organization = host.strip_suffix(".visualstudio.com");
    let path = match (host, organization) {
        ("ssh.dev.azure.com" | "vs-ssh.visualstudio.com", _) => {
            path.strip_prefix("v3/").unwrap_or(path).to_owned()
        }
        ("dev.azure.com", _) => path.to_owned(),
        (_, Some(organization)) => {
            let path = path.strip_prefix("defaultcollection/").unwrap_or(path);
            format!("{organization}/{path}")
        }
        _ => return None,
    };
    let parts: Vec<&str> = path.split('/').filter(|part| *part != "_git").collect();
    let path = match parts[..] {
        [organization, repository] => format!("{organization}/{repository}/{repository}"),
        _ => parts.join("/"),
    };
    Some(("dev.azure.com".to_owned(), path))
}

#[cfg(test)]
mod tests;

//! The address of a repository, and the credentials for it.

use base64::Engine as _;
use contract::{Failure, World};
use url::{Host, Url};

/// The address of a remote.
pub(crate) struct Address {
    /// The address for git, with its user and password, if any.
    pub(crate) url: String,
    /// The address without its password, for messages and recordings.
    pub(crate) shown: String,
    /// Whether this crate has credentials for it, from the address or from the variables.
    pub(crate) has_credentials: bool,
    /// The settings with which git logs in: `http.<url>.extraheader` and the header.
    pub(crate) login: Vec<(String, String)>,
}

impl Address {
    pub(crate) fn new(world: &World, text: &str) -> Result<Self, Failure> {
        let url = parse(text)?;
        let own = url
            .as_ref()
            .is_some_and(|url| hide_own_credentials(world, url));
        let login = match &url {
            Some(url) if !own => login(world, url)?,
            _ => Vec::new(),
        };
        let has_credentials = own || !login.is_empty();
        Ok(Self {
            url: text.to_owned(),
            shown: world.redact(text),
            has_credentials,
            login,
        })
    }

    /// Returns whether the remote is a folder of this machine.
    pub(crate) fn is_folder(&self) -> bool {
        self.url.starts_with("file://") || !(self.url.contains("://") || self.is_ssh())
    }

    /// Returns whether git will run ssh.
    pub(crate) fn is_ssh(&self) -> bool {
        match self.url.split_once("://") {
            Some((scheme, _)) => scheme.contains("ssh"),
            None => self
                .url
                .split_once(':')
                .is_some_and(|(host, _)| !host.contains('/')),
        }
    }
}

/// Returns the URL, or `None` for a path and for ssh's `host:path`.
fn parse(text: &str) -> Result<Option<Url>, Failure> {
    let wrong = |why: &str| Failure::usage(anyhow::anyhow!("`{text}` is not a git remote: {why}"));
    if text.is_empty() || text.starts_with('-') || text.contains(['\n', '\0']) {
        return Err(wrong("expected a URL or a path"));
    }
    let Some((scheme, _)) = text.split_once("://") else {
        // Transport helpers such as `ext::` can run any program.
        let helper = text
            .split_once("::")
            .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        return if helper {
            Err(wrong("transport helpers are not supported"))
        } else {
            Ok(None)
        };
    };
    if !["https", "http", "ssh", "git+ssh", "git", "file"].contains(&scheme) {
        return Err(wrong("expected https, http, ssh, git, file or a path"));
    }
    Url::parse(text)
        .map(Some)
        .map_err(|error| wrong(&error.to_string()))
}

/// Registers the credentials of a URL as secrets; returns whether it has any.
fn hide_own_credentials(world: &World, url: &Url) -> bool {
    if !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    let decoded = |text: &str| {
        url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
            .next()
            .map(|(key, _)| key.into_owned())
    };
    match url.password() {
        Some(password) => {
            world.hide(password);
            decoded(password).inspect(|password| drop(world.hide(password)));
            true
        }
        // A token may take the place of the user name; a short name such as `git` is not a secret.
        None if url.username().len() >= 16 => {
            world.hide(url.username());
            true
        }
        None => false,
    }
}

/// Returns the settings that log in at GitHub; empty for every other host.
///
/// git reads them from the variables `GIT_CONFIG_*`, since every process can see command lines.
fn login(world: &World, url: &Url) -> Result<Vec<(String, String)>, Failure> {
    let server = world
        .var("GITHUB_SERVER_URL")
        .unwrap_or_else(|| "https://github.com".to_owned());
    let same = Url::parse(&server).is_ok_and(|server| is_same_host(url, &server));
    if !same || !is_safe(url) {
        return Ok(Vec::new());
    }
    let Some(token) = world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))? else {
        return Ok(Vec::new());
    };
    let basic = format!("x-access-token:{}", token.expose());
    let basic = world.hide(&base64::engine::general_purpose::STANDARD.encode(basic));
    let key = format!("http.{}/.extraheader", url.origin().ascii_serialization());
    // The empty value removes the header of the user's own settings: GitHub answers 400 to two
    // `Authorization` headers.
    Ok(vec![
        (key.clone(), String::new()),
        (key, format!("Authorization: Basic {}", basic.expose())),
    ])
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// The token is only sent over TLS, or to this machine.
fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Vars;

    use super::*;

    fn world(vars: &[(&str, &str)]) -> World {
        let vars: Vars = vars.iter().copied().collect();
        World::for_tests_with(Duration::ZERO, vars)
    }

    fn login_at(url: &str) -> usize {
        let world = world(&[
            ("RUNBOOK_GITHUB_TOKEN", "ghs_token"),
            ("GITHUB_SERVER_URL", "https://ghe.example.org"),
        ]);
        Address::new(&world, url).unwrap().login.len()
    }

    #[tokio::test]
    async fn the_token_goes_only_to_githubs_host() {
        assert_eq!(login_at("https://ghe.example.org/a/b"), 2);
        for other in [
            "https://github.com/a/b",
            "https://ghe.example.org.evil.test/a/b",
            "https://ghe.example.org:8443/a/b",
            "http://ghe.example.org/a/b",
            "http://ghe.example.org:443/a/b",
            "https://user:own-password@ghe.example.org/a/b",
            "ssh://git@ghe.example.org/a/b",
            "git@ghe.example.org:a/b",
            "/srv/git/b",
        ] {
            assert_eq!(login_at(other), 0, "{other}");
        }
    }

    #[tokio::test]
    async fn the_password_of_a_url_is_never_shown() {
        let world = world(&[]);
        let address = Address::new(&world, "https://user:p%2Fss@git.example.org/a").unwrap();
        assert_eq!(address.shown, "https://***@git.example.org/a");
        assert_eq!(world.redact("p/ss and p%2Fss"), "*** and ***");
        assert!(address.has_credentials);
    }

    #[tokio::test]
    async fn programs_and_options_are_not_remotes() {
        for bad in [
            "",
            "--upload-pack=x",
            "ext::sh -c id",
            "ftp://host/a",
            "https://",
        ] {
            assert!(Address::new(&world(&[]), bad).is_err(), "{bad}");
        }
    }
}

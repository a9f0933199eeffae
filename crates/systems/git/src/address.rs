//! Where a repository is, and which credentials go there.

use base64::Engine as _;
use contract::{Failure, World};
use url::{Host, Url};

/// The address of a remote.
pub(crate) struct Address {
    /// As git gets it, with whatever user and password it has.
    pub(crate) url: String,
    /// As it may be shown and recorded.
    pub(crate) shown: String,
    /// Whether there was something of ours to log in with.
    pub(crate) has_credentials: bool,
    /// Settings that log git in: `http.<url>.extraheader` and the header.
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

    /// Returns whether it is a folder of this machine.
    pub(crate) fn is_folder(&self) -> bool {
        self.url.starts_with("file://") || !(self.url.contains("://") || self.is_ssh())
    }

    /// Returns whether ssh is what git will run.
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
        // `ext::` and its like run any program.
        let helper = text
            .split_once("::")
            .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        return if helper {
            Err(wrong("transport helpers are not used"))
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

/// Makes secrets of what a URL carries to log in with; returns whether it carries anything.
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
        // A token may stand in place of the user; a name such as `git` is none.
        None if url.username().len() >= 16 => {
            world.hide(url.username());
            true
        }
        None => false,
    }
}

/// Returns the settings that log in at GitHub, and nothing for any other host.
///
/// They are read from the variables `GIT_CONFIG_*`: a command line can be seen by every process.
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
    // The empty value takes away what the user's own settings send there: GitHub answers two
    // headers with 400.
    Ok(vec![
        (key.clone(), String::new()),
        (key, format!("Authorization: Basic {}", basic.expose())),
    ])
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// A token travels encrypted, or not over a network at all.
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
    async fn the_token_goes_to_githubs_host_and_to_no_other() {
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
    async fn the_password_of_a_url_never_shows() {
        let world = world(&[]);
        let address = Address::new(&world, "https://user:p%2Fss@git.example.org/a").unwrap();
        assert_eq!(address.shown, "https://***@git.example.org/a");
        assert_eq!(world.redact("p/ss and p%2Fss"), "*** and ***");
        assert!(address.has_credentials);
    }

    #[tokio::test]
    async fn a_program_or_an_option_is_not_a_remote() {
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

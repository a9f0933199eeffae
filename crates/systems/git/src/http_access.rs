//! How git reaches a repository over HTTP: its settings, and the credentials of this one server.
//!
//! git reads them from the variables `GIT_CONFIG_*`, since every process can see command lines. The
//! keys contain the whole address: git prefers settings with a longer match, so no setting of the
//! user wins over them.

use base64::Engine as _;
use contract::{
    Failure, Secret, World,
    world::{BoundSecret, Origin, WithheldSecret},
};
use url::{Url, form_urlencoded};

use crate::server::server;

/// The length from which a user name without a password counts as a token.
const TOKEN_LENGTH: usize = 16;

/// Access to one repository over HTTP.
pub(crate) struct HttpAccess {
    /// The address without user and password, as this process understands it.
    pub(crate) url: Url,
    /// Settings for git, as far as secrets need them.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether there are credentials for it, from the address or from the variables.
    pub(crate) has_credentials: bool,
    /// Whether git may ask its helpers for credentials: others must not read them.
    pub(crate) may_ask_helpers: bool,
}

impl HttpAccess {
    /// # Errors
    /// `invalid-usage` when others could read the credentials on their way.
    pub(crate) fn new(world: &World, given: &Url) -> Result<Self, Failure> {
        let mut url = given.clone();
        // Both calls fail only without a host, and http always has one.
        let _ = (url.set_username(""), url.set_password(None));
        let origin = Origin::of(&url);
        let is_token = hide_token(world, given);
        let login = match own_credentials(world, given) {
            Some(login) => Some(login),
            None if is_token => None,
            None => github_token(world)?,
        };
        let login = match login.map(|login| login.for_request(&url).map(str::to_owned)) {
            Some(Err(WithheldSecret::PlainHttp)) => return Err(plain_http(&origin)),
            Some(Ok(login)) => Some(login),
            _ => None,
        };
        let has_credentials = login.is_some() || is_token;
        let mut settings = connection(&url, &origin);
        settings.extend(credentials(&url, &origin, given, login));
        Ok(Self {
            has_credentials,
            may_ask_helpers: origin.is_confidential(),
            settings,
            url,
        })
    }
}

/// Returns the settings for the connection: git follows no redirect, since it takes credentials
/// along, and asks no proxy for what stays on this machine.
fn connection(url: &Url, origin: &Origin) -> Vec<(String, String)> {
    let mut settings = vec![(key(url, "followRedirects"), "false".to_owned())];
    if origin.is_loopback() {
        settings.push((key(url, "proxy"), String::new()));
    }
    if let (true, Some(name)) = (origin.is_loopback(), url.domain()) {
        // A resolver may send names such as `git.localhost` to any machine.
        let port = url.port_or_known_default().unwrap_or_default();
        settings.push((
            key(url, "curloptResolve"),
            format!("{name}:{port}:127.0.0.1,[::1]"),
        ));
    }
    settings
}

/// Returns the settings that log in, or that keep the user's own credentials off plain HTTP.
fn credentials(
    url: &Url,
    origin: &Origin,
    given: &Url,
    login: Option<String>,
) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    if login.is_some() || !origin.is_confidential() {
        // The empty value removes the header of the user's own settings: GitHub answers 400 to two
        // `Authorization` headers.
        settings.push((key(url, "extraheader"), String::new()));
    }
    if !origin.is_confidential() {
        settings.push((format!("credential.{url}.helper"), String::new()));
        // An empty user keeps libcurl from sending the one of `~/.netrc`.
        settings.push((key(url, "emptyAuth"), "true".to_owned()));
    }
    match login {
        Some(login) => settings.push((key(url, "extraheader"), format!("Authorization: {login}"))),
        None if !given.username().is_empty() => {
            let user = decoded(given.username());
            settings.push((format!("credential.{origin}/.username"), user));
        }
        None => {}
    }
    settings
}

fn key(url: &Url, name: &str) -> String {
    format!("http.{url}.{name}")
}

/// Returns user and password of an address, as the header of a request to its server.
fn own_credentials(world: &World, given: &Url) -> Option<BoundSecret> {
    let (user, password) = (decoded(given.username()), decoded(given.password()?));
    world.hide(given.password()?);
    world.hide(&password);
    if password == "x-oauth-basic" {
        world.hide(&user);
    }
    Some(basic(world, &user, &password, given))
}

/// Registers a token that takes the place of the user name, and returns whether there is one; a
/// short name such as `git` is no secret.
fn hide_token(world: &World, given: &Url) -> bool {
    let is_token = given.username().len() >= TOKEN_LENGTH;
    if is_token {
        world.hide(given.username());
        world.hide(&decoded(given.username()));
    }
    is_token
}

/// Returns the job's token for GitHub, as the header of a request to GitHub's server.
fn github_token(world: &World) -> Result<Option<BoundSecret>, Failure> {
    let Ok(server) = server(world).parse() else {
        return Ok(None);
    };
    let token = world.secret("RUNBOOK_GITHUB_TOKEN", Some("GITHUB_TOKEN"))?;
    Ok(token.map(|token| basic(world, "x-access-token", token.expose(), &server)))
}

fn basic(world: &World, user: &str, password: &str, server: &Url) -> BoundSecret {
    let encoder = base64::engine::general_purpose::STANDARD;
    let credentials = world.hide(&encoder.encode(format!("{user}:{password}")));
    let header = Secret::new(format!("Basic {}", credentials.expose()));
    BoundSecret::new(header, server)
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26");
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .next()
        .map(|(key, _)| key.into_owned())
        .unwrap_or_default()
}

fn plain_http(origin: &Origin) -> Failure {
    let error = anyhow::anyhow!(
        "sent nothing to `{origin}`: over plain HTTP others could read the credentials"
    );
    Failure::usage(error).hinted("use an `https://` or an ssh address")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Vars;

    use super::*;

    fn access(url: &str, vars: &[(&str, &str)]) -> Result<HttpAccess, Failure> {
        let vars: Vars = vars.iter().copied().collect();
        let world = World::for_tests_with(Duration::ZERO, vars);
        HttpAccess::new(&world, &url.parse().unwrap())
    }

    fn value<'a>(access: &'a HttpAccess, key: &str) -> Option<&'a str> {
        let mut settings = access.settings.iter().rev();
        settings
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn authorization(url: &str, vars: &[(&str, &str)]) -> Option<String> {
        let access = access(url, vars).unwrap();
        let key = format!("http.{}.extraheader", access.url);
        value(&access, &key)
            .filter(|header| !header.is_empty())
            .map(str::to_owned)
    }

    const SERVER: [(&str, &str); 2] = [
        ("RUNBOOK_GITHUB_TOKEN", "ghs_token"),
        ("GITHUB_SERVER_URL", "https://ghe.example.org"),
    ];

    #[tokio::test]
    async fn the_token_goes_only_to_githubs_server() {
        assert!(authorization("https://ghe.example.org/a/b", &SERVER).is_some());
        for other in [
            "https://github.com/a/b",
            "https://ghe.example.org.evil.test/a/b",
            "https://ghe.example.org:8443/a/b",
            "http://ghe.example.org/a/b",
            "http://ghe.example.org:443/a/b",
            "https://evil.test\\@ghe.example.org/a/b",
        ] {
            assert_eq!(authorization(other, &SERVER), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_password_is_a_header_and_no_part_of_the_address() {
        let url = "https://ada:l%2Fo+v=e&x@ghe.example.org/a/b";
        let access = access(url, &SERVER).unwrap();
        assert_eq!(access.url.as_str(), "https://ghe.example.org/a/b");
        let header = authorization(url, &SERVER).unwrap();
        let basic = header.strip_prefix("Authorization: Basic ").unwrap();
        let decoded = base64::engine::general_purpose::STANDARD.decode(basic);
        assert_eq!(decoded.unwrap(), b"ada:l/o+v=e&x");
        assert!(access.has_credentials);
    }

    #[tokio::test]
    async fn a_user_without_a_password_is_for_gits_helpers() {
        let access = access("https://ada%40x@git.example/a", &[]).unwrap();
        let user = value(&access, "credential.https://git.example/.username");
        assert_eq!(user, Some("ada@x"));
        assert!(!access.has_credentials && access.may_ask_helpers);
    }

    #[tokio::test]
    async fn plain_http_gets_no_credentials() {
        let plain = [SERVER[0], ("GITHUB_SERVER_URL", "http://ghe.example.org")];
        for (url, vars) in [
            ("http://ada:lovelace@git.example/a", &[][..]),
            ("http://ghe.example.org/a/b", &plain[..]),
        ] {
            let failure = access(url, vars).err().unwrap();
            assert!(failure.summary().contains("plain HTTP"), "{url}");
        }
        let open = access("http://git.example/a", &[]).unwrap();
        assert!(!open.may_ask_helpers);
        let [helper, header] = ["credential", "http"].map(|section| {
            let name = if section == "http" {
                "extraheader"
            } else {
                "helper"
            };
            format!("{section}.http://git.example/a.{name}")
        });
        assert_eq!(
            [value(&open, &helper), value(&open, &header)],
            [Some(""); 2]
        );
        for loopback in ["http://a:b@127.0.0.1:1/a", "http://a:b@git.localhost/a"] {
            assert!(access(loopback, &[]).unwrap().may_ask_helpers, "{loopback}");
        }
    }

    #[tokio::test]
    async fn what_stays_on_this_machine_asks_no_proxy_and_no_resolver() {
        let name = access("http://git.localhost:81/a", &[]).unwrap();
        let number = access("http://127.0.0.1:81/a", &[]).unwrap();
        let public = access("https://git.example/a", &[]).unwrap();
        let proxies = [&name, &number, &public]
            .map(|access| value(access, &format!("http.{}.proxy", access.url)));
        assert_eq!(proxies, [Some(""), Some(""), None]);
        let resolve = value(&name, "http.http://git.localhost:81/a.curloptResolve");
        assert_eq!(resolve, Some("git.localhost:81:127.0.0.1,[::1]"));
        for (access, url) in [
            (&number, "http://127.0.0.1:81/a"),
            (&public, "https://git.example/a"),
        ] {
            let redirects = value(access, &format!("http.{url}.followRedirects"));
            assert_eq!(redirects, Some("false"));
        }
    }
}

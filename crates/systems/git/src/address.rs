//! The address of a repository.

use contract::{Failure, World};
use url::Url;

use crate::{http_access::HttpAccess, server::server};

/// The address of a remote.
pub(crate) struct Address {
    /// The address for git, which is part of command lines: without a password.
    pub(crate) url: String,
    /// The address without its password, for messages and recordings.
    pub(crate) shown: String,
    /// Whether this crate has credentials for it, from the address or from the variables.
    pub(crate) has_credentials: bool,
    /// The settings with which git reaches it and logs in.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether the host is that of the GitHub that the workflow runs at.
    pub(crate) is_github: bool,
    /// Whether git may ask its helpers for credentials.
    pub(crate) may_ask_helpers: bool,
}

impl Address {
    pub(crate) fn new(world: &World, text: &str) -> Result<Self, Failure> {
        let url = parse(text)?;
        let is_github = is_github(world, text, url.as_ref());
        match url {
            Some(url) if matches!(url.scheme(), "http" | "https") => {
                let access = HttpAccess::new(world, &url)?;
                Ok(Self {
                    url: access.url.into(),
                    shown: world.redact(text),
                    has_credentials: access.has_credentials,
                    settings: access.settings,
                    is_github,
                    may_ask_helpers: access.may_ask_helpers,
                })
            }
            _ => Ok(Self {
                url: text.to_owned(),
                shown: world.redact(text),
                has_credentials: false,
                settings: Vec::new(),
                is_github,
                may_ask_helpers: true,
            }),
        }
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

/// Returns whether the host is GitHub's, also as ssh's `user@host:path`.
fn is_github(world: &World, text: &str, url: Option<&Url>) -> bool {
    let server: Option<Url> = server(world).parse().ok();
    let Some(server) = server.as_ref().and_then(Url::host_str) else {
        return false;
    };
    match url {
        Some(url) => url.host_str() == Some(server),
        None => text.split_once(':').is_some_and(|(host, _)| {
            let host = host.rsplit('@').next().unwrap_or_default();
            host.eq_ignore_ascii_case(server)
        }),
    }
}

/// Returns the URL, or `None` for a path and for ssh's `host:path`.
fn parse(text: &str) -> Result<Option<Url>, Failure> {
    let wrong = |why: &str| Failure::usage(anyhow::anyhow!("`{text}` is not a git remote: {why}"));
    if text.is_empty() || text.starts_with('-') || text.contains(['\n', '\0']) {
        return Err(wrong("expected a URL or a path"));
    }
    let Some((scheme, _)) = text.split_once("://") else {
        // Transport helpers such as `ext::` can run any program. The signs are those of git
        // (`is_urlschemechar`).
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let helper = text
            .split_once("::")
            .is_some_and(|(name, _)| name.bytes().all(is_sign));
        return if helper {
            Err(wrong("transport helpers are not supported"))
        } else {
            Ok(None)
        };
    };
    if !["https", "http", "ssh", "git+ssh", "git", "file"].contains(&scheme) {
        return Err(wrong("expected https, http, ssh, git, file or a path"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if url.password().is_some() && !matches!(scheme, "http" | "https") {
        return Err(wrong("only http and https addresses have a password"));
    }
    Ok(Some(url))
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

    #[tokio::test]
    async fn the_password_of_a_url_is_never_shown() {
        let world = world(&[]);
        let address = Address::new(&world, "https://user:p%2Fss@git.example.org/a").unwrap();
        assert_eq!(address.shown, "https://***@git.example.org/a");
        assert_eq!(world.redact("p/ss and p%2Fss"), "*** and ***");
        assert!(address.has_credentials && address.url == "https://git.example.org/a");
        let short = Address::new(&world, "https://token@git.example.org/a").unwrap();
        assert_eq!(short.shown, "https://***@git.example.org/a");
        let plain = Address::new(&world, "https://git.example.org:443/a").unwrap();
        assert_eq!(plain.shown, "https://git.example.org:443/a");
    }

    #[tokio::test]
    async fn programs_and_options_are_not_remotes() {
        for bad in [
            "",
            "--upload-pack=x",
            "ext::sh -c id",
            "fd::3",
            "a-b::x",
            "a+b.c::x",
            "ext::sh -c id ://x",
            "ftp://host/a",
            "https://",
            "ssh://git:password@host/a",
        ] {
            assert!(Address::new(&world(&[]), bad).is_err(), "{bad}");
        }
    }
}

//! The address of an Argo CD server.

use std::str::FromStr;

use contract::world::Origin;
use fetch::is_loopback;
use url::Url;

/// The address of an Argo CD server, as its own CLI takes it (`argocd.example.org`), or with a
/// scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    base: Url,
    /// Whether the text had no scheme.
    guessed: bool,
}

/// The text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a server: {why}")]
pub struct InvalidServerAddress {
    text: String,
    why: &'static str,
}

impl ServerAddress {
    /// Returns the server, as it is asked first.
    pub fn origin(&self) -> Origin {
        Origin::of(&self.base(self.starts_secure(false)))
    }

    /// Returns the address, with a slash at the end.
    pub(crate) fn base(&self, secure: bool) -> Url {
        let mut base = self.base.clone();
        // Both are special schemes (WHATWG URL), so this change cannot fail.
        let _ = base.set_scheme(if secure { "https" } else { "http" });
        base
    }

    /// Returns whether the first request uses TLS. Without a scheme only loopback is tried without
    /// TLS: a server that requires TLS says so in its answer.
    pub(crate) fn starts_secure(&self, has_authorities: bool) -> bool {
        if self.guessed {
            !self.is_loopback() || has_authorities
        } else {
            self.base.scheme() == "https"
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Returns whether the scheme is a guess, which an answer may correct.
    pub(crate) fn is_guessed(&self) -> bool {
        self.guessed
    }

    /// Returns host and port, for messages.
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidServerAddress;

    fn from_str(text: &str) -> Result<Self, InvalidServerAddress> {
        let text = text.trim();
        let guessed = !text.contains("://");
        let whole = if guessed {
            format!("https://{text}")
        } else {
            text.to_owned()
        };
        let base = parse(text, &whole).map_err(|why| InvalidServerAddress {
            text: text.to_owned(),
            why,
        })?;
        Ok(Self { base, guessed })
    }
}

/// Parses an address that now has a scheme; an error says what is wrong with the original text.
fn parse(text: &str, whole: &str) -> Result<Url, &'static str> {
    if text.chars().any(char::is_whitespace) {
        return Err("it contains a blank");
    }
    let mut base: Url = whole
        .parse()
        .map_err(|_| "expected `argocd.example.org` or a URL")?;
    if !matches!(base.scheme(), "https" | "http") {
        return Err("expected `https://`, or `http://` on loopback");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err("leave out the user, and set `RUNBOOK_ARGOCD_TOKEN`");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err("expected nothing after host and path");
    }
    // `url` would read `http:///x` as `http://x`.
    if whole.contains(":///") || !is_host(base.host_str().unwrap_or_default()) {
        return Err("the host is invalid");
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    Ok(base)
}

/// Returns whether this is a host name; a URL accepts nearly everything as a host.
fn is_host(host: &str) -> bool {
    host.starts_with('[') || host.trim_end_matches('.').split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<ServerAddress, InvalidServerAddress> {
        text.parse()
    }

    #[test]
    fn without_a_scheme_only_loopback_starts_without_tls() {
        let server = address("argocd.example.org").unwrap();
        assert_eq!(server.base(true).as_str(), "https://argocd.example.org/");
        assert!(server.starts_secure(false) && server.is_guessed());
        assert!(!address("127.0.0.1:8080").unwrap().starts_secure(false));
        assert!(
            address("https://127.0.0.1:8080")
                .unwrap()
                .starts_secure(false)
        );
        assert!(
            !address("http://argocd.example.org")
                .unwrap()
                .starts_secure(false)
        );
    }

    #[test]
    fn a_path_before_the_api_is_kept() {
        assert_eq!(
            address("example.org/argo").unwrap().base(true).as_str(),
            "https://example.org/argo/"
        );
        assert_eq!(
            address("example.org:8443").unwrap().host(),
            "example.org:8443"
        );
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for bad in [
            "",
            "https://",
            "ftp://x",
            "a b",
            "http:///x",
            "a..b",
            "x:99999",
            "u:p@host",
            "host?x",
            "ho!st",
        ] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}

//! Where an Argo CD is.

use std::str::FromStr;

use fetch::is_loopback;
use url::Url;

/// The address of an Argo CD server, as its own CLI takes it (`argocd.example.org`), or with a scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    base: Url,
    /// Whether the scheme was left open.
    guessed: bool,
}

/// Why a text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of a server: {why}")]
pub struct InvalidServer {
    text: String,
    why: &'static str,
}

impl Server {
    /// Returns the address, with a slash at the end.
    pub(crate) fn base(&self, secure: bool) -> Url {
        let mut base = self.base.clone();
        // Both are special schemes, between which one may always change.
        let _ = base.set_scheme(if secure { "https" } else { "http" });
        base
    }

    /// Returns whether https is spoken first. Without a scheme only loopback is tried without TLS: a
    /// server that has TLS says so in words.
    pub(crate) fn starts_secure(&self, has_authorities: bool) -> bool {
        if self.guessed {
            !self.is_loopback() || has_authorities
        } else {
            self.base.scheme() == "https"
        }
    }

    /// Returns whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Returns whether the scheme may still be changed.
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

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(text: &str) -> Result<Self, InvalidServer> {
        let text = text.trim();
        let wrong = |why| InvalidServer {
            text: text.to_owned(),
            why,
        };
        let guessed = !text.contains("://");
        let whole = if guessed {
            format!("https://{text}")
        } else {
            text.to_owned()
        };
        if text.chars().any(char::is_whitespace) {
            return Err(wrong("it has a blank in it"));
        }
        let mut base: Url = whole
            .parse()
            .map_err(|_| wrong("expected `argocd.example.org` or a URL"))?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(wrong("expected `https://`, or `http://` on loopback"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("leave the user out, and set `RUNBOOK_ARGOCD_TOKEN`"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("expected nothing behind host and path"));
        }
        // `http:///x` would be read as `http://x`.
        if whole.contains(":///") || !is_host(base.host_str().unwrap_or_default()) {
            return Err(wrong("the host is none"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base, guessed })
    }
}

/// A URL takes nearly everything for a host; a name has letters, digits, dots and hyphens.
fn is_host(host: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.starts_with('[') || host.trim_end_matches('.').split('.').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Server, InvalidServer> {
        text.parse()
    }

    #[test]
    fn without_a_scheme_it_is_https_but_for_loopback() {
        let server = parse("argocd.example.org").unwrap();
        assert_eq!(server.base(true).as_str(), "https://argocd.example.org/");
        assert!(server.starts_secure(false) && server.is_guessed());
        assert!(!parse("127.0.0.1:8080").unwrap().starts_secure(false));
        assert!(
            parse("https://127.0.0.1:8080")
                .unwrap()
                .starts_secure(false)
        );
        assert!(
            !parse("http://argocd.example.org")
                .unwrap()
                .starts_secure(false)
        );
    }

    #[test]
    fn a_path_in_front_of_the_api_stays() {
        assert_eq!(
            parse("example.org/argo").unwrap().base(true).as_str(),
            "https://example.org/argo/"
        );
        assert_eq!(
            parse("example.org:8443").unwrap().host(),
            "example.org:8443"
        );
    }

    #[test]
    fn nonsense_is_no_server() {
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
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}

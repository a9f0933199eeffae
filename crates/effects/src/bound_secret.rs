//! A secret and the one server that may get it.

use url::Url;

use crate::{Origin, Secret};

/// A secret that is bound to one server. Only [`for_request`](Self::for_request) exposes it, and only
/// to that server.
#[derive(Debug, Clone)]
pub struct BoundSecret {
    secret: Secret,
    origin: Origin,
}

/// Why a secret is not part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithheldSecret {
    /// The request goes to another server.
    OtherServer,
    /// Other machines can read the request.
    PlainHttp,
}

impl BoundSecret {
    /// Binds a secret to the server of an address: its scheme, host and port.
    pub fn new(secret: Secret, server: &Url) -> Self {
        Self {
            secret,
            origin: Origin::of(server),
        }
    }

    /// Returns the secret for a request to this address.
    ///
    /// # Errors
    /// Why the request may not contain it.
    pub fn for_request(&self, url: &Url) -> Result<&str, WithheldSecret> {
        if Origin::of(url) != self.origin {
            Err(WithheldSecret::OtherServer)
        } else if !self.origin.is_confidential() {
            Err(WithheldSecret::PlainHttp)
        } else {
            Ok(self.secret.expose())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_server_gets_a_secret() {
        let sent = |bound: &str, target: &str| {
            let secret = BoundSecret::new(Secret::new("s"), &bound.parse().unwrap());
            secret
                .for_request(&target.parse().unwrap())
                .map(str::to_owned)
        };
        for (bound, target) in [
            ("https://a.example/x", "https://a.example/y"),
            ("http://127.0.0.1:5000/x", "http://127.0.0.1:5000/y"),
            ("http://localhost:5000/x", "http://localhost:5000/y"),
        ] {
            assert_eq!(sent(bound, target), Ok("s".to_owned()), "{target}");
        }
        for (bound, target) in [
            ("https://a.example/x", "https://b.example/x"),
            ("https://a.example/x", "https://a.example:8443/x"),
            ("https://a.example/x", "http://a.example/x"),
            ("https://a.example/x", "https://sub.a.example/x"),
            ("http://127.0.0.1:5000/x", "http://127.0.0.1:5001/x"),
            ("http://127.0.0.1:5000/x", "http://127.0.0.2:5000/x"),
        ] {
            assert_eq!(
                sent(bound, target),
                Err(WithheldSecret::OtherServer),
                "{target}"
            );
        }
        let plain = "http://a.example/x";
        assert_eq!(sent(plain, plain), Err(WithheldSecret::PlainHttp));
    }
}

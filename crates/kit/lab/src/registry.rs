//! A real container registry: Debian's `docker-registry`, on a free port.
//!
//! ```no_run
//! let registry = lab::Registry::plain();
//! let image = lab::Image::single("linux/arm64");
//! let pushed = image.push(&registry, "data-literate/dex", "sha-1");
//! assert_eq!(registry.digest("data-literate/dex", "sha-1"), Some(pushed.digest));
//! ```

mod access;
mod client;
mod process;
mod token;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use token::TokenServer;
pub(crate) use token::basic;

use crate::tls::Authority;
use access::RegistryAccess;
use process::RegistryProcess;

/// How a registry is set up.
#[must_use = "start it"]
#[derive(Clone, Debug, Default)]
pub struct Setup {
    access: RegistryAccess,
    authority: Option<Authority>,
}

impl Setup {
    /// Asks for this user and password on every request (basic authentication, bcrypt).
    pub fn htpasswd(mut self, user: &str, password: &str) -> Self {
        self.access = RegistryAccess::Password(user.to_owned(), password.to_owned());
        self
    }

    /// Sends every client to a token server, which knows this user and password.
    pub fn token(mut self, user: &str, password: &str) -> Self {
        self.access = RegistryAccess::Token(user.to_owned(), password.to_owned());
        self
    }

    /// Speaks TLS (the token server too), with a certificate of an authority of its own.
    pub fn tls(mut self) -> Self {
        self.authority = Some(Authority::new());
        self
    }

    /// Starts the registry and returns once it listens.
    ///
    /// # Panics
    ///
    /// If there is no `docker-registry` to start, or it ends.
    #[must_use]
    pub fn start(self) -> Registry {
        let tokens = match &self.access {
            RegistryAccess::Token(user, password) => {
                Some(TokenServer::start(user, password, self.authority.clone()))
            }
            _ => None,
        };
        let process =
            RegistryProcess::start(&self.access, self.authority.as_ref(), tokens.as_ref());
        Registry {
            process,
            setup: self,
            tokens,
            forgotten: AtomicUsize::new(0),
        }
    }
}

/// A registry that runs until it is dropped. Manifests can be deleted; schema 1 can be pushed.
#[derive(Debug)]
pub struct Registry {
    process: RegistryProcess,
    setup: Setup,
    tokens: Option<TokenServer>,
    forgotten: AtomicUsize,
}

impl Registry {
    /// Starts one without authentication.
    #[must_use]
    pub fn plain() -> Self {
        Setup::default().start()
    }

    /// Starts one with basic authentication.
    #[must_use]
    pub fn htpasswd(user: &str, password: &str) -> Self {
        Setup::default().htpasswd(user, password).start()
    }

    /// Starts one with a token server, as the public registries have.
    #[must_use]
    pub fn token(user: &str, password: &str) -> Self {
        Setup::default().token(user, password).start()
    }

    /// Starts one that speaks TLS, with a certificate of an unknown authority.
    #[must_use]
    pub fn tls() -> Self {
        Setup::default().tls().start()
    }

    /// Returns `127.0.0.1:PORT`, as in the name of an image.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.process.address
    }

    /// Returns the address with its scheme, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.setup.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address())
    }

    /// Returns the certificate of the authority to trust.
    ///
    /// # Panics
    ///
    /// If the registry does not speak TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self
            .setup
            .authority
            .as_ref()
            .expect("a registry with TLS")
            .ca_pem
    }

    /// Returns the token server.
    ///
    /// # Panics
    ///
    /// If the registry has none.
    #[must_use]
    pub fn tokens(&self) -> &TokenServer {
        self.tokens
            .as_ref()
            .expect("a registry with a token server")
    }

    /// Returns how many requests it has answered, those of pushes by this kit included.
    ///
    /// The registry counts a request before it sends a small answer, so a client that has its
    /// answer was counted.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.request_lines().len()
    }

    /// Returns the requests, oldest first: `GET /v2/data-literate/dex/manifests/latest 200`.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        self.process
            .request_lines()
            .split_off(self.forgotten.load(Ordering::SeqCst))
    }

    /// Forgets the requests so far, for instance those of pushes.
    pub fn forget_requests(&self) {
        self.forgotten
            .store(self.process.request_lines().len(), Ordering::SeqCst);
    }

    /// Returns the log of the registry.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

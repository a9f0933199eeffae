//! A server that misbehaves on purpose, and records its requests.
//!
//! One request per connection: the script says what happens to each.
//!
//! ```
//! use lab::{Faulty, ScriptedReply};
//!
//! let busy = ScriptedReply::html(503);
//! let server = Faulty::new([busy.clone(), busy, ScriptedReply::text(200, "at last")]);
//! assert_eq!(server.seen().len(), 0);
//! ```

mod reply;
mod seen;
mod serve;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

pub use reply::ScriptedReply;
pub use seen::SeenRequest;
pub(crate) use seen::{RequestHead, read_head};

use crate::background::{Background, bind};
use crate::lock::lock;
use crate::tls::Authority;

/// A server on loopback that follows its script.
#[derive(Debug)]
pub struct Faulty {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
    authority: Option<Authority>,
    _server: Background,
}

impl Faulty {
    /// Answers the first request with the first reply, and so on; the last one repeats.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = ScriptedReply>) -> Self {
        Self::answering(in_turn(replies))
    }

    /// Answers each request with what `answer` returns for it.
    #[must_use]
    pub fn answering(
        answer: impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, answer)
    }

    /// Does what [`Faulty::new`] does, over TLS with a certificate of an authority of its own.
    #[must_use]
    pub fn tls(replies: impl IntoIterator<Item = ScriptedReply>) -> Self {
        Self::tls_answering(in_turn(replies))
    }

    /// Does what [`Faulty::answering`] does, over TLS; the certificate is also good for `ghcr.io`
    /// and `registry.example`, which a [`Proxy`](crate::Proxy) can lead here.
    #[must_use]
    pub fn tls_answering(
        answer: impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(Authority::new()), answer)
    }

    pub(crate) fn start(
        authority: Option<Authority>,
        answer: impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(bind(), authority, answer)
    }

    pub(crate) fn listen(
        (listener, address): (TcpListener, SocketAddr),
        authority: Option<Authority>,
        answer: impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::<Mutex<Vec<SeenRequest>>>::default();
        let tls = authority.as_ref().map(Authority::server);
        let server = Background::start(serve::connections(
            listener,
            tls,
            Arc::clone(&seen),
            Arc::new(answer),
        ));
        Self {
            address,
            seen,
            authority,
            _server: server,
        }
    }

    /// Returns `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns the address with its scheme, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the certificate of the authority to trust.
    ///
    /// # Panics
    ///
    /// If the server does not speak TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority.as_ref().expect("a server with TLS").ca_pem
    }

    /// Returns the requests so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.seen).clone()
    }
}

/// Returns the address of a closed port: connections to it are refused.
#[must_use]
pub fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener
        .local_addr()
        .expect("a bound listener has an address")
        .to_string()
}

/// Returns a function that returns each reply once, and the last one again and again.
fn in_turn(
    replies: impl IntoIterator<Item = ScriptedReply>,
) -> impl Fn(&SeenRequest) -> ScriptedReply + Send + Sync + 'static {
    let replies: Vec<_> = replies.into_iter().collect();
    assert!(!replies.is_empty(), "a script has at least one reply");
    let turn = Mutex::new(0);
    move |_| {
        let mut turn = lock(&turn);
        let reply = replies[(*turn).min(replies.len() - 1)].clone();
        *turn += 1;
        reply
    }
}

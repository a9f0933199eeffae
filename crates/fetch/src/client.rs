//! The client of one system.

use contract::{World, world::Tls};
use url::Url;

use crate::FetchRequest;

/// Makes requests to one system, with the certificate authorities that its flags name.
#[derive(Clone)]
pub struct Fetch<'w> {
    world: &'w World,
    tls: Tls,
}

impl<'w> Fetch<'w> {
    /// Makes a client that trusts the public certificate authorities and those of the system.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            tls: Tls::default(),
        }
    }

    /// Trusts the certificate authorities of this PEM text too.
    #[must_use]
    pub fn trusting(mut self, pem: Option<Vec<u8>>) -> Self {
        self.tls.authorities = pem.map(Into::into);
        self
    }

    /// Starts a GET, which is safe to repeat.
    pub fn get(&self, url: Url) -> FetchRequest<'_> {
        FetchRequest::new(self.world, &self.tls, "GET", url).repeatable()
    }

    /// Starts a POST, which is repeated only when the server cannot have carried it out.
    pub fn post(&self, url: Url, body: Vec<u8>) -> FetchRequest<'_> {
        FetchRequest::new(self.world, &self.tls, "POST", url).body(body)
    }
}

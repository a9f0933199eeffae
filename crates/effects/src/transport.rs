//! The raw transport: one request, one answer, no policy.

mod classify;
mod resolve;
mod tls;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::Duration,
};

use bytes::Bytes;
use url::Url;

use self::resolve::{NamedLead, ResolvedNames, SafeResolver};
use crate::{
    BodyStream, HttpRequest, HttpResponse, LocalFuture, Origin, Tls, TransportError,
    TransportErrorKind,
};

/// Time limit for a connection to stand: a firewall that drops packets would otherwise cost the
/// whole exchange.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP clients by the certificates that they trust, and by whether they may use a proxy;
/// connections are kept for the whole run.
#[derive(Default)]
pub(crate) struct Transport {
    clients: RefCell<HashMap<(Tls, bool), reqwest::Client>>,
    /// Whether the system's certificates are trusted as well, set by the first unknown issuer.
    system: Cell<bool>,
    names: ResolvedNames,
}

impl Transport {
    /// Sends a request. An unknown issuer loads the system's certificates once: a runner behind a
    /// company's certificate authority has it there, and all other runs save the milliseconds.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        match self.try_send(&request).await {
            Err(error)
                if error.kind == TransportErrorKind::Certificate && !self.system.replace(true) =>
            {
                self.clients.borrow_mut().clear();
                self.try_send(&request).await
            }
            answer => answer,
        }
    }

    async fn try_send(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let client = match self.lead(request) {
            Some(lead) => self.build(&request.tls, true, Some(lead))?,
            None => self.client(&request.tls, &request.url)?,
        };
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| TransportError::new(TransportErrorKind::Broken, error))?;
        let mut builder = client.request(method, request.url.clone());
        for header in &request.headers {
            builder = builder.header(header.name, &header.value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        let sent = builder.send().await;
        sent.map(answer).map_err(|error| classify::classify(&error))
    }

    /// Returns the client for an address. What stays on this machine goes through no proxy: plain
    /// HTTP with secrets is only sent there since no other machine can read it.
    fn client(&self, tls: &Tls, url: &Url) -> Result<reqwest::Client, TransportError> {
        let may_use_proxy = !Origin::of(url).is_loopback();
        let key = (tls.clone(), may_use_proxy);
        if let Some(client) = self.clients.borrow().get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(tls, may_use_proxy, None)?;
        self.clients.borrow_mut().insert(key, client.clone());
        Ok(client)
    }

    /// Returns the server that led to the name of a request, if it has to be kept from leading
    /// further in. With TLS only the owner of the name can answer.
    fn lead(&self, request: &HttpRequest) -> Option<NamedLead> {
        let from = request.led_by.as_ref()?;
        let target = Origin::of(&request.url);
        let name = target.domain().filter(|_| !target.is_confidential())?;
        Some(NamedLead {
            name: name.to_owned(),
            from: self.names.reach(from),
        })
    }

    fn build(
        &self,
        tls: &Tls,
        may_use_proxy: bool,
        lead: Option<NamedLead>,
    ) -> Result<reqwest::Client, TransportError> {
        let names = self.names.clone();
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(tls, self.system.get())?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(SafeResolver { names, lead })
            .user_agent(concat!("dex-actions/", env!("CARGO_PKG_VERSION")));
        if !may_use_proxy {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| classify::classify(&error))
    }
}

fn answer(response: reqwest::Response) -> HttpResponse {
    let mut headers = Vec::new();
    for (name, value) in response.headers() {
        // A header is bytes. A value that is not UTF-8 belongs to a header that no step reads.
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.push((name.to_string(), value));
    }
    HttpResponse {
        status: response.status().as_u16(),
        headers,
        body: Box::new(ReqwestBody(response)),
    }
}

struct ReqwestBody(reqwest::Response);

impl BodyStream for ReqwestBody {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            let chunk = self.0.chunk().await;
            chunk.map_err(|error| classify::classify(&error))
        })
    }
}

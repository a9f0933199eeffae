//! The raw transport: one request, one answer, no policy.

mod classify;
mod tls;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    BodyStream, HttpRequest, HttpResponse, LocalFuture, Tls, TransportError, TransportErrorKind,
};

/// Time limit for a connection to stand: a firewall that drops packets would otherwise cost the
/// whole exchange.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP clients by the certificates that they trust; connections are kept for the whole run.
#[derive(Default)]
pub(crate) struct Transport {
    clients: RefCell<HashMap<Tls, reqwest::Client>>,
    /// Whether the system's certificates are trusted as well, set by the first unknown issuer.
    system: Cell<bool>,
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
        let client = self.client(&request.tls)?;
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

    fn client(&self, tls: &Tls) -> Result<reqwest::Client, TransportError> {
        if let Some(client) = self.clients.borrow().get(tls) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(tls, self.system.get())?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("dex-actions/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| classify::classify(&error))?;
        let mut clients = self.clients.borrow_mut();
        clients.insert(tls.clone(), client.clone());
        Ok(client)
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

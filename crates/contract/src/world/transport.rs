//! The raw transport behind `World::http`: one request, one answer, no policy.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    error::Error,
    sync::Arc,
};

use bytes::Bytes;
use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject as _,
};

use super::{
    BodyStream, HttpRequest, HttpResponse, LocalFuture, Tls, TransportError, TransportErrorKind,
    http::CONNECT_TIMEOUT,
};

/// Clients by what they trust; connections are kept within a run.
#[derive(Default)]
pub(crate) struct Transport {
    clients: RefCell<HashMap<Tls, reqwest::Client>>,
    /// Whether the system's store is used as well, once an issuer was not known.
    system: Cell<bool>,
}

impl Transport {
    /// Sends a request. On an unknown issuer the system's certificates are loaded once: a runner
    /// behind a company's certificate authority has them there, and everybody else saves the
    /// milliseconds.
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
        builder
            .send()
            .await
            .map(answer)
            .map_err(|error| classify(&error))
    }

    fn client(&self, tls: &Tls) -> Result<reqwest::Client, TransportError> {
        if let Some(client) = self.clients.borrow().get(tls) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(tls, self.system.get())?)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("dex-actions/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| classify(&error))?;
        self.clients
            .borrow_mut()
            .insert(tls.clone(), client.clone());
        Ok(client)
    }
}

fn tls_config(tls: &Tls, system: bool) -> Result<ClientConfig, TransportError> {
    let bad = |why: String| TransportError::new(TransportErrorKind::BadAuthorities, why);
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if system {
        // Also reads SSL_CERT_FILE and SSL_CERT_DIR. A broken certificate among the system's is not
        // ours to judge.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(pem) = &tls.authorities {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| bad(error.to_string()))?;
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err(bad("no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| bad(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn answer(response: reqwest::Response) -> HttpResponse {
    let headers = response.headers().iter();
    // Headers are bytes; what is not UTF-8 cannot be one that we read.
    let headers = headers.map(|(name, value)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    HttpResponse {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: Box::new(Stream(response)),
    }
}

struct Stream(reqwest::Response);

impl BodyStream for Stream {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async { self.0.chunk().await.map_err(|error| classify(&error)) })
    }
}

/// Finds out which way it failed. reqwest hides the cause in its chain of sources: what matters is
/// a certificate error of rustls somewhere in it.
fn classify(error: &reqwest::Error) -> TransportError {
    let kind = if certificate_error(error).is_some() {
        TransportErrorKind::Certificate
    } else if error.is_connect() && error.is_timeout() {
        TransportErrorKind::TimedOut
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Broken
    };
    TransportError::new(kind, innermost(error))
}

fn certificate_error(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error)
        .into_iter()
        .find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
            _ => None,
        })
}

/// The last cause says what happened ("connection refused"); those above only say that something did.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    last.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

/// The error and its sources, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut all = vec![error];
    let mut next = inner(error);
    while let Some(error) = next {
        all.push(error);
        next = inner(error);
    }
    all
}

/// An `io::Error` names the source of what it wraps as its own, and so hides what it wraps.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

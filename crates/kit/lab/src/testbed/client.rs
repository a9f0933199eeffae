//! The kit's own requests to the servers of a world: JSON, with one token.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::runtime::{self, Handle};

use crate::answer::HttpAnswer;

/// A whole object.
pub(super) const JSON: &str = "application/json";

/// Some fields of an object, and their new values.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// Longer than any request of the kit takes, on a machine that is busy with builds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Keeps connections for later questions, which a runtime per question would cut.
static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

/// A server and a token for it. The token is never printed.
#[derive(Clone)]
pub(super) struct TestbedClient {
    base: String,
    ca_pem: Option<String>,
    token: Option<String>,
    http: reqwest::Client,
}

impl Debug for TestbedClient {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestbedClient")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl TestbedClient {
    /// Describes a server by its URL, the authority it is trusted for, and a token.
    pub(super) fn new(base: &str, ca_pem: Option<&str>, token: Option<&str>) -> Self {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5));
        let http = builder
            .tls_backend_preconfigured(trusting(ca_pem))
            .build()
            .expect("a client");
        let own = |text: Option<&str>| text.map(str::to_owned);
        Self {
            base: base.to_owned(),
            ca_pem: own(ca_pem),
            token: own(token),
            http,
        }
    }

    /// Returns the same server with connections of its own, for another runtime.
    pub(super) fn own(&self) -> Self {
        Self::new(&self.base, self.ca_pem.as_deref(), self.token.as_deref())
    }

    /// Returns the same server with another token.
    pub(super) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Returns a request that is not sent yet.
    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks, and returns the answer whatever its status is, or why there is none.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<String>,
    ) -> Result<HttpAnswer, String> {
        let mut request = self
            .request(method, path)
            .timeout(REQUEST_TIMEOUT)
            .header(CONTENT_TYPE, kind);
        if let Some(body) = body {
            request = request.body(body);
        }
        let (sender, receiver) = mpsc::channel();
        RUNTIME.spawn(async move { sender.send(answer(request).await) });
        receiver
            .recv()
            .map_err(|_| "the question was dropped".to_owned())?
    }

    /// Asks, and returns what a good answer says.
    ///
    /// # Panics
    ///
    /// With the server's words, if it says no or nothing.
    #[track_caller]
    pub(super) fn expect(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Value {
        match self.ask(method.clone(), path, kind, body.map(Value::to_string)) {
            Ok(answer) if (200..300).contains(&answer.status) => answer.json(),
            Ok(HttpAnswer { status, body, .. }) => {
                panic!(
                    "{method} {path}: {status}: {}",
                    String::from_utf8_lossy(&body)
                )
            }
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }
}

/// Sends a request, and returns all of its answer.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<HttpAnswer, String> {
    let say = |error: reqwest::Error| format!("{error:?}");
    HttpAnswer::read(request.send().await.map_err(say)?)
        .await
        .map_err(say)
}

fn trusting(ca_pem: Option<&str>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate of this kit");
        roots.add(certificate).expect("a certificate of this kit");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the protocols")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

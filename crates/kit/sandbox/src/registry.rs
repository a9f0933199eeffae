//! An OCI registry that clients can only read: manifests and blobs, and the two answers for missing
//! ones.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{SandboxImage, SandboxManifest, sha256};

/// A registry on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct SandboxRegistry {
    address: String,
    content: RegistryContent,
    server: JoinHandle<()>,
}

/// The images by repository; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct RegistryContent(Arc<Mutex<BTreeMap<String, RepositoryContent>>>);

#[derive(Debug, Default)]
struct RepositoryContent {
    /// By tag and by digest.
    manifests: BTreeMap<String, SandboxManifest>,
    /// By digest.
    blobs: BTreeMap<String, Vec<u8>>,
}

impl SandboxRegistry {
    /// Starts a registry on a free port, within the runtime of the caller.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let content = RegistryContent::default();
        let router = Router::new()
            .route("/v2/{*path}", get(answer))
            .with_state(content.clone());
        let server = tokio::spawn(async move {
            // It ends with the runtime; an error of one connection is not the server's.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            content,
            server,
        })
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Adds an image under a tag and returns its digest.
    pub fn push(&self, repository: &str, tag: &str, image: &SandboxImage) -> String {
        let mut content = self.content.lock();
        let repository = content.entry(repository.to_owned()).or_default();
        repository
            .blobs
            .extend(image.blobs.iter().map(|blob| (sha256(blob), blob.clone())));
        let mut last = String::new();
        for manifest in &image.manifests {
            last = sha256(&manifest.content);
            repository.manifests.insert(last.clone(), manifest.clone());
            repository
                .manifests
                .insert(tag.to_owned(), manifest.clone());
        }
        last
    }

    pub(crate) fn content(&self) -> RegistryContent {
        self.content.clone()
    }

    /// Stops answering: connections are refused from here on.
    pub async fn stop(self) {
        self.server.abort();
        // The port is closed only when the task has ended.
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for SandboxRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RegistryContent {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, RepositoryContent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the digest that a node gets for `host/repository:tag`.
    pub(crate) fn pull(&self, image: &str) -> Option<String> {
        let (name, tag) = image.rsplit_once(':')?;
        let (_, repository) = name.split_once('/')?;
        let content = self.lock();
        let manifest = content.get(repository)?.manifests.get(tag)?;
        Some(sha256(&manifest.content))
    }
}

/// Answers `<repository>/manifests/<selector>` and `<repository>/blobs/<digest>`.
async fn answer(State(content): State<RegistryContent>, Path(path): Path<String>) -> Response {
    let content = content.lock();
    let mut parts = path.rsplitn(3, '/');
    let (Some(selector), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let repository = content.get(name);
    match kind {
        "manifests" => match repository.and_then(|repository| repository.manifests.get(selector)) {
            Some(manifest) => found(manifest.media_type, &manifest.content),
            None => absent(
                "MANIFEST_UNKNOWN",
                "manifest unknown",
                manifest_detail(name, selector),
            ),
        },
        "blobs" => match repository.and_then(|repository| repository.blobs.get(selector)) {
            Some(blob) => found("application/octet-stream", blob),
            None => absent("BLOB_UNKNOWN", "blob unknown to registry", json!(selector)),
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn found(media_type: &'static str, content: &[u8]) -> Response {
    let mut response = content.to_vec().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(digest) = HeaderValue::from_str(&sha256(content)) {
        headers.insert("docker-content-digest", digest);
    }
    response
}

fn absent(code: &str, message: &str, detail: Value) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": detail }] });
    let mut response = (StatusCode::NOT_FOUND, format!("{body}\n")).into_response();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn manifest_detail(repository: &str, selector: &str) -> Value {
    if selector.contains(':') {
        json!({ "Name": repository, "Revision": selector })
    } else {
        json!({ "Tag": selector })
    }
}

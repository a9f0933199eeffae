//! An OCI registry that is read only from outside: manifests and blobs, and the two ways to say that
//! something is not there.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
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

use crate::{Image, Manifest, sha256};

/// A registry on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct Registry {
    address: String,
    content: Content,
    server: JoinHandle<()>,
}

/// What it has, by repository.
type Content = Arc<Mutex<BTreeMap<String, Repository>>>;

#[derive(Debug, Default)]
struct Repository {
    /// By tag and by digest.
    manifests: BTreeMap<String, Manifest>,
    /// By digest.
    blobs: BTreeMap<String, Vec<u8>>,
}

impl Registry {
    /// Starts a registry on a free port, within the runtime of the caller.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let content = Content::default();
        let router = Router::new()
            .route("/v2/{*path}", get(answer))
            .with_state(Arc::clone(&content));
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
    pub fn push(&self, repository: &str, tag: &str, image: &Image) -> String {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Returns what a node would pull: the digest of an image by repository and tag.
    pub(crate) fn looker(&self) -> impl Fn(&str, &str) -> Option<String> + Send + 'static {
        let content = Arc::clone(&self.content);
        move |repository, tag| {
            let content = content.lock().unwrap_or_else(PoisonError::into_inner);
            let manifest = content.get(repository)?.manifests.get(tag)?;
            Some(sha256(&manifest.content))
        }
    }

    /// Stops answering: connections are refused from here on.
    pub async fn stop(self) {
        self.server.abort();
        // Only when the task has ended is the port closed.
        while !self.server.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers `<repository>/manifests/<selector>` and `<repository>/blobs/<digest>`.
async fn answer(State(content): State<Content>, Path(path): Path<String>) -> Response {
    let content = content.lock().unwrap_or_else(PoisonError::into_inner);
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

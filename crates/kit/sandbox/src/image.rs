//! Images without layers: an index, its manifests and configurations.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image for several platforms, as `docker buildx` pushes it.
#[derive(Debug, Clone)]
pub struct SandboxImage {
    /// The manifests that the index names, and the index itself, which is the last.
    pub manifests: Vec<SandboxManifest>,
    /// Configurations.
    pub blobs: Vec<Vec<u8>>,
}

/// A manifest as it is sent.
#[derive(Debug, Clone)]
pub struct SandboxManifest {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl SandboxImage {
    /// Builds an image of a commit for platforms such as `linux/amd64`.
    pub fn new(commit: &str, platforms: &[&str]) -> Self {
        let (mut manifests, mut blobs, mut children) = (Vec::new(), Vec::new(), Vec::new());
        for platform in platforms {
            let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
            let config = config(commit, os, architecture);
            let manifest = manifest(&config);
            let mut child = descriptor(MANIFEST, &manifest);
            child["platform"] = json!({ "os": os, "architecture": architecture });
            children.push(child);
            blobs.push(config);
            manifests.push(SandboxManifest {
                media_type: MANIFEST,
                content: manifest,
            });
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children });
        manifests.push(SandboxManifest {
            media_type: INDEX,
            content: index.to_string().into_bytes(),
        });
        Self { manifests, blobs }
    }
}

fn config(commit: &str, os: &str, architecture: &str) -> Vec<u8> {
    let config = json!({
        "os": os,
        "architecture": architecture,
        "config": { "Labels": { "org.opencontainers.image.revision": commit } },
        "rootfs": { "type": "layers", "diff_ids": [] },
    });
    config.to_string().into_bytes()
}

fn manifest(config: &[u8]) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [],
    });
    manifest.to_string().into_bytes()
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(content), "size": content.len() })
}

/// Returns `sha256:…` of these bytes.
pub fn sha256(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

//! Reads the manifests of all kinds.

use std::collections::BTreeMap;

use contract::{Digest, asking};
use fetch::{FetchError, HttpAnswer};
use serde::Deserialize;

use crate::Platform;

/// A manifest, its digest verified.
#[derive(Debug, Clone)]
pub struct RegistryManifest {
    /// SHA-256 of the bytes that arrived.
    pub digest: Digest,
    /// Its kind.
    pub kind: ManifestKind,
}

/// The kinds of manifests.
#[derive(Debug, Clone)]
pub enum ManifestKind {
    /// Several images, one for each platform (OCI image index, Docker manifest list).
    Index(Vec<IndexEntry>),
    /// One image, with the digest of its configuration.
    Image(Digest),
    /// Docker's schema 1 of 2014, which current runtimes reject.
    Schema1,
    /// Another kind of content, such as a chart or a signature; with its media type.
    Artifact(String),
}

/// A runnable image of an index; attestations are left out.
#[derive(Debug, Clone)]
pub struct IndexEntry {
    /// Digest of its manifest.
    pub digest: Digest,
    /// Its platform, if the index names it.
    pub platform: Option<Platform>,
}

/// Media types of an image's configuration.
const CONFIG_TYPES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    #[serde(default)]
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    platform: Option<WirePlatform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct WirePlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl RegistryManifest {
    pub(crate) fn read(answer: &HttpAnswer, digest: Digest) -> Result<Self, FetchError> {
        let wire: WireManifest = answer.json()?;
        Ok(Self {
            digest,
            kind: wire.kind(answer)?,
        })
    }
}

impl WireManifest {
    fn kind(self, answer: &HttpAnswer) -> Result<ManifestKind, FetchError> {
        if self.schema_version == 1 {
            return Ok(ManifestKind::Schema1);
        }
        if let Some(descriptors) = self.manifests {
            let entries = descriptors
                .iter()
                .filter(|descriptor| !descriptor.is_attestation())
                .map(|descriptor| descriptor.entry(answer));
            return Ok(ManifestKind::Index(entries.collect::<Result<_, _>>()?));
        }
        let Some(config) = self.config else {
            return Err(invalid(answer, "it has neither `manifests` nor `config`"));
        };
        let config_type = config.media_type.as_deref().unwrap_or_default();
        if self.artifact_type.is_none() && CONFIG_TYPES.contains(&config_type) {
            return Ok(ManifestKind::Image(config.digest(answer)?));
        }
        // The first of these that is present says the most.
        let own_type = self.media_type.filter(|_| config_type.is_empty());
        let media_type = self.artifact_type.or(own_type);
        Ok(ManifestKind::Artifact(
            media_type.unwrap_or_else(|| config_type.to_owned()),
        ))
    }
}

fn invalid(answer: &HttpAnswer, why: &str) -> FetchError {
    let text = format!("{} sent an invalid manifest: {why}", answer.source());
    FetchError::new(asking::NOT_THE_API, text)
}

impl Descriptor {
    fn entry(&self, answer: &HttpAnswer) -> Result<IndexEntry, FetchError> {
        Ok(IndexEntry {
            digest: self.digest(answer)?,
            platform: self.platform(),
        })
    }

    fn digest(&self, answer: &HttpAnswer) -> Result<Digest, FetchError> {
        self.digest
            .parse::<Digest>()
            .map_err(|error| invalid(answer, &error.to_string()))
    }

    /// Returns whether BuildKit added the manifest to describe an image: "any other
    /// `reference.type` value: ignore the manifest" (moby/buildkit,
    /// docs/attestations/attestation-storage.md).
    fn is_attestation(&self) -> bool {
        let unknown = self
            .platform
            .as_ref()
            .is_some_and(|platform| platform.os == "unknown" && platform.architecture == "unknown");
        unknown || self.annotations.contains_key("vnd.docker.reference.type")
    }

    fn platform(&self) -> Option<Platform> {
        self.platform.as_ref().map(|platform| {
            Platform::new(
                &platform.os,
                &platform.architecture,
                platform.variant.as_deref(),
            )
        })
    }
}

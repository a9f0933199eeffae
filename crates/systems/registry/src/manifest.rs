//! What a manifest says, of whichever kind it is.

use std::collections::BTreeMap;

use contract::{Digest, asking};
use fetch::FetchError;
use serde::Deserialize;

use crate::Platform;

/// A manifest that was read.
#[derive(Debug, Clone)]
pub struct RegistryManifest {
    /// SHA-256 of the bytes that came.
    pub digest: Digest,
    /// What it is.
    pub kind: ManifestKind,
}

/// The kinds of manifests.
#[derive(Debug, Clone)]
pub enum ManifestKind {
    /// Several images, one for each platform (OCI image index, Docker manifest list).
    Index(Vec<IndexEntry>),
    /// One image, with the digest of its configuration.
    Image(Digest),
    /// Docker's schema 1 of 2014, which new runtimes do not run.
    Schema1,
    /// Something else that is kept in a registry: a chart, a signature. With its media type.
    Artifact(String),
}

/// A runnable image of an index; attestations are not among them.
#[derive(Debug, Clone)]
pub struct IndexEntry {
    /// Digest of its manifest.
    pub digest: Digest,
    /// Its platform, if the index says it.
    pub platform: Option<Platform>,
}

/// Media types of an image's configuration.
const CONFIGS: [&str; 2] = [
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
    /// Reads an answer's body.
    pub(crate) fn read(answer: &fetch::Answer, digest: Digest) -> Result<Self, FetchError> {
        let wire: WireManifest = answer.json()?;
        Ok(Self {
            digest,
            kind: wire.kind(answer)?,
        })
    }
}

impl WireManifest {
    fn kind(self, answer: &fetch::Answer) -> Result<ManifestKind, FetchError> {
        let no_manifest = |why: &str| {
            FetchError::new(
                asking::NOT_THE_API,
                format!("{} sent a manifest that is none: {why}", answer.source()),
            )
        };
        let parse = |digest: &str| {
            digest
                .parse::<Digest>()
                .map_err(|error| no_manifest(&error.to_string()))
        };
        if self.schema_version == 1 {
            return Ok(ManifestKind::Schema1);
        }
        if let Some(manifests) = self.manifests {
            let runnable = manifests
                .into_iter()
                .filter(|child| !child.is_attestation());
            let child = |child: Descriptor| {
                Ok(IndexEntry {
                    digest: parse(&child.digest)?,
                    platform: child.platform(),
                })
            };
            return Ok(ManifestKind::Index(
                runnable.map(child).collect::<Result<_, FetchError>>()?,
            ));
        }
        let config = self
            .config
            .ok_or_else(|| no_manifest("it has neither `manifests` nor `config`"))?;
        let config_type = config.media_type.clone().unwrap_or_default();
        match self.artifact_type {
            None if CONFIGS.contains(&config_type.as_str()) => {
                Ok(ManifestKind::Image(parse(&config.digest)?))
            }
            artifact_type => Ok(ManifestKind::Artifact(
                artifact_type
                    .or(self.media_type.filter(|_| config_type.is_empty()))
                    .unwrap_or(config_type),
            )),
        }
    }
}

impl Descriptor {
    /// What BuildKit adds for each image: "any other `reference.type` value: ignore the manifest"
    /// (moby/buildkit, docs/attestations/attestation-storage.md).
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

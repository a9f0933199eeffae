//! Reads the manifests of all kinds.

use std::collections::BTreeMap;

use contract::{Digest, Platform, asking};
use fetch::{FetchError, HttpAnswer};
use serde::Deserialize;

use crate::{
    Attestation, ImageConfig,
    provenance::{REVISION, is_provenance},
};

/// A manifest, its digest verified.
#[derive(Debug, Clone)]
pub struct RegistryManifest {
    /// SHA-256 of the bytes that arrived.
    pub digest: Digest,
    /// Its kind.
    pub kind: ManifestKind,
    /// The revision of the source that its annotations name.
    pub revision: Option<String>,
    /// The attestations that an index lists.
    pub attestations: Vec<Attestation>,
    /// The layers with provenance, of an attestation.
    pub provenance: Vec<Digest>,
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

/// An entry of an index that may be an image, or an index of images; attestations and other content
/// are left out.
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

/// Media types of manifests that may be those of an image. An entry of another type is skipped: "an
/// encountered mediaType that is unknown to the implementation MUST NOT generate an error" (OCI image
/// specification, "Image Index").
const MANIFEST_TYPES: [&str; 5] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
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
    layers: Option<Vec<Descriptor>>,
    annotations: Option<Annotations>,
}

type Annotations = BTreeMap<String, Option<String>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    artifact_type: Option<String>,
    digest: String,
    /// Any part of it may be missing; the configuration then says it.
    platform: Option<ImageConfig>,
    annotations: Option<Annotations>,
}

impl RegistryManifest {
    pub(crate) fn read(answer: &HttpAnswer, digest: Digest) -> Result<Self, FetchError> {
        let wire: WireManifest = answer.json()?;
        let revision = wire
            .annotations
            .as_ref()
            .and_then(|all| all.get(REVISION)?.clone());
        let descriptors = wire.manifests.iter().flatten();
        let layers = wire.layers.iter().flatten();
        Ok(Self {
            digest,
            revision: revision.filter(|revision| !revision.trim().is_empty()),
            attestations: descriptors.filter_map(Descriptor::attestation).collect(),
            provenance: layers.filter_map(Descriptor::provenance).collect(),
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
                .filter(|descriptor| descriptor.may_be_image())
                .map(|descriptor| descriptor.entry(answer));
            return Ok(ManifestKind::Index(entries.collect::<Result<_, _>>()?));
        }
        let Some(config) = self.config else {
            return Err(invalid(answer, "it has neither `manifests` nor `config`"));
        };
        let config_type = config.media_type.as_deref().unwrap_or_default();
        // Runtimes go by the configuration alone, whatever `artifactType` says next to it.
        if CONFIG_TYPES.contains(&config_type) {
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
            .map_err(|_| invalid(answer, "a digest in it is invalid"))
    }

    /// Returns whether the entry may be an image. BuildKit adds manifests that describe one: "any
    /// other `reference.type` value: ignore the manifest" (moby/buildkit,
    /// docs/attestations/attestation-storage.md). Others have a type of their own.
    fn may_be_image(&self) -> bool {
        let describes = |platform: &ImageConfig| {
            let unknown = Some("unknown");
            platform.os.as_deref() == unknown && platform.architecture.as_deref() == unknown
        };
        let is_attestation = self.platform.as_ref().is_some_and(describes)
            || self
                .annotations
                .as_ref()
                .is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
        let is_of = |text: &Option<String>, types: &[&str]| {
            let text = text.as_deref().unwrap_or_default();
            text.is_empty() || types.contains(&text)
        };
        !is_attestation
            && is_of(&self.artifact_type, &CONFIG_TYPES)
            && is_of(&self.media_type, &MANIFEST_TYPES)
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name)?.as_deref()
    }

    /// Returns the attestation that the entry is; one with an invalid digest proves nothing.
    fn attestation(&self) -> Option<Attestation> {
        let kind = self.annotation("vnd.docker.reference.type")?;
        let of = self.annotation("vnd.docker.reference.digest")?;
        (kind == "attestation-manifest").then_some(())?;
        Some(Attestation {
            digest: self.digest.parse().ok()?,
            of: of.parse().ok()?,
        })
    }

    /// Returns the digest of the layer, if it holds provenance.
    fn provenance(&self) -> Option<Digest> {
        let predicate_type = self.annotation("in-toto.io/predicate-type")?;
        is_provenance(predicate_type).then(|| self.digest.parse().ok())?
    }

    fn platform(&self) -> Option<Platform> {
        self.platform.as_ref()?.whole_platform()
    }
}

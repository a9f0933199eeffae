//! Images as values: their parts are built in memory, then pushed to a real registry.
//!
//! ```
//! use lab::Image;
//!
//! let image = Image::index()
//!     .platform("linux/amd64")
//!     .platform("linux/arm64")
//!     .attestations()
//!     .label("org.opencontainers.image.revision", "9b04d52a");
//! assert_eq!(image.build("data-literate/dex", "sha-9b04d52a").children.len(), 2);
//! ```

mod build;
mod digest;
mod layer;
mod parts;
mod schema1;

use std::collections::HashSet;

pub use digest::sha256;
pub use parts::{BuiltImage, ImageManifest, PlatformImage, media};

use crate::registry::Registry;

/// An image to build and push.
#[must_use = "build it, or push it"]
#[derive(Clone, Debug)]
pub struct Image {
    shape: Shape,
    platforms: Vec<String>,
    labels: Vec<Label>,
    annotations: Vec<(String, String)>,
    attestations: Option<Attestation>,
    created: String,
    docker: bool,
    zstd: bool,
    unmarked: bool,
}

/// The kind of manifest behind the tag.
#[derive(Clone, Debug)]
enum Shape {
    Index,
    Single,
    Schema1,
    Artifact {
        artifact_type: Option<String>,
        config_type: String,
        layer_type: String,
    },
}

/// A label, on one platform or on all.
#[derive(Clone, Debug)]
struct Label {
    platform: Option<String>,
    name: String,
    value: String,
}

impl Label {
    fn is_on(&self, platform: &str) -> bool {
        self.platform.as_deref().is_none_or(|own| own == platform)
    }
}

/// The builder's statement about the build.
#[derive(Clone, Debug)]
enum Attestation {
    /// Without a revision.
    Plain,
    /// From this revision, in SLSA provenance v1.
    V1(String),
    /// From this revision, in SLSA provenance v0.2.
    V02(String),
}

impl Image {
    /// Starts an index of several platforms; add them with [`Image::platform`].
    pub fn index() -> Self {
        Self::new(Shape::Index, Vec::new())
    }

    /// Starts an image of one platform without an index: only its config names the platform.
    pub fn single(platform: &str) -> Self {
        Self::new(Shape::Single, vec![platform.to_owned()])
    }

    /// Starts an image as Docker made them before 2017: manifest schema 1, signed.
    pub fn schema1() -> Self {
        Self::new(Shape::Schema1, vec!["linux/amd64".to_owned()])
    }

    /// Starts an artifact that is not an image: a Helm chart.
    pub fn helm() -> Self {
        let layer_type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
        Self::not_an_image(None, "application/vnd.cncf.helm.config.v1+json", layer_type)
    }

    /// Starts an artifact that has the config of an image but is none: a signature by cosign.
    pub fn cosign_signature() -> Self {
        Self::not_an_image(
            None,
            media::OCI_CONFIG,
            "application/vnd.dev.cosign.simplesigning.v1+json",
        )
    }

    /// Starts an artifact that is not an image: an OCI artifact of this type, with the empty
    /// config.
    pub fn artifact(artifact_type: &str) -> Self {
        Self::not_an_image(
            Some(artifact_type),
            media::EMPTY,
            "application/octet-stream",
        )
    }

    /// Adds a platform: `linux/amd64`, `linux/arm/v7`.
    pub fn platform(mut self, platform: &str) -> Self {
        self.platforms.push(platform.to_owned());
        self
    }

    /// Adds an attestation manifest (`unknown/unknown`) for each platform, as buildx does.
    pub fn attestations(mut self) -> Self {
        self.attestations.get_or_insert(Attestation::Plain);
        self
    }

    /// Adds attestations that name the commit, in SLSA provenance v1.
    pub fn provenance(mut self, revision: &str) -> Self {
        self.attestations = Some(Attestation::V1(revision.to_owned()));
        self
    }

    /// Adds attestations that name the commit, in the older SLSA provenance v0.2.
    pub fn provenance_v02(mut self, revision: &str) -> Self {
        self.attestations = Some(Attestation::V02(revision.to_owned()));
        self
    }

    /// Adds a label to the config of every platform.
    pub fn label(self, name: &str, value: &str) -> Self {
        self.labelled(None, name, value)
    }

    /// Adds a label to the config of one platform.
    pub fn label_on(self, platform: &str, name: &str, value: &str) -> Self {
        self.labelled(Some(platform.to_owned()), name, value)
    }

    /// Adds an annotation to the manifest that the tag stands for.
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the date of the build: two images that differ in this alone have different digests.
    pub fn created(mut self, date: &str) -> Self {
        date.clone_into(&mut self.created);
        self
    }

    /// Uses Docker's media types instead of OCI's.
    pub fn docker(mut self) -> Self {
        self.docker = true;
        self
    }

    /// Compresses the layer with zstd.
    pub fn zstd(mut self) -> Self {
        self.zstd = true;
        self
    }

    /// Leaves the platforms out of the index: only the configs name them.
    pub fn unmarked(mut self) -> Self {
        self.unmarked = true;
        self
    }

    /// Builds it and pushes it under a tag.
    ///
    /// # Panics
    ///
    /// With the registry's answer, if it rejects a part of the image.
    pub fn push(&self, registry: &Registry, repository: &str, tag: &str) -> PushedImage {
        let built = self.build(repository, tag);
        let mut sent = HashSet::new();
        for blob in &built.blobs {
            if sent.insert(sha256(blob)) {
                registry.put_blob(repository, blob);
            }
        }
        let (tagged, others) = built
            .manifests
            .split_last()
            .expect("an image has a manifest");
        for ImageManifest {
            media_type,
            bytes,
            digest,
        } in others
        {
            registry.put_manifest(repository, digest, media_type, bytes);
        }
        PushedImage {
            digest: registry.put_manifest(repository, tag, &tagged.media_type, &tagged.bytes),
            children: built.children,
            attestations: built.attestations,
        }
    }

    fn new(shape: Shape, platforms: Vec<String>) -> Self {
        Self {
            shape,
            platforms,
            labels: Vec::new(),
            annotations: Vec::new(),
            attestations: None,
            created: "2025-01-01T00:00:00Z".to_owned(),
            docker: false,
            zstd: false,
            unmarked: false,
        }
    }

    fn not_an_image(artifact_type: Option<&str>, config_type: &str, layer_type: &str) -> Self {
        let artifact_type = artifact_type.map(str::to_owned);
        let (config_type, layer_type) = (config_type.to_owned(), layer_type.to_owned());
        Self::new(
            Shape::Artifact {
                artifact_type,
                config_type,
                layer_type,
            },
            Vec::new(),
        )
    }

    fn labelled(mut self, platform: Option<String>, name: &str, value: &str) -> Self {
        self.labels.push(Label {
            platform,
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }
}

/// The digests of a pushed image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedImage {
    /// The digest behind the tag.
    pub digest: String,
    /// The images of the platforms, in their order; an image without an index has itself as its
    /// only child.
    pub children: Vec<PlatformImage>,
    /// The digests of the attestation manifests, in the order of the platforms.
    pub attestations: Vec<String>,
}

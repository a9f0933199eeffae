//! The parts of a built image: blobs and manifests, with their media types.

/// Media types.
pub mod media {
    /// An index of OCI.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A manifest of OCI.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// The config of an OCI image.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// Docker's name for an index.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// A manifest of Docker, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// The config of a Docker image.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// A signed manifest of Docker, schema 1.
    pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// The empty config of an artifact.
    pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
    /// A statement about a build.
    pub const IN_TOTO: &str = "application/vnd.in-toto+json";
}

/// The whole of an image.
#[derive(Clone, Debug, Default)]
pub struct BuiltImage {
    /// Configs, layers, statements.
    pub blobs: Vec<Vec<u8>>,
    /// All manifests; each stands after those it names, the one for the tag is the last.
    pub manifests: Vec<ImageManifest>,
    /// The images of the platforms.
    pub children: Vec<PlatformImage>,
    /// The digests of the attestation manifests.
    pub attestations: Vec<String>,
}

/// One manifest or index.
#[derive(Clone, Debug)]
pub struct ImageManifest {
    /// Its media type.
    pub media_type: String,
    /// The document.
    pub bytes: Vec<u8>,
    /// `sha256:…` of the document.
    pub digest: String,
}

/// The image of one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformImage {
    /// `linux/amd64`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The digest of its config.
    pub config_digest: String,
}

//! Asks a registry for manifests and configurations.

use contract::{Digest, Failure, Reference, World, asking};
use fetch::{FetchError, HttpAnswer};
use sha2::{Digest as _, Sha256};

use crate::{
    ImageConfig, RegistryManifest, RegistryOptions,
    access::{RepositoryAccess, RepositoryAnswer},
    provenance::Statement,
};

/// Media types in the order of preference. The list includes obsolete and foreign types, so that
/// the registry returns what it has: docker-registry 2.8 answers 404 when it has another type than
/// those that the request accepts.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v1+prettyjws";

/// The largest configuration to read; real ones have some kilobytes.
const MAX_CONFIG_SIZE: usize = 4 << 20;

/// The largest provenance to read; with `mode=max` it holds the whole build definition.
const MAX_PROVENANCE_SIZE: usize = 8 << 20;

/// One repository of a registry.
pub struct ImageRepository<'w> {
    access: RepositoryAccess<'w>,
    host: String,
    name: String,
    assume_public: bool,
}

/// The answer to a request for a manifest.
#[derive(Debug, Clone)]
pub enum ManifestAnswer {
    /// The registry has it.
    Found(Box<RegistryManifest>),
    /// The registry does not have it; with its own words.
    Absent(String),
}

impl<'w> ImageRepository<'w> {
    /// Prepares requests to the repository of an image; sends nothing.
    pub fn new(world: &'w World, image: &Reference, options: RegistryOptions) -> Self {
        let (host, name) = (image.registry(), image.repository());
        Self {
            host: host.to_owned(),
            name: name.to_owned(),
            assume_public: options.assume_public,
            access: RepositoryAccess::new(world, image, options),
        }
    }

    /// Asks for a manifest by tag or digest.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the registry requires other credentials.
    pub async fn manifest(&self, selector: &str) -> Result<ManifestAnswer, Failure> {
        let path = format!("/v2/{}/manifests/{selector}", self.name);
        match self.access.get(&path, ACCEPT, None).await? {
            RepositoryAnswer::Content(answer) => {
                let manifest = self.read(&answer, selector)?;
                Ok(ManifestAnswer::Found(Box::new(manifest)))
            }
            RepositoryAnswer::Absent(said) => Ok(ManifestAnswer::Absent(said)),
            RepositoryAnswer::Unauthorized(failure) if self.assume_public => {
                Ok(ManifestAnswer::Absent(failure.summary()))
            }
            RepositoryAnswer::Unauthorized(failure) => Err(failure),
        }
    }

    /// Asks for the configuration of an image; `None` when the registry does not have it.
    ///
    /// # Errors
    /// `unavailable` without an answer or with another digest, `denied` when the registry requires
    /// other credentials.
    pub async fn config(&self, digest: &Digest) -> Result<Option<ImageConfig>, Failure> {
        let path = format!("/v2/{}/blobs/{digest}", self.name);
        match self.access.get(&path, "*/*", Some(MAX_CONFIG_SIZE)).await? {
            RepositoryAnswer::Content(answer) => {
                self.verify(answer.body(), digest)?;
                Ok(Some(answer.json()?))
            }
            RepositoryAnswer::Absent(_) => Ok(None),
            RepositoryAnswer::Unauthorized(failure) => Err(failure),
        }
    }

    /// Asks for a layer with provenance, and returns the revision of the source that it names; `None`
    /// when it names none, or the registry does not have it.
    ///
    /// # Errors
    /// As for a configuration.
    pub async fn provenance(&self, layer: &Digest) -> Result<Option<String>, Failure> {
        let path = format!("/v2/{}/blobs/{layer}", self.name);
        match self
            .access
            .get(&path, "*/*", Some(MAX_PROVENANCE_SIZE))
            .await?
        {
            RepositoryAnswer::Content(answer) => {
                self.verify(answer.body(), layer)?;
                Ok(answer.json::<Statement>()?.revision())
            }
            RepositoryAnswer::Absent(_) => Ok(None),
            RepositoryAnswer::Unauthorized(failure) => Err(failure),
        }
    }

    /// Checks the digest of a manifest, and reads the manifest.
    fn read(&self, answer: &HttpAnswer, selector: &str) -> Result<RegistryManifest, Failure> {
        let digest = sha256(answer.body());
        if let Ok(requested) = selector.parse::<Digest>() {
            self.verify(answer.body(), &requested)?;
        } else if let Some(announced) = announced_digest(answer)
            && announced != digest.as_str()
        {
            return Err(mismatch(&self.host, announced, &digest));
        }
        Ok(RegistryManifest::read(answer, digest)?)
    }

    fn verify(&self, body: &[u8], expected: &Digest) -> Result<(), Failure> {
        let digest = sha256(body);
        // SHA-512 is registered but not in use; a digest that is not computed is not called wrong.
        if expected.algorithm() == "sha256" && digest != *expected {
            return Err(mismatch(&self.host, expected.as_str(), &digest));
        }
        Ok(())
    }
}

/// Returns the digest that the registry announces for a manifest, if it can be compared: a registry
/// may use another algorithm, and the digest of a signed schema 1 manifest leaves out its
/// signatures.
fn announced_digest(answer: &HttpAnswer) -> Option<&str> {
    let announced = answer.header("docker-content-digest")?;
    let content_type = answer.header("content-type").unwrap_or_default();
    let is_signed = content_type.contains("+prettyjws");
    (announced.starts_with("sha256:") && !is_signed).then_some(announced)
}

fn sha256(bytes: &[u8]) -> Digest {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // 64 lowercase digits are always a digest.
    format!("sha256:{hex}")
        .parse()
        .unwrap_or_else(|error| unreachable!("{error}"))
}

fn mismatch(host: &str, said: &str, digest: &Digest) -> Failure {
    let text = format!("digest mismatch: `{host}` sent {digest} for {said}");
    FetchError::new(asking::DIGEST_MISMATCH, text).into()
}

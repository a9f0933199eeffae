//! Asks a registry for manifests and configurations.

use contract::{Digest, Failure, Reference, World, asking};
use fetch::FetchError;
use sha2::{Digest as _, Sha256};

use crate::{
    RegistryOptions, access::RepositoryAccess, challenge, config::ImageConfig,
    manifest::RegistryManifest,
};

/// Media types in the order of preference. The old and the foreign ones are asked for as well, to
/// say what is there instead of "not found": docker-registry 2.8 answers 404 when the type that it
/// has was not asked for.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.artifact.manifest.v1+json, application/vnd.docker.distribution.manifest.v1+prettyjws";

/// What a configuration may weigh; real ones have some kilobytes.
const CONFIG_LIMIT: usize = 4 << 20;

/// One repository of a registry.
pub struct ImageRepository<'w> {
    world: &'w World,
    access: RepositoryAccess<'w>,
    host: String,
    name: String,
    assume_public: bool,
}

/// What a registry says when it is asked for a manifest.
#[derive(Debug, Clone)]
pub enum ManifestAnswer {
    /// Here it is.
    Found(Box<RegistryManifest>),
    /// It is not there; with the registry's own words.
    Absent(String),
}

impl<'w> ImageRepository<'w> {
    /// Prepares to ask for the images of a reference's repository; nothing is sent yet.
    pub fn new(world: &'w World, reference: &Reference, options: RegistryOptions) -> Self {
        let host = reference.registry().to_owned();
        let name = reference.repository().to_owned();
        let assume_public = options.assume_public;
        let access = RepositoryAccess::new(world, &host, &name, options);
        Self {
            world,
            access,
            host,
            name,
            assume_public,
        }
    }

    /// Asks for a manifest by tag or digest.
    ///
    /// # Errors
    /// When there was no answer, or the registry did not let us in.
    pub async fn manifest(&self, selector: &str) -> Result<ManifestAnswer, Failure> {
        let path = format!("/v2/{}/manifests/{selector}", self.name);
        let answer = match self.access.get(&path, ACCEPT, None).await {
            Err(failure) if self.assume_public && failure.reason == asking::NO_CREDENTIALS => {
                return Ok(ManifestAnswer::Absent(failure.summary()));
            }
            result => result?,
        };
        match answer.status() {
            200 => self
                .read(&answer, selector)
                .map(|manifest| ManifestAnswer::Found(Box::new(manifest))),
            404 => self.absent(&answer).map(ManifestAnswer::Absent),
            _ => Err(self.unexpected(&answer)),
        }
    }

    /// Asks for an image's configuration; `None` when it is not there.
    ///
    /// # Errors
    /// When there was no answer, or it is not what its digest says.
    pub async fn config(&self, digest: &Digest) -> Result<Option<ImageConfig>, Failure> {
        let path = format!("/v2/{}/blobs/{digest}", self.name);
        let answer = self.access.get(&path, "*/*", Some(CONFIG_LIMIT)).await?;
        match answer.status() {
            200 => {
                self.verify(answer.body(), digest)?;
                Ok(Some(answer.json().map_err(Failure::from)?))
            }
            404 => self.absent(&answer).map(|_| None),
            _ => Err(self.unexpected(&answer)),
        }
    }

    fn read(&self, answer: &fetch::Answer, selector: &str) -> Result<RegistryManifest, Failure> {
        let digest = sha256(answer.body());
        // By digest: what was asked for. By tag: what the registry says it sent.
        if let Ok(asked) = selector.parse::<Digest>() {
            self.verify(answer.body(), &asked)?;
        } else if let Some(said) = answer
            .header("docker-content-digest")
            .filter(|said| *said != digest.as_str())
        {
            // A registry may use another algorithm for the header, and the digest of a signed schema 1
            // manifest leaves its signatures out: those cannot be compared.
            let signed = answer
                .header("content-type")
                .is_some_and(|kind| kind.contains("+prettyjws"));
            if said.starts_with("sha256:") && !signed {
                return Err(mismatch(&self.host, said, &digest));
            }
        }
        RegistryManifest::read(answer, digest).map_err(Failure::from)
    }

    fn verify(&self, body: &[u8], wanted: &Digest) -> Result<(), Failure> {
        let digest = sha256(body);
        // SHA-512 is registered and used by nobody: what cannot be computed is not called wrong.
        let comparable = wanted.algorithm() == "sha256";
        if comparable && digest != *wanted {
            Err(mismatch(&self.host, wanted.as_str(), &digest))
        } else {
            Ok(())
        }
    }

    /// Takes a 404 for an answer only when the registry gives its reason in its own JSON.
    fn absent(&self, answer: &fetch::Answer) -> Result<String, Failure> {
        let errors = challenge::errors(answer.body());
        match errors.first() {
            Some(error) => Ok(error.to_string()),
            None => {
                let text = format!(
                    "{} answered 404 without a registry's reason{}",
                    answer.source(),
                    answer.quoted()
                );
                Err(FetchError::new(asking::NOT_THE_API, text).into())
            }
        }
    }

    fn unexpected(&self, answer: &fetch::Answer) -> Failure {
        let text = format!(
            "{} answered {}{}",
            answer.source(),
            answer.status(),
            answer.quoted()
        );
        Failure::from(FetchError::new(
            asking::NOT_THE_API,
            self.world.redact(&text),
        ))
    }
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

//! Asks the registry for the image, until the deadline if need be, and reads its parts.

mod index;
mod part;
mod provenance;
mod revision;

use std::time::Duration;

use contract::{Digest, Failure, World, asking};
use registry::{ImageRepository, ManifestAnswer, ManifestKind, RegistryManifest};

use self::index::{IndexContent, read_index};
pub(crate) use self::{
    part::{ImageDefect, ImagePart},
    revision::{NamedRevision, RevisionSource},
};
use crate::{Facts, RegistryImage, Request};

/// The pauses between two attempts, in seconds; the last one repeats.
const PAUSES: [u64; 5] = [2, 3, 5, 8, 15];

/// The answers of the registry.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) wait: ImageWait,
    pub(crate) state: ImageState,
}

/// How long the step asked for the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImageWait {
    pub(crate) attempts: u32,
    /// Seconds until the last attempt; `None` when the first attempt was the last.
    pub(crate) waited: Option<u64>,
}

/// The content that the requested tag or digest points to.
#[derive(Debug)]
pub(crate) enum ImageState {
    /// None: the registry does not have it, in its own words.
    Absent(String),
    /// The tag points to `found` and not to the requested digest. The step reads no further.
    OtherDigest { requested: Digest, found: Digest },
    /// A manifest of something other than an image; `kind` says of what.
    Foreign { digest: Digest, kind: String },
    /// An image: the digest that identifies all of it, and its parts.
    Image {
        digest: Digest,
        parts: Vec<ImagePart>,
    },
}

/// Asks for the image and, if the registry has it, for its parts.
pub(crate) async fn observe(request: &Request, world: &World) -> Result<Observation, Failure> {
    let repository = ImageRepository::new(world, &request.image, request.registry.clone());
    let (wait, answer) = ask(request, &repository, world).await?;
    let state = match (answer, request.image.digest()) {
        (ManifestAnswer::Absent(said), _) => ImageState::Absent(said),
        (ManifestAnswer::Found(manifest), Some(requested)) if *requested != manifest.digest => {
            ImageState::OtherDigest {
                requested: requested.clone(),
                found: manifest.digest,
            }
        }
        (ManifestAnswer::Found(manifest), _) => {
            learn(request, wait, Some(&manifest.digest), world);
            let mut state = read(request, *manifest, &repository).await?;
            redact_revisions(&mut state, world);
            state
        }
    };
    Ok(Observation { wait, state })
}

/// Returns the image with all of its platforms. Of an index it reads only the entries without a
/// platform.
pub(crate) async fn look_up(
    request: &Request,
    world: &World,
) -> Result<Option<RegistryImage>, Failure> {
    let repository = ImageRepository::new(world, &request.image, request.registry.clone());
    let answer = repository.manifest(request.image.selector()).await?;
    let ManifestAnswer::Found(manifest) = answer else {
        return Ok(None);
    };
    let digest = manifest.digest.clone();
    let parts = match manifest.kind {
        ManifestKind::Index(entries) => {
            let index = IndexContent {
                entries,
                attestations: manifest.attestations,
                revision: manifest.revision,
            };
            Some(read_index(request, index, true, &repository).await?)
        }
        ManifestKind::Image(config) => Some(vec![
            read_single(manifest.digest, config, false, &repository).await?,
        ]),
        ManifestKind::Schema1 | ManifestKind::Artifact(_) => None,
    };
    let platforms = parts.and_then(|parts| parts.into_iter().map(|part| part.platform).collect());
    Ok(Some(RegistryImage { digest, platforms }))
}

/// Asks for the tag or digest once, or until the deadline: a registry shows a tag seconds after the
/// push, and a build takes minutes.
async fn ask(
    request: &Request,
    repository: &ImageRepository<'_>,
    world: &World,
) -> Result<(ImageWait, ManifestAnswer), Failure> {
    let image = &request.image;
    // A tag wins over a digest next to it, so that a tag that moved is noticed.
    let selector = image.tag().map_or(image.selector(), |tag| tag.as_str());
    let mut attempts = 1;
    loop {
        let waited = (attempts > 1).then(|| world.deadline().elapsed().as_secs());
        let wait = ImageWait { attempts, waited };
        learn(request, wait, None, world);
        let result = repository.manifest(selector).await;
        let may_wait = request.waits && !world.deadline().is_over();
        let awaited = match &result {
            Ok(ManifestAnswer::Absent(_)) if may_wait => format!("`{image}` to appear: not found"),
            Err(failure) if may_wait && is_transient(failure) => {
                format!("`{}` to answer: {}", image.registry(), failure.reason)
            }
            _ => return Ok((wait, result?)),
        };
        world.waiting_for(awaited);
        world.sleep(pause(attempts, world)).await;
        attempts += 1;
    }
}

/// Keeps what is known so far for the report of a run that fails or is interrupted.
fn learn(request: &Request, wait: ImageWait, digest: Option<&Digest>, world: &World) {
    if request.is_own_run {
        world.learn(&Facts {
            attempts: Some(wait.attempts),
            waited: wait.waited,
            digest: digest.map(Digest::to_string),
            ..Facts::default()
        });
    }
}

/// Returns whether the failure may pass while the step waits. Rejected credentials stay rejected,
/// and a rate limit that `fetch` reports lasts longer than the step has time.
fn is_transient(failure: &Failure) -> bool {
    [asking::UNREACHABLE, asking::TIMED_OUT, asking::SERVER_ERROR].contains(&failure.reason)
}

fn pause(attempts: u32, world: &World) -> Duration {
    let index = (attempts as usize).min(PAUSES.len()) - 1;
    // Jitter: many runs that wait for the same build do not ask at the same time.
    Duration::from_secs(PAUSES[index]).mul_f64(0.75 + world.random() / 4.0)
}

/// Reads what a manifest refers to.
async fn read(
    request: &Request,
    manifest: RegistryManifest,
    repository: &ImageRepository<'_>,
) -> Result<ImageState, Failure> {
    let digest = manifest.digest;
    let kind = match manifest.kind {
        ManifestKind::Index(entries) => {
            let index = IndexContent {
                entries,
                attestations: manifest.attestations,
                revision: manifest.revision,
            };
            let parts = read_index(request, index, request.is_shallow, repository).await?;
            return Ok(ImageState::Image { digest, parts });
        }
        ManifestKind::Image(config) => {
            // Only the configuration tells the platform, so it is read where one is required.
            let is_shallow = request.is_shallow && request.platforms.is_empty();
            let mut part = read_single(digest.clone(), config, is_shallow, repository).await?;
            let annotation = |text: &String| NamedRevision::new(RevisionSource::Annotation, text);
            part.revisions
                .extend(manifest.revision.as_ref().map(annotation));
            let parts = vec![part];
            return Ok(ImageState::Image { digest, parts });
        }
        ManifestKind::Schema1 => "a legacy schema1 manifest".to_owned(),
        ManifestKind::Artifact(media_type) => format!("`{media_type}`"),
    };
    Ok(ImageState::Foreign { digest, kind })
}

/// The texts of labels are for people to read, whatever a registry puts into them.
fn redact_revisions(state: &mut ImageState, world: &World) {
    if let ImageState::Image { parts, .. } = state {
        for named in parts.iter_mut().flat_map(|part| &mut part.revisions) {
            named.text = world.redact(&named.text);
        }
    }
}

/// Reads an image without an index.
async fn read_single(
    manifest: Digest,
    config: Digest,
    is_shallow: bool,
    repository: &ImageRepository<'_>,
) -> Result<ImagePart, Failure> {
    let mut part = ImagePart {
        platform: None,
        manifest,
        config: Some(config.clone()),
        defect: None,
        revisions: Vec::new(),
    };
    if !is_shallow {
        part.read_config(&config, repository).await?;
    }
    Ok(part)
}

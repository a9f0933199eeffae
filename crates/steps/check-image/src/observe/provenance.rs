//! Reads BuildKit's provenance of the images whose labels and annotations are not enough.

use contract::{Digest, Failure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use registry::{Attestation, ImageRepository, ManifestAnswer};

use super::{
    part::ImagePart,
    revision::{NamedRevision, RevisionSource},
};
use crate::request::{RevisionMode, RevisionRequest};

/// How many attestations are read at the same time.
const MAX_CONCURRENT_READS: usize = 8;

/// Reads the provenance of the images whose labels and annotations are not enough.
pub(super) async fn read_provenance(
    request: &RevisionRequest,
    parts: &mut [ImagePart],
    attestations: &[Attestation],
    repository: &ImageRepository<'_>,
) -> Result<(), Failure> {
    let lacking = parts.iter().enumerate().filter(|(_, part)| {
        let is_enough = request.mode == RevisionMode::Label
            || (request.mode == RevisionMode::Any
                && part
                    .revisions
                    .iter()
                    .any(|named| named.names(&request.commit)));
        part.defect.is_none() && !is_enough
    });
    let reads: Vec<(usize, &Digest)> = lacking
        .flat_map(|(at, part)| {
            let of_part = attestations.iter().filter(|one| one.of == part.manifest);
            of_part.map(move |one| (at, &one.digest))
        })
        .collect();
    let found: Vec<(usize, Option<String>)> = stream::iter(reads)
        .map(async |(at, digest)| Ok::<_, Failure>((at, provenance(digest, repository).await?)))
        .buffered(MAX_CONCURRENT_READS)
        .try_collect()
        .await?;
    for (at, revision) in found {
        let named = revision.map(|text| NamedRevision::new(RevisionSource::Provenance, &text));
        parts[at].revisions.extend(named);
    }
    Ok(())
}

/// Returns the revision of an attestation. One that the registry does not have proves nothing, and
/// takes nothing from the image either.
async fn provenance(
    attestation: &Digest,
    repository: &ImageRepository<'_>,
) -> Result<Option<String>, Failure> {
    let ManifestAnswer::Found(manifest) = repository.manifest(attestation.as_str()).await? else {
        return Ok(None);
    };
    for layer in &manifest.provenance {
        if let Some(revision) = repository.provenance(layer).await? {
            return Ok(Some(revision));
        }
    }
    Ok(None)
}

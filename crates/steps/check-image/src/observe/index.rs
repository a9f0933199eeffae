//! Reads the images of an index, and of the indexes that it lists.

use contract::{Failure, Platform, asking};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use registry::{Attestation, ImageRepository, IndexEntry, ManifestAnswer, ManifestKind};

use super::{
    part::{ImageDefect, ImagePart},
    provenance::read_provenance,
    revision::{NamedRevision, RevisionSource},
};
use crate::Request;

/// How many manifests and configurations of an index are read: a hostile index lists thousands, which
/// would spend the registry's rate limit. Real ones list up to twenty.
const MAX_READ_ENTRIES: usize = 64;
/// How many of them are read at the same time.
const MAX_CONCURRENT_READS: usize = 8;
/// How many levels of indexes are read; real ones have one or two.
const MAX_LEVELS: usize = 4;

/// An entry of an index, and whether the registry is asked for it.
struct EntryRead {
    entry: IndexEntry,
    is_needed: bool,
}

/// An index: its entries, its attestations, and the revision that its annotation names.
pub(super) struct IndexContent {
    pub(super) entries: Vec<IndexEntry>,
    pub(super) attestations: Vec<Attestation>,
    pub(super) revision: Option<String>,
}

/// The content that an entry of an index points to.
enum EntryContent {
    Image(ImagePart),
    /// Another index (OCI image specification, "Image Index": nested indexes should be supported).
    Index(IndexContent),
    /// A chart, a signature, or the like, which an index may list next to its images.
    Other,
}

/// Reads the entries of an index, one level of nested indexes after the other. Registries keep an
/// index whose images were deleted.
pub(super) async fn read_index(
    request: &Request,
    index: IndexContent,
    is_shallow: bool,
    repository: &ImageRepository<'_>,
) -> Result<Vec<ImagePart>, Failure> {
    let (mut level, mut left) = (index.entries, MAX_READ_ENTRIES);
    let (mut parts, mut attestations) = (Vec::new(), index.attestations);
    for _ in 0..MAX_LEVELS {
        let reads = plan_reads(request, level, is_shallow, left)?;
        left -= count_needed(&reads);
        level = Vec::new();
        for content in read_level(request, reads, repository).await? {
            match content {
                EntryContent::Image(part) => parts.push(part),
                EntryContent::Index(inner) => {
                    level.extend(inner.entries);
                    attestations.extend(inner.attestations);
                }
                EntryContent::Other => {}
            }
        }
        if level.is_empty() {
            if let Some(revision) = &request.revision {
                add_annotation(&mut parts, index.revision.as_deref());
                read_provenance(revision, &mut parts, &attestations, repository).await?;
            }
            return Ok(parts);
        }
    }
    let image = &request.image;
    let text = format!("the index of {image} lists indexes in more than {MAX_LEVELS} levels");
    Err(Failure::unavailable(
        asking::NOT_THE_API,
        anyhow::anyhow!(text),
    ))
}

/// An annotation of the index is about each of its images.
fn add_annotation(parts: &mut [ImagePart], revision: Option<&str>) {
    let named = revision.map(|text| NamedRevision::new(RevisionSource::Annotation, text));
    for part in parts {
        part.revisions.extend(named.clone());
    }
}

/// Decides which entries of an index are read. Of an index that lists too many these are the ones of
/// the required platforms; of the others, one of each platform stays for the report.
fn plan_reads(
    request: &Request,
    entries: Vec<IndexEntry>,
    is_shallow: bool,
    left: usize,
) -> Result<Vec<EntryRead>, Failure> {
    // A platform that the index omits is read from the configuration; it is never assumed.
    let mut reads: Vec<_> = entries
        .into_iter()
        .map(|entry| EntryRead {
            is_needed: !is_shallow || entry.platform.is_none(),
            entry,
        })
        .collect();
    if count_needed(&reads) > left && !request.platforms.is_empty() {
        reads = only_required(&request.platforms, reads);
    }
    let count = count_needed(&reads) + MAX_READ_ENTRIES - left;
    if count <= MAX_READ_ENTRIES {
        return Ok(reads);
    }
    let (image, most) = (&request.image, MAX_READ_ENTRIES);
    let text = format!("the index of {image} lists {count} images to read, more than {most}");
    let failure = Failure::unavailable(asking::NOT_THE_API, anyhow::anyhow!(text));
    Err(failure.hinted("pass `--platform` to read only the images of the required platforms"))
}

fn count_needed(reads: &[EntryRead]) -> usize {
    reads.iter().filter(|read| read.is_needed).count()
}

fn only_required(required: &[Platform], reads: Vec<EntryRead>) -> Vec<EntryRead> {
    let mut others: Vec<Platform> = Vec::new();
    let mut kept = Vec::new();
    for read in reads {
        match &read.entry.platform {
            Some(platform) if !required.iter().any(|own| own.runs(platform)) => {
                if others.len() < MAX_READ_ENTRIES && !others.contains(platform) {
                    others.push(platform.clone());
                    let is_needed = false;
                    kept.push(EntryRead { is_needed, ..read });
                }
            }
            _ => kept.push(read),
        }
    }
    kept
}

async fn read_level(
    request: &Request,
    reads: Vec<EntryRead>,
    repository: &ImageRepository<'_>,
) -> Result<Vec<EntryContent>, Failure> {
    let contents = reads
        .into_iter()
        .map(|read| read_entry(request, read, repository));
    stream::iter(contents)
        .buffered(MAX_CONCURRENT_READS)
        .try_collect()
        .await
}

async fn read_entry(
    request: &Request,
    read: EntryRead,
    repository: &ImageRepository<'_>,
) -> Result<EntryContent, Failure> {
    let mut part = ImagePart {
        platform: read.entry.platform,
        manifest: read.entry.digest,
        config: None,
        defect: None,
        revisions: Vec::new(),
    };
    if !read.is_needed {
        return Ok(EntryContent::Image(part));
    }
    let manifest = match repository.manifest(part.manifest.as_str()).await? {
        ManifestAnswer::Found(manifest) => manifest,
        ManifestAnswer::Absent(_) => {
            part.defect = Some(ImageDefect::ManifestAbsent);
            return Ok(EntryContent::Image(part));
        }
    };
    let config = match manifest.kind {
        ManifestKind::Image(config) => config,
        ManifestKind::Index(entries) => {
            return Ok(EntryContent::Index(IndexContent {
                entries,
                attestations: manifest.attestations,
                revision: manifest.revision,
            }));
        }
        ManifestKind::Schema1 | ManifestKind::Artifact(_) => return Ok(EntryContent::Other),
    };
    let annotation = |text: &String| NamedRevision::new(RevisionSource::Annotation, text);
    part.revisions
        .extend(manifest.revision.as_ref().map(annotation));
    if part.platform.is_none() || request.revision.is_some() {
        part.read_config(&config, repository).await?;
    }
    // A signature claims to be an image, and no runtime takes it for one.
    if part.defect == Some(ImageDefect::NoPlatform) {
        return Ok(EntryContent::Other);
    }
    part.config = Some(config);
    Ok(EntryContent::Image(part))
}

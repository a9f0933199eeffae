//! Decides whether the image is the requested one, and complete for every required platform.

mod revision;

use contract::{Digest, Platform, Reason};

pub(crate) use self::revision::RevisionOutcome;
use crate::{
    Request,
    observe::{ImageDefect, ImagePart, ImageState, ImageWait, Observation},
    reasons::{DANGLING_INDEX, NOT_AN_IMAGE},
};

/// The outcome, and how long it took to learn it.
#[derive(Debug)]
pub(crate) struct Judgement<'o> {
    pub(crate) wait: ImageWait,
    pub(crate) outcome: ImageOutcome<'o>,
}

impl Judgement<'_> {
    /// Returns the revisions of the image for each judged platform, where the request asks for them.
    pub(crate) fn revisions(&self) -> impl Iterator<Item = &RevisionOutcome<'_>> {
        let platforms = match &self.outcome {
            ImageOutcome::Image { platforms, .. } => platforms.as_slice(),
            _ => &[],
        };
        platforms.iter().filter_map(|outcome| match outcome {
            PlatformOutcome::Complete { revision, .. } => revision.as_ref(),
            PlatformOutcome::OtherRevision { revision, .. } => Some(revision),
            _ => None,
        })
    }
}

/// How the image compares to the request.
#[derive(Debug)]
pub(crate) enum ImageOutcome<'o> {
    /// The registry does not have it, in its own words.
    Absent(&'o str),
    /// The tag points to `found` and no longer to `requested`.
    Moved {
        requested: &'o Digest,
        found: &'o Digest,
    },
    /// It is something other than an image; `kind` says what.
    Foreign { digest: &'o Digest, kind: &'o str },
    /// It is an image, which passes when `platforms` is not empty and all of them are complete.
    Image {
        digest: &'o Digest,
        parts: &'o [ImagePart],
        /// One for each required platform; without any, one for each part of the image.
        platforms: Vec<PlatformOutcome<'o>>,
    },
}

/// Whether the image can run on one platform.
#[derive(Debug)]
pub(crate) enum PlatformOutcome<'o> {
    Complete {
        part: &'o ImagePart,
        /// `None` when the request names no commit.
        revision: Option<RevisionOutcome<'o>>,
    },
    /// The image is complete, but does not name the commit.
    OtherRevision {
        part: &'o ImagePart,
        revision: RevisionOutcome<'o>,
        reason: Reason,
    },
    Broken {
        part: &'o ImagePart,
        defect: &'o ImageDefect,
        reason: Reason,
    },
    /// The image has no part for it.
    Missing(&'o Platform),
}

pub(crate) fn judge<'o>(request: &'o Request, observation: &'o Observation) -> Judgement<'o> {
    let outcome = match &observation.state {
        ImageState::Absent(said) => ImageOutcome::Absent(said),
        ImageState::OtherDigest { requested, found } => ImageOutcome::Moved { requested, found },
        ImageState::Foreign { digest, kind } => ImageOutcome::Foreign { digest, kind },
        ImageState::Image { digest, parts } => ImageOutcome::Image {
            digest,
            parts,
            platforms: platforms(request, parts),
        },
    };
    let wait = observation.wait;
    Judgement { wait, outcome }
}

fn platforms<'o>(request: &'o Request, parts: &'o [ImagePart]) -> Vec<PlatformOutcome<'o>> {
    if request.platforms.is_empty() {
        let outcomes = parts.iter().map(|part| PlatformOutcome::of(part, request));
        return outcomes.collect();
    }
    request
        .platforms
        .iter()
        .map(|platform| {
            find(parts, platform).map_or(PlatformOutcome::Missing(platform), |part| {
                PlatformOutcome::of(part, request)
            })
        })
        .collect()
}

/// Returns the part that a runtime pulls for a platform: that of the platform, or else of the latest
/// version that the platform runs.
fn find<'o>(parts: &'o [ImagePart], platform: &Platform) -> Option<&'o ImagePart> {
    let of = |part: &'o ImagePart| part.platform.as_ref().map(|own| (own, part));
    let known: Vec<(&Platform, &ImagePart)> = parts.iter().filter_map(of).collect();
    let exact = known.iter().find(|(own, _)| *own == platform);
    let runnable = known.iter().filter(|(own, _)| platform.runs(own));
    // Of several with one version, runtimes take the first.
    let found = exact.or_else(|| runnable.rev().max_by_key(|(own, _)| own.version()));
    found.map(|(_, part)| *part)
}

impl<'o> PlatformOutcome<'o> {
    fn of(part: &'o ImagePart, request: &Request) -> Self {
        if let Some(defect) = &part.defect {
            let reason = reason(defect);
            return Self::Broken {
                part,
                defect,
                reason,
            };
        }
        let Some(asked) = &request.revision else {
            let revision = None;
            return Self::Complete { part, revision };
        };
        let revision = revision::compare(asked, &part.revisions);
        match revision.reason(asked) {
            Some(reason) => Self::OtherRevision {
                part,
                revision,
                reason,
            },
            None => Self::Complete {
                part,
                revision: Some(revision),
            },
        }
    }
}

fn reason(defect: &ImageDefect) -> Reason {
    match defect {
        ImageDefect::ManifestAbsent | ImageDefect::ConfigAbsent(_) => DANGLING_INDEX,
        ImageDefect::NoPlatform => NOT_AN_IMAGE,
    }
}

#[cfg(test)]
mod tests {
    use registry::RegistryOptions;

    use super::*;
    use crate::reasons::PLATFORM_MISSING;

    fn request(platforms: &[&str]) -> Request {
        Request {
            image: "ghcr.io/data-literate/dex:v1".parse().unwrap(),
            platforms: platforms.iter().map(|text| text.parse().unwrap()).collect(),
            is_shallow: false,
            waits: false,
            is_own_run: true,
            revision: None,
            registry: RegistryOptions::default(),
        }
    }

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn part(platform: &str, defect: Option<ImageDefect>) -> ImagePart {
        ImagePart {
            platform: Some(platform.parse().unwrap()),
            manifest: digest(),
            config: None,
            defect,
            revisions: Vec::new(),
        }
    }

    fn observation(state: ImageState) -> Observation {
        let wait = ImageWait {
            attempts: 1,
            waited: None,
        };
        Observation { wait, state }
    }

    /// Judges an image of these parts and returns the reason for each platform.
    fn reasons(required: &[&str], parts: Vec<ImagePart>) -> Vec<Option<Reason>> {
        let (request, digest) = (request(required), digest());
        let observation = observation(ImageState::Image { digest, parts });
        match judge(&request, &observation).outcome {
            ImageOutcome::Image { platforms, .. } => platforms.iter().map(reason_of).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn reason_of(outcome: &PlatformOutcome<'_>) -> Option<Reason> {
        match outcome {
            PlatformOutcome::Complete { .. } => None,
            PlatformOutcome::OtherRevision { reason, .. }
            | PlatformOutcome::Broken { reason, .. } => Some(*reason),
            PlatformOutcome::Missing(_) => Some(PLATFORM_MISSING),
        }
    }

    #[test]
    fn a_required_platform_must_be_among_the_parts() {
        let parts = || vec![part("linux/amd64", None)];
        assert_eq!(reasons(&["linux/amd64"], parts()), [None]);
        assert_eq!(
            reasons(&["linux/amd64", "linux/arm64"], parts()),
            [None, Some(PLATFORM_MISSING)]
        );
    }

    #[test]
    fn a_platform_of_an_earlier_version_is_enough() {
        let broken = || part("linux/arm/v5", Some(ImageDefect::ManifestAbsent));
        let parts = || vec![broken(), part("linux/arm/v6", None)];
        assert_eq!(reasons(&["linux/arm/v7"], parts()), [None]);
        assert_eq!(reasons(&["linux/arm/v5"], parts()), [Some(DANGLING_INDEX)]);
        let later = vec![part("linux/arm/v7", None)];
        assert_eq!(reasons(&["linux/arm/v6"], later), [Some(PLATFORM_MISSING)]);
    }

    #[test]
    fn only_required_platforms_count() {
        let parts = || {
            vec![
                part("linux/amd64", None),
                part("linux/arm64", Some(ImageDefect::ManifestAbsent)),
            ]
        };
        assert_eq!(reasons(&["linux/amd64"], parts()), [None]);
        assert_eq!(reasons(&[], parts()), [None, Some(DANGLING_INDEX)]);
    }

    #[test]
    fn a_signature_is_no_image() {
        let parts = vec![part("linux/amd64", Some(ImageDefect::NoPlatform))];
        assert_eq!(reasons(&["linux/amd64"], parts), [Some(NOT_AN_IMAGE)]);
    }
}

//! The questions of the judge, each of which costs a request, and the registry's answer.

use branch::CommitName;
use contract::{Commit, Digest, Platform, Reference};
use overlay::OverlayRefusal;

/// A question about an overlay that the judge has before it can decide.
#[derive(Debug)]
pub(crate) enum RollbackQuestion {
    /// How does the commit of `--undo` relate to others?
    Ancestry {
        commit: CommitName,
        others: Vec<CommitName>,
    },
    /// Which are the two newest revisions of the file at this commit?
    Revisions(Commit),
    /// For which platforms is the bad image?
    Platforms(Box<BadImagePlatforms>),
    /// Does the registry still have the next candidate?
    Candidate(Box<CandidateCheck>),
}

/// The bad image, whose platforms the good one must have too.
#[derive(Debug)]
pub(crate) struct BadImagePlatforms {
    /// The image as the file names it.
    pub(crate) text: String,
    /// `None` for a text that is not a reference.
    pub(crate) image: Option<Reference>,
    /// Whether every candidate is in another repository, so that the bad image's may be out of
    /// reach.
    pub(crate) is_elsewhere: bool,
}

/// The bad image as its registry has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct BadImageAnswer {
    /// The platforms that the good image must have too; empty if they are not known.
    pub(crate) platforms: Vec<Platform>,
    pub(crate) digest: Option<Digest>,
}

/// An image that may be restored if the registry still has it.
#[derive(Debug)]
pub(crate) struct CandidateCheck {
    pub(crate) image: Reference,
    /// Whether the file itself names the digest, so that the tag does not matter.
    pub(crate) is_pinned: bool,
    pub(crate) platforms: Vec<Platform>,
}

/// The registry's answer about a candidate.
#[derive(Debug, Clone)]
pub(crate) enum CandidateAnswer {
    /// The registry has the image, pinned by its digest.
    Present(Reference),
    /// The image cannot be restored.
    Refused(OverlayRefusal),
}

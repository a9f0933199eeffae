//! Why `check-image` says no.

use contract::{
    Fault::{Change, Configuration},
    Reason,
};
pub use registry::reasons::{FIREWALL, PULL_BLOCKED};

/// The registry does not have the tag or digest.
pub const ABSENT: Reason = Reason::new(
    "absent",
    Change,
    "the registry says that it does not have the image",
);
/// The image lacks a required platform.
pub const PLATFORM_MISSING: Reason = Reason::new(
    "platform-missing",
    Change,
    "the image exists, but not for every required platform",
);
/// The registry has the index, but not everything that the index lists.
pub const DANGLING_INDEX: Reason = Reason::new(
    "dangling-index",
    Change,
    "the index exists, but an image that it lists is missing",
);
/// The tag or digest names something other than a container image.
pub const NOT_AN_IMAGE: Reason = Reason::new(
    "not-an-image",
    Change,
    "the registry has something other than a container image: a chart, a signature, schema 1",
);
/// The tag points to another digest than the requested one.
pub const TAG_MOVED: Reason = Reason::new(
    "tag-moved",
    Change,
    "the tag was pushed again and now points to another image",
);

/// The image names another commit. A wrong label is as likely as a wrong image.
pub const REVISION_MISMATCH: Reason = Reason::new(
    "revision-mismatch",
    Configuration,
    "the image names another commit than `--source-commit`",
);
/// The image names no commit.
pub const NO_REVISION: Reason = Reason::new(
    "no-revision",
    Configuration,
    "no label, annotation or provenance of the image names a commit",
);

/// The closed list.
pub const ALL: &[Reason] = &[
    ABSENT,
    PLATFORM_MISSING,
    DANGLING_INDEX,
    NOT_AN_IMAGE,
    TAG_MOVED,
    REVISION_MISMATCH,
    NO_REVISION,
    PULL_BLOCKED,
    FIREWALL,
];

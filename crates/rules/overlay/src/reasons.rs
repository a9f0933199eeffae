//! The reasons that all steps share that edit overlays.

use contract::{Fault::Configuration, Reason};

/// The overlay is missing, or not a file of this repository.
pub const OVERLAY_MISSING: Reason = Reason::new(
    "overlay-missing",
    Configuration,
    "an overlay is missing, or not a file of this repository",
);
/// The overlay has no entry for the image.
pub const IMAGE_MISSING: Reason = Reason::new(
    "image-missing",
    Configuration,
    "an overlay has no entry for the image",
);
/// More than one file, entry or value matches.
pub const AMBIGUOUS: Reason = Reason::new(
    "ambiguous",
    Configuration,
    "more than one file, entry or value matches",
);
/// A later entry overrides the one that would be edited.
pub const SHADOWED: Reason = Reason::new(
    "shadowed",
    Configuration,
    "a later entry overrides the one that would be edited",
);
/// The editor cannot change this file safely.
pub const UNSUPPORTED_YAML: Reason = Reason::new(
    "unsupported-yaml",
    Configuration,
    "the editor cannot change this file safely",
);
/// The image lacks the tag or the digest that the entry needs.
pub const INCOMPLETE_IMAGE: Reason = Reason::new(
    "incomplete-image",
    Configuration,
    "the entry needs a tag or a digest that the image lacks",
);

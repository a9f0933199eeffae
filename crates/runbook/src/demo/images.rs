//! The images of the story.

/// The commit whose image is deployed.
pub(crate) const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f80912233445";
/// The tag of that image.
pub(crate) const TAG: &str = "sha-1a2b3c4d";
/// The tag that the overlays set at first.
pub(crate) const FIRST_TAG: &str = "sha-0d9c8b7a";
/// A tag that was never pushed.
pub(crate) const MISSING_TAG: &str = "sha-99999999";

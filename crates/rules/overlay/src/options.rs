//! The rules that an edit follows.

/// Which of tag and digest an edit writes (`--pin`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pin {
    /// An entry without digest gets `newTag` only, one with both gets both as a unit, one with a
    /// digest alone gets the digest only: kustomize writes `name@digest`, so a tag would be a
    /// second line without effect.
    #[default]
    Keep,
    /// Sets the digest, and inserts it where it is missing; sets `newTag` too if the image has a
    /// tag.
    Digest,
    /// Sets `newTag` and deletes a `digest`. No other mode deletes one.
    Tag,
}

impl Pin {
    /// Returns the word of the flag: `keep`, `digest` or `tag`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Digest => "digest",
            Self::Tag => "tag",
        }
    }
}

/// The rules that an edit follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditOptions {
    /// Which of tag and digest the edit writes.
    pub pin: Pin,
    /// Allows another `newName` (`--rename`).
    pub rename: bool,
    /// Adds a missing entry (`--create`).
    pub create: bool,
    /// Sets every entry for the image instead of refusing several (`--all`).
    pub all: bool,
    /// Removes a `tagSuffix`, which a tag or digest leaves without effect (`--drop-suffix`).
    pub drop_suffix: bool,
}

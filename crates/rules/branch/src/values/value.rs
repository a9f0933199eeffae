//! A value of a file, and the mark on a bad one.

use contract::Commit;

use crate::{NamedImage, Trailers};

/// A value, from one commit to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageValue {
    /// Repository, tag and digest, as the file names them.
    pub image: String,
    /// The commit of the branch that brought it: the one that set it, or a merge.
    pub commit: Commit,
    /// The commit that set it.
    pub set_by: Commit,
    /// The date of the commit's author, in seconds since 1970.
    pub date: i64,
    /// The trailers of the commit that set it, as far as they are about this value.
    pub trailers: Trailers,
    /// How that commit came to set it.
    pub origin: ValueOrigin,
    /// The images that it replaced and called bad.
    pub undone: Vec<NamedImage>,
}

impl ImageValue {
    /// Returns whether a bump set it that has passed the checks for older and bad images.
    pub fn is_checked_bump(&self) -> bool {
        self.origin == ValueOrigin::Bump && !self.trailers.forced
    }
}

/// A rollback's mark on a bad image. Setting the value again on purpose lifts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMark {
    /// The image.
    pub image: NamedImage,
    /// The rollback.
    pub by: Commit,
    /// Whether only the title of that commit says that it is a rollback.
    pub in_doubt: bool,
}

/// How a commit came to set a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValueOrigin {
    /// By hand: the message says nothing about the value.
    #[default]
    Person,
    /// By a bump.
    Bump,
    /// By a rollback.
    Rollback,
    /// By a commit with the title of a rollback, but without its trailers.
    MaybeRollback,
}

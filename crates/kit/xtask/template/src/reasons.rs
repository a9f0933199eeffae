//! Why `check-sample` says no.

use contract::{Fault::Change, Reason};

/// The file does not exist.
pub const FILE_MISSING: Reason = Reason::new(
    "file-missing",
    Change,
    "the working directory does not have the file",
);
/// The file has no content.
pub const FILE_EMPTY: Reason = Reason::new("file-empty", Change, "the file exists, but is empty");

/// The closed list.
pub const ALL: &[Reason] = &[FILE_MISSING, FILE_EMPTY];

//! The reason that only git gives.

use contract::{Fault, Reason};

/// The git program is missing, or failed with an error that this crate does not know.
pub const GIT_FAILED: Reason = Reason::new(
    "git-failed",
    Fault::Environment,
    "git is missing, or failed with an unknown error",
);

//! The reasons that all steps share that write to a branch.

use contract::{
    Fault::{Configuration, Environment},
    Reason,
};

/// The remote has no such branch.
pub const BRANCH_MISSING: Reason = Reason::new(
    "branch-missing",
    Configuration,
    "the remote has no such branch",
);

/// A hook or rule of the remote declined the push.
pub const POLICY: Reason = Reason::new(
    "policy",
    Configuration,
    "a rule of the remote declined the push",
);

/// Another writer was faster at every attempt.
pub const CONTENDED: Reason = Reason::new(
    "contended",
    Environment,
    "others changed the branch first, until the deadline",
);

/// The disk is full or read-only, or permission is missing.
pub const NOT_WRITTEN: Reason = Reason::new(
    "not-written",
    Environment,
    "a file cannot be read or written: disk full, read-only, or no permission",
);

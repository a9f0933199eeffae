//! The reasons that all steps share that write to a branch.

use contract::{
    Fault::{Configuration, Environment},
    Reason,
};

/// There is no such branch.
pub const BRANCH_MISSING: Reason = Reason::new(
    "branch-missing",
    Configuration,
    "the remote has no such branch",
);

/// A hook or rule of the remote says no to what was pushed.
pub const POLICY: Reason = Reason::new(
    "policy",
    Configuration,
    "a rule of the remote declined the push",
);

/// Others were faster, every time.
pub const CONTENDED: Reason = Reason::new(
    "contended",
    Environment,
    "others changed the branch first, until the deadline",
);

/// The disk is full, read-only, or not ours.
pub const NOT_WRITTEN: Reason = Reason::new(
    "not-written",
    Environment,
    "a file could not be read or written: disk full, read-only, no right to",
);

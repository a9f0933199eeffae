//! The reasons of a registry that are neither "absent" nor about credentials.

use contract::{Fault::Configuration, Reason};

/// The registry has the image, and does not let it be pulled.
pub const PULL_BLOCKED: Reason = Reason::new(
    "pull-blocked",
    Configuration,
    "the registry does not let the image be pulled: a policy, a scan, a missing signature",
);
/// The registry does not let this machine ask, whatever its credentials.
pub const FIREWALL: Reason = Reason::new(
    "firewall",
    Configuration,
    "the registry does not let this machine's address or network in",
);

//! Why `plan-deploy` says no.

use branch::BRANCH_MISSING;
use contract::{Fault::Configuration, Reason};
use remote::{GIT_FAILED, TOO_LARGE};

/// No environment deploys the branch.
pub const NO_ENVIRONMENT: Reason = Reason::new(
    "no-environment",
    Configuration,
    "no environment deploys commits of the branch",
);
/// The repository does not have the commit.
pub const COMMIT_MISSING: Reason = Reason::new(
    "commit-missing",
    Configuration,
    "the repository of the source does not have the commit",
);

/// The branch of the environments does not have the commit.
pub const COMMIT_NOT_ON_BRANCH: Reason = Reason::new(
    "commit-not-on-branch",
    Configuration,
    "the commit is not on the branch that the environments deploy",
);

/// The closed list.
pub const ALL: &[Reason] = &[
    NO_ENVIRONMENT,
    COMMIT_MISSING,
    COMMIT_NOT_ON_BRANCH,
    BRANCH_MISSING,
    GIT_FAILED,
    TOO_LARGE,
];

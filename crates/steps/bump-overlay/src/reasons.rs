//! Why `bump-overlay` does not write.

use branch::{BRANCH_MISSING, CONTENDED, HISTORY_CUT, NOT_WRITTEN, POLICY};
use contract::{
    Fault::{Configuration, Nobody},
    Reason,
};
use overlay::reasons::{
    AMBIGUOUS, IMAGE_MISSING, INCOMPLETE_IMAGE, OVERLAY_MISSING, SHADOWED, UNSUPPORTED_YAML,
};
use remote::{GIT_FAILED, NEWER_IMAGE, NOT_MERGED, NOT_WANTED, TOO_LARGE, UNVERIFIED};

/// The image is an older build.
pub(crate) const STALE_SOURCE: Reason = Reason::new(
    "stale-source",
    Nobody,
    "the overlay already had an image that was built from a newer commit",
);
/// The image is bad.
pub(crate) const HELD: Reason = Reason::new(
    "held",
    Configuration,
    "a rollback called the image bad, and no later commit deployed it on purpose",
);

/// A freeze holds.
pub(crate) const FROZEN: Reason = Reason::new(
    "frozen",
    Nobody,
    "`.github/freeze.yaml` on the branch stops bumps of the environment for a time",
);
/// The file may say that a freeze holds.
pub(crate) const FREEZE_INVALID: Reason = Reason::new(
    "freeze-invalid",
    Configuration,
    "`.github/freeze.yaml` on the branch cannot be understood, so a freeze may hold",
);

/// The closed list.
pub(crate) const ALL: &[Reason] = &[
    OVERLAY_MISSING,
    IMAGE_MISSING,
    AMBIGUOUS,
    SHADOWED,
    UNSUPPORTED_YAML,
    INCOMPLETE_IMAGE,
    BRANCH_MISSING,
    POLICY,
    CONTENDED,
    NOT_WRITTEN,
    STALE_SOURCE,
    HELD,
    FROZEN,
    FREEZE_INVALID,
    HISTORY_CUT,
    UNVERIFIED,
    NOT_MERGED,
    NOT_WANTED,
    NEWER_IMAGE,
    GIT_FAILED,
    TOO_LARGE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_closed_and_none_blames_the_change() {
        let list: Vec<String> = ALL
            .iter()
            .map(|reason| format!("{reason} [{}]", reason.fault))
            .collect();
        insta::assert_snapshot!(list.join("\n"), @"
        overlay-missing [configuration]
        image-missing [configuration]
        ambiguous [configuration]
        shadowed [configuration]
        unsupported-yaml [configuration]
        incomplete-image [configuration]
        branch-missing [configuration]
        policy [configuration]
        contended [environment]
        not-written [environment]
        stale-source [nobody]
        held [configuration]
        frozen [nobody]
        freeze-invalid [configuration]
        history-cut [environment]
        unverified [configuration]
        not-merged [nobody]
        pull-request-closed [nobody]
        newer-image [nobody]
        git-failed [environment]
        question-too-large [environment]
        ");
    }
}

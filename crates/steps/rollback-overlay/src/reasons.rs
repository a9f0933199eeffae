//! Why `rollback-overlay` does not write.

use branch::{BRANCH_MISSING, CONTENDED, HISTORY_CUT, NOT_WRITTEN, POLICY};
use check_image::reasons::{ABSENT, DANGLING_INDEX, NOT_AN_IMAGE, PLATFORM_MISSING, TAG_MOVED};
use contract::{Fault::Configuration, Reason};
use overlay::reasons::{
    AMBIGUOUS, IMAGE_MISSING, INCOMPLETE_IMAGE, OVERLAY_MISSING, SHADOWED, UNSUPPORTED_YAML,
};
use remote::{GIT_FAILED, NEWER_IMAGE, NOT_MERGED, NOT_WANTED, TOO_LARGE, UNVERIFIED};

/// No earlier image is left to restore.
pub(crate) const NO_EARLIER_IMAGE: Reason = Reason::new(
    "no-earlier-image",
    Configuration,
    "the overlay never had another image, except those that a rollback called bad",
);
/// `--undo` names a commit that did not set the image of the overlay.
pub(crate) const NOT_IN_HISTORY: Reason = Reason::new(
    "not-in-history",
    Configuration,
    "the commit did not set the image of the overlay",
);

/// The image to restore is in another registry than the deployed one.
pub(crate) const OTHER_REGISTRY: Reason = Reason::new(
    "other-registry",
    Configuration,
    "the image to restore is in another registry, which only the file's history names",
);
/// The deployed image may be that of a rollback.
pub(crate) const IN_DOUBT: Reason = Reason::new(
    "rollback-in-doubt",
    Configuration,
    "the deployed image came with a rollback's title, but without its trailers",
);

/// The closed list.
pub(crate) const ALL: &[Reason] = &[
    NO_EARLIER_IMAGE,
    NOT_IN_HISTORY,
    OTHER_REGISTRY,
    IN_DOUBT,
    NEWER_IMAGE,
    ABSENT,
    PLATFORM_MISSING,
    DANGLING_INDEX,
    NOT_AN_IMAGE,
    TAG_MOVED,
    OVERLAY_MISSING,
    IMAGE_MISSING,
    AMBIGUOUS,
    SHADOWED,
    UNSUPPORTED_YAML,
    INCOMPLETE_IMAGE,
    BRANCH_MISSING,
    POLICY,
    CONTENDED,
    HISTORY_CUT,
    NOT_WRITTEN,
    UNVERIFIED,
    NOT_MERGED,
    NOT_WANTED,
    GIT_FAILED,
    TOO_LARGE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_a_closed_list() {
        let list: Vec<String> = ALL
            .iter()
            .map(|reason| format!("{reason} [{}]", reason.fault))
            .collect();
        insta::assert_snapshot!(list.join("\n"), @"
        no-earlier-image [configuration]
        not-in-history [configuration]
        other-registry [configuration]
        rollback-in-doubt [configuration]
        newer-image [nobody]
        absent [change]
        platform-missing [change]
        dangling-index [change]
        not-an-image [change]
        tag-moved [change]
        overlay-missing [configuration]
        image-missing [configuration]
        ambiguous [configuration]
        shadowed [configuration]
        unsupported-yaml [configuration]
        incomplete-image [configuration]
        branch-missing [configuration]
        policy [configuration]
        contended [environment]
        history-cut [environment]
        not-written [environment]
        unverified [configuration]
        not-merged [nobody]
        pull-request-closed [nobody]
        git-failed [environment]
        question-too-large [environment]
        ");
    }
}

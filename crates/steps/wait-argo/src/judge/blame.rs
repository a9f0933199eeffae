//! Whether a failure may be blamed on the commit.

use argocd::Application;
use contract::{Fault, Reason};
use pods::{ADMISSION, CLUSTER_POLICY};

use crate::{judge::revision, reasons::NEWER_COMMIT_FAILED, request::Request};

/// Returns the reason of a failure at the application's revision. At a descendant of the commit, the
/// later change may be what failed: nothing is proven against the commit.
pub(super) fn at_revision(request: &Request, app: &Application, reason: Reason) -> Reason {
    if reason.fault == Fault::Change && revision::is_descendant(request, app) {
        NEWER_COMMIT_FAILED
    } else {
        reason
    }
}

/// Returns the reason of a refusal by a policy: one that names the image is about the change.
pub(super) fn of_policy(request: &Request, reason: Reason, message: &str) -> Reason {
    match &request.image {
        Some(image) if reason == CLUSTER_POLICY && image.is_named_in(message) => ADMISSION,
        _ => reason,
    }
}

/// Returns what to do about a later commit that failed.
pub(super) fn newer_commit_hint(request: &Request) -> String {
    let commit = request.commit.short();
    format!(
        "find out which change failed: the later commit contains {commit}, so correct or revert \
         the one that is to blame"
    )
}

//! Whether a failure may be blamed on the commit.

use argocd::{Application, OperationState, ResourceResult};
use contract::{Fault, Reason};
use pods::{ADMISSION, CLUSTER_POLICY, IMAGE_NOT_FOUND, SIDECAR};

use crate::{
    judge::{
        history::ApplicationHistory,
        revision,
        rollout::is_late,
        sync_failure::{SyncFailure, identity},
    },
    reasons::{
        DEGRADED, DEGRADED_ELSEWHERE, FAILED_BEFORE, HOOK_FAILED, NEWER_COMMIT_FAILED, SYNC_ERROR,
    },
    request::Request,
};

/// Returns the reason of a failure at the application's revision. At a descendant of the commit, the
/// later change may be what failed: nothing is proven against the commit.
pub(super) fn at_revision(request: &Request, app: &Application, reason: Reason) -> Reason {
    if reason.fault == Fault::Change && revision::is_descendant(request, app) {
        NEWER_COMMIT_FAILED
    } else {
        reason
    }
}

/// Returns the reason of a failed sync. Where the image is known, neither a workload that does not run
/// it nor the image of a hook proves anything against the change.
pub(super) fn of_sync(
    request: &Request,
    history: &ApplicationHistory,
    failure: SyncFailure<'_>,
    state: &OperationState,
) -> Reason {
    let late = failure
        .resource
        .filter(|resource| is_late(&resource.message));
    if late.is_some_and(|late| history.is_ready(&late.kind, &late.name)) {
        return DEGRADED_ELSEWHERE;
    }
    let (Some(image), Some(resource)) = (&request.image, failure.resource) else {
        return of_policy(request, failure.reason, &state.message);
    };
    match failure.reason {
        DEGRADED if !history.runs_image(&resource.kind, &resource.name) => DEGRADED_ELSEWHERE,
        IMAGE_NOT_FOUND if !image.is_named_in(&resource.message) => SIDECAR,
        reason => of_policy(request, reason, &resource.message),
    }
}

/// Returns the reason of a failed hook: one of whose pods a node gave up, such as a spot node that
/// ended, may have failed for that alone.
pub(super) fn unless_given_up(
    history: &ApplicationHistory,
    failure: SyncFailure<'_>,
    reason: Reason,
) -> Reason {
    let was_given_up = |resource: &ResourceResult| {
        let name = format!("{}/{}", resource.kind, resource.name);
        history.given_up.contains(&name)
    };
    if reason == HOOK_FAILED && failure.resource.is_some_and(was_given_up) {
        SYNC_ERROR
    } else {
        reason
    }
}

/// Returns the reason of a failed sync: a resource that failed in the same way before the commit
/// proves nothing against the change.
pub(super) fn unless_failed_before(
    history: &ApplicationHistory,
    failure: SyncFailure<'_>,
    reason: Reason,
) -> Reason {
    let before = |resource| history.failed_before.contains(&identity(resource));
    if reason.fault == Fault::Change && failure.resource.is_some_and(before) {
        FAILED_BEFORE
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

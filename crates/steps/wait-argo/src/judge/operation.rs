//! What the application's last operation means for the commit.

use argocd::{Application, OperationState, ResourceResult};
use contract::Reason;
use pods::failed_create;

use crate::{
    judge::{
        decision::{Conclusion, WaitDecision},
        message::{hides_message, short, tidy},
        revision, window,
    },
    observe::{FollowUp, Observation},
    reasons::{HOOK_FAILED, NOT_SYNCED, SYNC_FAILED, WILL_NOT_RETRY},
    request::Request,
};

/// Parts of messages about errors that no retry can help.
const FINAL_ERRORS: [&str; 6] = [
    "field is immutable",
    "is not permitted in project",
    "denied the request",
    "is invalid:",
    "strict decoding error",
    "exceeded quota",
];

/// Describes the operation that runs, if one does.
pub(super) fn running(app: &Application) -> Option<String> {
    let state = app.status.operation_state.as_ref();
    let Some(state) = state.filter(|state| state.is_running()) else {
        let requested = app.operation.as_ref();
        return requested.map(|_| "a sync is requested".to_owned());
    };
    // Argo CD begins no other operation before this one ends (argo-cd#11494).
    let operation = match state.revisions().first() {
        Some(other) if state.revisions() != app.revisions() => {
            format!("a sync to {}", short(other))
        }
        _ => "its sync".to_owned(),
    };
    let message = tidy(&state.message);
    if state.finished_at.is_some() {
        return Some(format!("{operation} will be retried: {message}"));
    }
    let phase = state.phase.to_lowercase();
    Some(if message.is_empty() {
        format!("{operation} is {phase}")
    } else {
        format!("{operation} is {phase}: {message}")
    })
}

/// Judges the operation if it runs, or if it failed for this revision.
pub(super) fn judge(request: &Request, observation: &Observation) -> Option<WaitDecision> {
    let app = &observation.app;
    let here = here(request, app);
    let state = app.status.operation_state.as_ref();
    if let Some(operation) = running(app) {
        if let Some(state) = state.filter(|state| cannot_recover(state, app)) {
            return Some(failed(request, observation, &here, state));
        }
        // A hook, or a wave of the sync, may wait for a pod that never becomes ready.
        let text = format!("{here}, {operation}");
        return Some(WaitDecision::wait(
            NOT_SYNCED,
            text,
            vec![FollowUp::FailingPods],
        ));
    }
    let state = state.filter(|state| state.has_failed() && !state.is_dry_run())?;
    if state.revisions() != app.revisions() {
        return None;
    }
    if observation.operation_precedes_run() && request.sync {
        let here = format!("{here}, its sync had failed");
        return Some(window::request_sync(request, observation, &here));
    }
    Some(failed(request, observation, &here, state))
}

fn here(request: &Request, app: &Application) -> String {
    let at = revision::describe(request, app);
    format!("{} at {at}", app.status.sync.status)
}

/// Returns whether a sync to this revision waits for a retry that cannot help.
fn cannot_recover(state: &OperationState, app: &Application) -> bool {
    let is_final = FINAL_ERRORS.iter().any(|part| state.message.contains(part));
    is_final && state.finished_at.is_some() && state.revisions() == app.revisions()
}

fn failed(
    request: &Request,
    observation: &Observation,
    here: &str,
    state: &OperationState,
) -> WaitDecision {
    if observation.operation_precedes_run() && !state.is_running() {
        return will_not_retry(here, &state.message).into();
    }
    let results = match &state.sync_result {
        Some(result) => result.resources.as_slice(),
        None => &[],
    };
    if results.is_empty() && !observation.is_whole {
        let text = format!("its sync failed: {}", tidy(&state.message));
        return WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::WholeState]);
    }
    if let Some(hook) = results.iter().find(|result| is_failed_hook(result)) {
        return hook_failed(request, hook, state).into();
    }
    let failed = results.iter().find(|result| result.status == "SyncFailed");
    let message = match failed {
        Some(result) => {
            let message = tidy(&result.message);
            format!("{}/{}: {message}", result.kind, result.name)
        }
        None => tidy(&state.message),
    };
    let text = format!("could not be synced: {message}");
    Conclusion::refused(sync_failure(&message), text).into()
}

fn is_failed_hook(result: &ResourceResult) -> bool {
    !result.hook_type.is_empty() && matches!(result.hook_phase.as_str(), "Failed" | "Error")
}

fn hook_failed(request: &Request, hook: &ResourceResult, state: &OperationState) -> Conclusion {
    let message = if hook.message.is_empty() || hides_message(request, &hook.kind) {
        &state.message
    } else {
        &hook.message
    };
    let text = format!(
        "failed in its {} hook {}/{}: {}",
        hook.hook_type,
        hook.kind,
        hook.name,
        tidy(message)
    );
    Conclusion::refused(HOOK_FAILED, text)
}

/// Returns the reason of a failed sync: the quota and the admission rules of a cluster have their
/// own.
fn sync_failure(message: &str) -> Reason {
    if message.contains("denied the request") || message.contains("exceeded quota") {
        failed_create(message).map_or(SYNC_FAILED, |failure| failure.reason)
    } else {
        SYNC_FAILED
    }
}

/// Refuses a failed revision: Argo CD tries to sync each revision only once.
pub(super) fn will_not_retry(here: &str, message: &str) -> Conclusion {
    let message = tidy(message);
    let text = format!("is {here}, and Argo CD will not retry: {message}");
    Conclusion::refused(WILL_NOT_RETRY, text)
        .hinted("push a new commit, or sync it by hand: `argocd app sync APP`")
}

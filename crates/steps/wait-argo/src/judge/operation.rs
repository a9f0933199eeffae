//! The meaning of the application's last operation for the commit.

use argocd::{Application, OperationState};
use contract::{Fault, Reason};

use crate::{
    judge::{
        blame,
        decision::{Conclusion, WaitDecision},
        history::ApplicationHistory,
        message::{hides_message, out_of_sync, short, tidy},
        revision,
        sync_failure::{self, SyncFailure, sync_failure},
        window,
    },
    observe::{FollowUp, Observation},
    reasons::{
        FAILED_BEFORE, FIELD_CONFLICT, HOOK_FAILED, HOOK_TIMED_OUT, KIND_UNKNOWN,
        NAMESPACE_MISSING, NEWER_COMMIT_FAILED, NOT_SYNCED, SYNC_FORBIDDEN, SYNC_TERMINATED,
        SYNC_TIMED_OUT, WILL_NOT_RETRY,
    },
    request::Request,
};

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
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
) -> Option<WaitDecision> {
    let app = &observation.app;
    let here = here(request, app);
    let state = app.status.operation_state.as_ref();
    // What is applied and healthy is deployed, whatever happens to a part of it.
    let is_deployed = app.status.sync.status == "Synced" && app.status.health.status == "Healthy";
    let is_of_part = state.is_some_and(OperationState::is_partial)
        || app.operation.as_ref().is_some_and(is_partial);
    if is_deployed && is_of_part {
        return None;
    }
    if let Some(operation) = running(app) {
        let failed =
            unrecoverable(app).map(|state| failed(request, observation, history, &here, state));
        return Some(failed.unwrap_or_else(|| wait(request, observation, &here, &operation)));
    }
    let state = state.filter(|state| state.has_failed() && !state.is_dry_run())?;
    if state.revisions() != app.revisions() {
        return None;
    }
    if observation.operation_precedes_run() && request.sync {
        let here = format!("{here}, its sync had failed");
        return Some(window::request_sync(request, observation, &here));
    }
    Some(failed(request, observation, history, &here, state))
}

fn is_partial(operation: &argocd::RequestedOperation) -> bool {
    let sync = operation.sync.as_ref();
    sync.is_some_and(|sync| !sync.resources.is_empty())
}

fn wait(request: &Request, observation: &Observation, here: &str, operation: &str) -> WaitDecision {
    let state = observation.app.status.operation_state.as_ref();
    let is_blocked = state.is_some_and(|state| {
        state.is_running()
            && state
                .message
                .starts_with("Sync operation blocked by sync window")
    });
    if is_blocked {
        let window = format!(
            "its sync is blocked by a sync window{}",
            out_of_sync(observation)
        );
        return window::closed(request, here, &window, FollowUp::Windows);
    }
    // A hook, or a wave of the sync, may wait for a pod that never becomes ready.
    let text = format!("{here}, {operation}{}", out_of_sync(observation));
    WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::FailingPods])
}

fn here(request: &Request, app: &Application) -> String {
    let at = revision::describe(request, app);
    format!("{} at {at}", app.status.sync.status)
}

/// Returns the sync to this revision if it waits for a retry that cannot help.
fn unrecoverable(app: &Application) -> Option<&OperationState> {
    app.status.operation_state.as_ref().filter(|state| {
        let waits = state.is_running() && state.finished_at.is_some();
        let failure = sync_failure(state);
        let is_final = failure.is_final() && !awaits_definition(state, failure);
        waits && state.revisions() == app.revisions() && is_final
    })
}

/// Returns whether the cluster does not know a field of a custom resource: another application of the
/// same push may bring the newer definition (argo-cd#25064). The kinds of Kubernetes have theirs.
fn awaits_definition(state: &OperationState, failure: SyncFailure<'_>) -> bool {
    const WORDS: [&str; 2] = ["unknown field", "field not declared in schema"];
    let said = failure
        .resource
        .map_or(&state.message, |failed| &failed.message);
    WORDS.iter().any(|words| said.contains(words)) && !said.contains(" io.k8s.")
}

fn failed(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
    here: &str,
    state: &OperationState,
) -> WaitDecision {
    let has_results = state
        .sync_result
        .as_ref()
        .is_some_and(|result| !result.resources.is_empty());
    if !has_results && !observation.is_whole {
        let text = format!("its sync failed: {}", tidy(&state.message));
        return WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::WholeState]);
    }
    let failure = sync_failure(state);
    let reason = blame::of_sync(request, history, failure, state);
    let reason = blame::unless_given_up(history, failure, reason);
    let reason = blame::unless_failed_before(history, failure, reason);
    let reason = blame::at_revision(request, &observation.app, reason);
    if observation.operation_precedes_run() && !state.is_running() {
        return will_not_retry(request, here, reason, &state.message).into();
    }
    let text = text(request, failure, state);
    if reason == NEWER_COMMIT_FAILED {
        let at = revision::describe(request, &observation.app);
        return Conclusion::refused(reason, format!("{text} (at {at})"))
            .hinted(blame::newer_commit_hint(request))
            .into();
    }
    let conclusion = Conclusion::refused(reason, text);
    let said = failure
        .resource
        .map_or(&state.message, |failed| &failed.message);
    match hint_of_message(said).or_else(|| hint(reason)) {
        Some(hint) => conclusion.hinted(hint).into(),
        None => conclusion.into(),
    }
}

/// Returns what to do about a refusal whose words tell it.
fn hint_of_message(message: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 3] = [
        (
            "metadata.annotations: Too long",
            "set the sync option `ServerSideApply=true`: it keeps no copy of the manifest in an \
             annotation",
        ),
        (
            "field is immutable",
            "give the resource another name, or let Argo CD replace it: annotate it with \
             `argocd.argoproj.io/sync-options: Replace=true,Force=true`",
        ),
        (
            "is installed on the destination cluster",
            "use the `apiVersion` that this cluster has in the manifest",
        ),
    ];
    let mut hints = HINTS.iter();
    let found = hints.find(|(words, _)| message.contains(words));
    found.map(|(_, hint)| *hint)
}

/// Returns the resources that failed in the last sync, with their messages.
pub(super) fn failures(app: &Application) -> Vec<String> {
    let state = app.status.operation_state.as_ref();
    let state = state.filter(|state| state.has_failed() || state.finished_at.is_some());
    state.map_or_else(Vec::new, sync_failure::failed_resources)
}

/// Describes why a sync failed, with the resource that did.
fn text(request: &Request, failure: SyncFailure<'_>, state: &OperationState) -> String {
    let Some(result) = failure.resource else {
        return match failure.reason {
            SYNC_TERMINATED => format!("has a sync that was terminated: {}", tidy(&state.message)),
            _ => format!("could not be synced: {}", tidy(&state.message)),
        };
    };
    let is_hidden = result.message.is_empty() || hides_message(request, &result.kind);
    let message = tidy(if is_hidden {
        &state.message
    } else {
        &result.message
    });
    let name = format!("{}/{}", result.kind, result.name);
    match failure.reason {
        HOOK_FAILED | HOOK_TIMED_OUT => {
            format!("failed in its {} hook {name}: {message}", result.hook_type)
        }
        _ => format!("could not be synced: {name}: {message}"),
    }
}

fn hint(reason: Reason) -> Option<&'static str> {
    let hint = match reason {
        SYNC_TERMINATED => {
            "a person or a program ended the sync (`argocd app terminate-op`), and Argo CD does \
             not start it again by itself: sync it again, or run this step with `--sync`"
        }
        SYNC_TIMED_OUT => {
            "Argo CD ended the sync (`controller.sync.timeout.seconds`): find out what it waited \
             for, and sync it again"
        }
        NAMESPACE_MISSING => {
            "create the namespace, or set the sync option `CreateNamespace=true` of the application"
        }
        KIND_UNKNOWN => {
            "install the custom resource definition first, or set the sync option \
             `SkipDryRunOnMissingResource=true` if another application brings it"
        }
        FIELD_CONFLICT => {
            "leave that field to its manager: take it out of the manifests and list it in \
             `spec.ignoreDifferences`"
        }
        FAILED_BEFORE => {
            "it failed in the same way before this commit: correct that first, since the sync \
             cannot succeed before"
        }
        SYNC_FORBIDDEN => {
            "allow it in the project (`clusterResourceWhitelist`, `destinations`) or to the service \
             account with which Argo CD syncs"
        }
        reason if reason.fault == Fault::Environment => {
            "sync it again once that has passed: Argo CD tries each revision only as often as its \
             `retry` says"
        }
        _ => return None,
    };
    Some(hint)
}

/// Refuses a failed revision: Argo CD tries to sync each revision only once. The change is to blame
/// only if the failure proves that.
pub(super) fn will_not_retry(
    request: &Request,
    here: &str,
    reason: Reason,
    message: &str,
) -> Conclusion {
    let message = tidy(message);
    let text = format!("is {here}, and Argo CD will not retry: {message}");
    let reason = match reason.fault {
        Fault::Change => WILL_NOT_RETRY,
        _ => reason,
    };
    let conclusion = Conclusion::refused(reason, text);
    if reason == NEWER_COMMIT_FAILED {
        return conclusion.hinted(blame::newer_commit_hint(request));
    }
    conclusion.hinted("push a new commit, or sync it by hand: `argocd app sync APP`")
}

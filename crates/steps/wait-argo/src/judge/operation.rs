//! What the last operation of an application means for the commit.

use argocd::{Application, OperationState, ResourceResult};

use super::{Ask, Decision, Ending, tidy, waiting};
use crate::{
    known::Known,
    reasons::{HOOK_FAILED, NOT_SYNCED, SYNC_FAILED, WILL_NOT_RETRY},
    wanted::Wanted,
};

/// Returns what an operation that is under way does, for people.
pub(super) fn running(app: &Application) -> Option<String> {
    let Some(state) = app
        .status
        .operation_state
        .as_ref()
        .filter(|state| state.is_running())
    else {
        return app
            .operation
            .as_ref()
            .map(|_| "a sync was asked for".to_owned());
    };
    // Until it ends, nothing else is begun (argo-cd#11494).
    let which = match state.revisions().first() {
        Some(other) if state.revisions() != app.revisions() => {
            format!("a sync to {}", super::short(other))
        }
        _ => "its sync".to_owned(),
    };
    Some(match state.finished_at {
        Some(_) => format!("{which} is to be tried again: {}", tidy(&state.message)),
        None => format!(
            "{which} is {}{}",
            state.phase.to_lowercase(),
            said(&state.message)
        ),
    })
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {}", tidy(message))
    }
}

/// Decides on the operation, if there is one to decide on: it runs, or it failed for this revision.
pub(super) fn judge(wanted: &Wanted, known: &Known) -> Option<Decision> {
    let app = &known.app;
    let state = app.status.operation_state.as_ref();
    if let Some(what) = running(app) {
        let again = state
            .filter(|state| state.finished_at.is_some() && state.revisions() == app.revisions());
        let again = again.filter(|state| is_final(&state.message));
        return Some(match again {
            Some(state) => ended(wanted, known, state),
            // A hook, or a wave before the next one, may wait for a pod that never comes.
            None => waiting(
                NOT_SYNCED,
                format!("{}, {what}", here(wanted, known)),
                vec![Ask::Pods],
            ),
        });
    }
    let state = state.filter(|state| state.has_failed() && !state.is_dry_run())?;
    if state.revisions() != app.revisions() {
        return None;
    }
    if known.operation_is_older_than_us() && wanted.sync {
        return Some(super::sync_asked(
            wanted,
            known,
            &format!("{}, its sync had failed", here(wanted, known)),
        ));
    }
    Some(ended(wanted, known, state))
}

fn here(wanted: &Wanted, known: &Known) -> String {
    format!(
        "{} at {}",
        known.app.status.sync.status,
        super::at(wanted, known)
    )
}

/// What no second try helps against.
fn is_final(message: &str) -> bool {
    let finals = [
        "field is immutable",
        "is not permitted in project",
        "denied the request",
        "is invalid:",
        "strict decoding error",
        "exceeded quota",
    ];
    finals.iter().any(|it| message.contains(it))
}

fn ended(wanted: &Wanted, known: &Known, state: &OperationState) -> Decision {
    if known.operation_is_older_than_us() && !state.is_running() {
        return Decision::End(will_not_retry(&here(wanted, known), &state.message));
    }
    let results = state
        .sync_result
        .as_ref()
        .map(|result| result.resources.as_slice())
        .unwrap_or_default();
    if results.is_empty() && !known.is_whole {
        return waiting(
            NOT_SYNCED,
            format!("its sync failed: {}", tidy(&state.message)),
            vec![Ask::Whole],
        );
    }
    if let Some(hook) = results.iter().find(|result| is_failed_hook(result)) {
        let said = tidy(if hook.message.is_empty() {
            &state.message
        } else {
            &hook.message
        });
        let text = format!(
            "failed in its {} hook {}/{}: {said}",
            hook.hook_type, hook.kind, hook.name
        );
        return Decision::End(Ending::refused(HOOK_FAILED, text));
    }
    let failed = results.iter().find(|result| result.status == "SyncFailed");
    let said = failed.map_or_else(
        || tidy(&state.message),
        |it| format!("{}/{}: {}", it.kind, it.name, tidy(&it.message)),
    );
    // The cluster's quota and its rules have words of their own.
    let reason = pods::failed_create(&said)
        .filter(|_| says_admission(&said))
        .map_or(SYNC_FAILED, |it| it.reason);
    Decision::End(Ending::refused(
        reason,
        format!("could not be synced: {said}"),
    ))
}

fn says_admission(message: &str) -> bool {
    message.contains("denied the request") || message.contains("exceeded quota")
}

fn is_failed_hook(result: &ResourceResult) -> bool {
    !result.hook_type.is_empty() && matches!(result.hook_phase.as_str(), "Failed" | "Error")
}

/// Argo CD tries a failed revision once, whoever asks again.
pub(super) fn will_not_retry(here: &str, message: &str) -> Ending {
    let text = format!("is {here}, and Argo CD will not retry: {}", tidy(message));
    Ending::refused(WILL_NOT_RETRY, text)
        .hinted("push a new commit, or sync it by hand: `argocd app sync APP`")
}

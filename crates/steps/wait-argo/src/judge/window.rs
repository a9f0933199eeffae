//! Sync windows, and syncs that this run requests.

use argocd::{SyncWindow, SyncWindows};

use crate::{
    judge::decision::{Conclusion, WaitDecision},
    observe::{FollowUp, Observation},
    reasons::{DENY_WINDOW, NOT_SYNCED},
    request::Request,
};

/// Requests a sync: once, and again where Argo CD said why it could not start one.
pub(super) fn request_sync(
    request: &Request,
    observation: &Observation,
    here: &str,
) -> WaitDecision {
    let text = match &observation.sync_refused {
        None => format!("{here}, a sync is requested"),
        Some(message) if message.contains("sync window") => {
            return closed(request, here, message, FollowUp::Sync);
        }
        Some(message) => format!("{here}, and cannot be synced now: {message}"),
    };
    WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::Sync])
}

/// Waits for the end of a window if the request says so, and refuses otherwise.
pub(super) fn closed(
    request: &Request,
    here: &str,
    window: &str,
    follow_up: FollowUp,
) -> WaitDecision {
    if request.wait_window {
        return WaitDecision::wait(DENY_WINDOW, format!("{here}, {window}"), vec![follow_up]);
    }
    let hint =
        "pass `--wait-window` to wait for its end, or change `spec.syncWindows` of its project";
    Conclusion::refused(DENY_WINDOW, format!("is {here}, {window}"))
        .hinted(hint)
        .into()
}

/// Returns the window that blocks a sync, if one does: an active one that denies, or, where windows
/// allow syncs, the lack of an active one.
pub(super) fn blocking(windows: &SyncWindows) -> Option<String> {
    let mut active = windows.active_windows.iter();
    if let Some(deny) = active.clone().find(|window| window.kind == "deny") {
        return Some(format!("deny window {}", describe(deny)));
    }
    let allowing: Vec<String> = windows
        .assigned_windows
        .iter()
        .filter(|window| window.kind == "allow")
        .map(describe)
        .collect();
    if allowing.is_empty() || active.any(|window| window.kind == "allow") {
        return None;
    }
    Some(format!(
        "outside of its allow windows: {}",
        allowing.join(", ")
    ))
}

fn describe(window: &SyncWindow) -> String {
    format!("`{}` for {}", window.schedule, window.duration)
}

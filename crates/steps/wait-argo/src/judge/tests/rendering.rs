//! Comparisons that fail.

use super::*;
use crate::reasons::{REPOSITORY_DENIED, SYNC_FORBIDDEN};

const RENDER: &str = "Failed to load target state: failed to generate manifest for source 1 of 1: \
    rpc error: code = Unknown desc = failed to execute helm template command: failed running helm: \
    `helm template .` failed exit status 1: Error: nil pointer";

/// Judges a comparison error that began at this time of the day of the run, and has lasted for this
/// many seconds of the run, which began at ten.
fn fails(message: &str, began: &str, revision: &str, seconds: u64) -> WaitDecision {
    let error = json!([{
        "type": "ComparisonError", "message": message,
        "lastTransitionTime": format!("2026-01-01T{began}Z"),
    }]);
    let state = with(
        app("Unknown", revision, "Healthy"),
        "/status/conditions",
        error,
    );
    let again = with(
        state.clone(),
        "/status/reconciledAt",
        json!("2026-01-01T10:01:00Z"),
    );
    let mut observed = observed([state, again]);
    observed.observation.started_at = humantime::parse_rfc3339_weak("2026-01-01T10:00:00Z").ok();
    assert_eq!(waits(observed.judge(&request())).reason, NOT_COMPARED);
    observed.wait_until(seconds);
    observed.judge(&request())
}

#[test]
fn an_error_of_before_the_run_is_not_the_commits() {
    for (began, reason) in [
        ("09:59:30", RENDER_ERROR),
        ("10:00:10", RENDER_ERROR),
        ("09:20:00", FAILED_BEFORE),
    ] {
        let (found, text) = refused(fails(RENDER, began, "main", 20));
        assert!(found == reason && text.contains("nil pointer"), "{text}");
    }
}

#[test]
fn a_denied_repository_is_refused_after_a_minute() {
    let denied = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc \
                  error: code = Unknown desc = failed to list refs: authentication required";
    // The revision is the last one that was compared.
    waits(fails(denied, "10:00:00", B, 59));
    let conclusion = concluded(fails(denied, "10:00:00", B, 61));
    assert_eq!(conclusion.reason, Some(REPOSITORY_DENIED));
    assert!(conclusion.hints[0].contains("renew Argo CD's credentials"));
}

#[test]
fn the_scope_of_argo_cd_is_no_fault_of_the_commit() {
    let scope = "Failed to load live state: Cluster level Namespace \"dex\" can not be managed when \
                 in namespaced mode";
    let (reason, text) = refused(fails(scope, "10:00:00", C, 20));
    assert!(
        reason == SYNC_FORBIDDEN && text.contains("namespaced mode"),
        "{text}"
    );
}

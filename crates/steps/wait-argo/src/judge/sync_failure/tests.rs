use serde_json::{Value, json};

use super::*;
use crate::reasons::{DEGRADED, NOT_COMPARED, RENDER_ERROR, SYNC_FAILED};

fn state(phase: &str, message: &str, resources: &Value) -> OperationState {
    serde_json::from_value(json!({
        "phase": phase, "message": message, "syncResult": {"resources": resources},
    }))
    .unwrap()
}

fn reason(phase: &str, message: &str, resources: &Value) -> Reason {
    sync_failure(&state(phase, message, resources)).reason
}

#[test]
fn every_message_of_an_operation_has_its_reason() {
    for row in &MESSAGES {
        let expected = match row.meaning {
            Beginning::Reason(reason) => reason,
            Beginning::Terminated => SYNC_TERMINATED,
            Beginning::Resources => SYNC_FAILED,
            Beginning::Comparison => RENDER_ERROR,
        };
        let rest = match row.meaning {
            Beginning::Resources => ", reason: error validating data: unknown field",
            Beginning::Comparison => {
                "Failed to load target state: failed to generate manifest for source 1 of 1: rpc \
                 error: code = Unknown desc = x: app path does not exist"
            }
            _ => " (retried 5 times).",
        };
        for phase in ["Failed", "Error"] {
            let message = format!("{}{rest}", row.begin);
            let is_own = phase == "Error" && row.meaning == Beginning::Resources;
            let expected = if is_own { SYNC_ERROR } else { expected };
            assert_eq!(reason(phase, &message, &json!([])), expected, "{message}");
        }
        assert!(!row.source.is_empty());
    }
}

#[test]
fn who_ended_an_operation_is_told() {
    for (message, expected) in [
        ("Operation terminated", SYNC_TERMINATED),
        ("Operation terminated (retried 2 times).", SYNC_TERMINATED),
        ("Operation termination had errors", SYNC_TERMINATED),
        (
            "Operation terminated, triggered by controller sync timeout",
            SYNC_TIMED_OUT,
        ),
        ("operation is terminating due to timeout", SYNC_TIMED_OUT),
    ] {
        let hook = json!([{
            "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
            "message": "Terminated",
        }]);
        assert_eq!(reason("Failed", message, &hook), expected, "{message}");
    }
}

/// Returns the reason of a sync in which only this resource failed.
fn reason_of(failed: &Value) -> Reason {
    let message = "one or more synchronization tasks completed unsuccessfully";
    let good = json!({"kind": "Service", "name": "y", "status": "Synced", "hookPhase": "Running"});
    reason("Failed", message, &json!([good, failed]))
}

#[test]
fn a_hook_of_a_failed_sync_is_a_consequence() {
    let message = "one or more SyncFail hooks failed";
    let hook = json!({
        "kind": "Job", "name": "notify", "hookType": "SyncFail", "hookPhase": "Failed",
        "message": "Job has reached the specified backoff limit",
    });
    assert_eq!(reason("Failed", message, &json!([hook])), SYNC_ERROR);
    let unreachable = json!({
        "kind": "Service", "name": "dex", "status": "SyncFailed",
        "message": "failed calling webhook \"x\": context deadline exceeded",
    });
    let results = json!([hook, unreachable]);
    let state = state("Failed", message, &results);
    let failure = sync_failure(&state);
    assert_eq!(failure.reason, SYNC_ERROR);
    assert_eq!(failure.resource.unwrap().name, "dex");
}

#[test]
fn every_result_of_a_hook_has_its_reason() {
    let pulled = "Back-off pulling image \"x:1\": ErrImagePull: ";
    for (kind, phase, message, expected) in [
        (
            "Job",
            "Failed",
            "Job has reached the specified backoff limit",
            HOOK_FAILED,
        ),
        (
            "Job",
            "Failed",
            "Job was active longer than specified deadline",
            HOOK_TIMED_OUT,
        ),
        ("Job", "Failed", "Terminated", SYNC_TERMINATED),
        ("Job", "Error", "Terminated", SYNC_TERMINATED),
        ("Job", "Failed", "Failed to delete: x", SYNC_ERROR),
        ("Workflow", "Error", "child 'x' errored", HOOK_FAILED),
        (
            "Job",
            "Error",
            "failed to get resource health: x",
            SYNC_ERROR,
        ),
        ("Job", "Error", "Failed to get live resource x", SYNC_ERROR),
        (
            "Job",
            "Error",
            "Resource batch/Job/x is missing, it might have been deleted",
            SYNC_ERROR,
        ),
        (
            "Pod",
            "Failed",
            "back-off 10s restarting failed container=x",
            HOOK_FAILED,
        ),
        (
            "Pod",
            "Failed",
            &format!("{pulled}toomanyrequests: slow down"),
            ::pods::IMAGE_PULL,
        ),
        (
            "Pod",
            "Failed",
            &format!("{pulled}x:1: not found"),
            ::pods::IMAGE_NOT_FOUND,
        ),
    ] {
        let hook = json!({
            "kind": kind, "name": "x", "hookType": "Sync", "hookPhase": phase, "message": message,
        });
        assert_eq!(reason_of(&hook), expected, "{hook}");
    }
}

#[test]
fn a_hook_that_was_still_there_is_not_the_changes() {
    let immutable = "Job.batch \"x\" is invalid: spec.template: field is immutable";
    for (hook, expected) in [("PreSync", SYNC_ERROR), ("", SYNC_FAILED)] {
        let job = json!({
            "kind": "Job", "name": "x", "status": "SyncFailed", "hookType": hook,
            "message": immutable,
        });
        assert_eq!(reason_of(&job), expected, "{hook}");
    }
}

#[test]
fn every_result_of_a_resource_has_its_reason() {
    for (kind, status, phase, message, expected) in [
        (
            "Deployment",
            "Synced",
            "Failed",
            "progress deadline exceeded",
            DEGRADED,
        ),
        (
            "Certificate",
            "Synced",
            "Failed",
            "issuing",
            DEGRADED_ELSEWHERE,
        ),
        (
            "Service",
            "SyncFailed",
            "Failed",
            "Service \"x\" is invalid: y",
            SYNC_FAILED,
        ),
        (
            "Namespace",
            "SyncFailed",
            "Error",
            "namespaceModifier error: x",
            SYNC_ERROR,
        ),
        (
            "Service",
            "SyncFailed",
            "",
            "resource :Service is not permitted in project p",
            SYNC_FORBIDDEN,
        ),
        (
            "Service",
            "SyncFailed",
            "Failed",
            "something new",
            SYNC_ERROR,
        ),
    ] {
        let result = json!({
            "kind": kind, "name": "x", "status": status, "hookPhase": phase, "message": message,
        });
        assert_eq!(reason_of(&result), expected, "{result}");
    }
}

#[test]
fn a_proven_fault_of_the_change_comes_first() {
    let results = json!([
        {"kind": "A", "status": "SyncFailed", "message": "failed calling webhook \"x\""},
        {"kind": "B", "status": "SyncFailed", "message": "B \"x\" is invalid: y"},
    ]);
    let state = state("Failed", "one or more objects failed to apply", &results);
    let failure = sync_failure(&state);
    assert_eq!(failure.reason, SYNC_FAILED);
    assert_eq!(failure.resource.unwrap().kind, "B");
}

#[test]
fn a_sync_error_quotes_the_operation() {
    for (message, expected) in [
        (
            "Failed last sync attempt to [1a2b]: Operation terminated",
            SYNC_TERMINATED,
        ),
        (
            "Failed last sync attempt to [1a2b 3c4d]: one or more objects failed to apply, reason: \
             Service \"x\" is invalid: y",
            SYNC_FAILED,
        ),
        (
            "Failed last sync attempt to [1a2b]: ComparisonError: Failed to load live state: x",
            NOT_COMPARED,
        ),
        (
            "Skipping sync attempt to [1a2b]: auto-sync will wipe out all resources",
            RENDERS_NOTHING,
        ),
    ] {
        assert_eq!(sync_error_reason(message), expected, "{message}");
    }
}

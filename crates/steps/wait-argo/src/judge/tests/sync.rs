//! Operations, syncs and windows.

use super::*;

#[test]
fn an_earlier_failed_sync_is_retried_only_on_request() {
    let proven = "one or more objects failed to apply, reason: Service \"x\" is invalid: y";
    let failed = |message: &str| {
        with(
            app("OutOfSync", C, "Healthy"),
            "/status/operationState",
            with(operation("Failed", C), "/message", json!(message)),
        )
    };
    refuses(
        failed(proven),
        WILL_NOT_RETRY,
        "OutOfSync at cccccccc, and Argo CD will not retry: one or more",
    );
    for (message, reason) in [
        ("Operation terminated", SYNC_TERMINATED),
        ("one or more objects failed to apply", SYNC_ERROR),
    ] {
        refuses(failed(message), reason, "Argo CD will not retry");
    }
    for (revision, reason) in [(C, WILL_NOT_RETRY), (B, SYNC_ERROR)] {
        let message = format!("Failed last sync attempt to [{revision}]: {proven}");
        let error = json!([{"type": "SyncError", "message": message}]);
        refuses(
            with(app("OutOfSync", C, "Healthy"), "/status/conditions", error),
            reason,
            "Failed last sync attempt",
        );
    }
    let request = Request {
        sync: true,
        ..request()
    };
    let state = waits(observed([failed(proven)]).judge(&request));
    assert_eq!(state.follow_ups, [FollowUp::Sync]);
}

#[test]
fn a_terminated_sync_is_nobodys_fault() {
    let running = with(operation("Running", C), "/finishedAt", Value::Null);
    let before = app("OutOfSync", C, "Healthy");
    let ended = with(
        operation("Failed", C),
        "/message",
        json!("Operation terminated"),
    );
    let hook = json!([{
        "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "Terminated",
    }]);
    let states = [running, with(ended, "/syncResult/resources", hook)]
        .map(|operation| with(before.clone(), "/status/operationState", operation));
    let (reason, text) = refused(observed(states).judge(&request()));
    assert_eq!(
        (reason, text.as_str()),
        (
            SYNC_TERMINATED,
            "has a sync that was terminated: Operation terminated"
        )
    );
}

#[test]
fn an_operation_on_a_part_does_not_hide_a_deployment() {
    let resources = json!([{"kind": "ConfigMap", "name": "x"}]);
    for phase in ["Failed", "Running"] {
        let part = with(
            operation(phase, C),
            "/operation/sync/resources",
            resources.clone(),
        );
        let state = with(app("Synced", C, "Healthy"), "/status/operationState", part);
        let running = with(
            state.clone(),
            "/status/operationState/finishedAt",
            Value::Null,
        );
        passes(observed([state, running]).judge(&request()));
    }
    let failed = with(
        operation("Failed", C),
        "/operation/sync/resources",
        resources,
    );
    let state = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        failed,
    );
    refuses(state, SYNC_ERROR, "will not retry");
}

#[test]
fn what_stays_out_of_sync_is_named() {
    let resources = json!([
        {"kind": "Service", "name": "dex", "status": "Synced"},
        {"kind": "ConfigMap", "name": "mutated", "status": "OutOfSync"},
        {"kind": "Deployment", "name": "dex", "status": "OutOfSync"},
    ]);
    let healed = |second: u32| {
        let state = with(
            app("OutOfSync", C, "Healthy"),
            "/status/resources",
            resources.clone(),
        );
        let finished_at = json!(format!("2026-01-01T00:00:{second:02}Z"));
        let operation = with(operation("Succeeded", C), "/finishedAt", finished_at);
        with(state, "/status/operationState", operation)
    };
    let mut observed = observed([healed(10), healed(20), healed(30)]);
    observed.observation.windows = Some(SyncWindows::default());
    observed.judge(&request());
    observed.wait_until(30);
    let state = waits(observed.judge(&request()));
    assert_eq!(
        state.text,
        "OutOfSync at cccccccc; OutOfSync is ConfigMap/mutated and 1 more, although 2 syncs succeeded"
    );
    observed.observation.is_last = true;
    let hints = concluded(observed.judge(&request())).hints;
    assert!(hints[0].contains("spec.ignoreDifferences"), "{hints:?}");
}

#[test]
fn an_application_set_starts_the_sync_itself() {
    let manual = with(
        app("OutOfSync", C, "Healthy"),
        "/spec/syncPolicy",
        json!({"automated": {"enabled": false}}),
    );
    let owner = json!([{"kind": "ApplicationSet", "name": "shops"}]);
    let mut observed = observed([with(manual, "/metadata/ownerReferences", owner)]);
    let state = waits(observed.judge(&request()));
    assert_eq!(
        (state.reason, state.text.as_str()),
        (
            AWAITS_TURN,
            "OutOfSync at cccccccc, waits for its turn in ApplicationSet shops"
        )
    );
    assert_eq!(
        state.follow_ups,
        [FollowUp::ApplicationSet("shops".to_owned())]
    );
    let shown = |kind: &str| {
        let set = json!({
            "spec": {"strategy": {"type": kind}},
            "status": {"applicationStatus": [
                {"application": "dex-prod", "status": "Waiting", "step": "2"},
            ]},
        });
        Some(ObservedSet::Shown(serde_json::from_value(set).unwrap()))
    };
    observed.observation.application_set = shown("RollingSync");
    let state = waits(observed.judge(&request()));
    assert!(state.text.ends_with("shops (step 2, Waiting)"), "{state:?}");
    observed.observation.application_set = shown("");
    assert_eq!(refused(observed.judge(&request())).0, AUTO_SYNC_OFF);
}

#[test]
fn two_syncs_may_end_in_the_same_second() {
    let before = with(
        app("Synced", B, "Healthy"),
        "/status/operationState",
        operation("Succeeded", B),
    );
    let failed = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        operation("Failed", C),
    );
    let (reason, _) = refused(observed([before, failed]).judge(&request()));
    assert_eq!(reason, SYNC_ERROR, "it does not say why");
}

/// Judges a sync that fails for a resource during the run.
fn sync_fails(resource: Value) -> (Reason, String) {
    sync_fails_for(&request(), resource)
}

fn sync_fails_for(request: &Request, resource: Value) -> (Reason, String) {
    let operation = with(
        operation("Failed", C),
        "/syncResult/resources",
        json!([resource]),
    );
    let before = app("OutOfSync", C, "Healthy");
    let failed = with(before.clone(), "/status/operationState", operation);
    refused(observed([before, failed]).judge(request))
}

#[test]
fn a_pod_hooks_message_obeys_the_log_lines() {
    let hook = json!({
        "kind": "Pod", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "API_KEY=x",
    });
    for (log_lines, is_shown) in [(0, false), (25, true)] {
        let request = Request {
            log_lines,
            ..request()
        };
        let (reason, text) = sync_fails_for(&request, hook.clone());
        assert_eq!(reason, HOOK_FAILED);
        assert_eq!(text.contains("API_KEY"), is_shown, "{text}");
    }
}

#[test]
fn a_failed_sync_names_the_resource() {
    let (reason, text) = sync_fails(json!({
        "kind": "Deployment", "name": "dex", "status": "SyncFailed",
        "message": "error when patching \"/dev/shm/1782\": \
            Deployment.apps \"dex\" is invalid: field is immutable",
    }));
    assert_eq!(reason, SYNC_FAILED);
    assert!(
        text.contains("Deployment/dex: error: Deployment.apps \"dex\" is invalid"),
        "{text}"
    );
    let (reason, text) = sync_fails(json!({
        "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "Job has reached the specified backoff limit",
    }));
    assert!(
        reason == HOOK_FAILED && text.contains("PreSync hook Job/migrate: Job has reached"),
        "{text}"
    );
    let (reason, _) = sync_fails(json!({
        "kind": "Pod", "name": "x", "status": "SyncFailed",
        "message": "pods \"x\" is forbidden: exceeded quota: q",
    }));
    assert_eq!(reason, ::pods::QUOTA);
}

#[test]
fn a_running_sync_and_an_older_failure_decide_nothing() {
    let running = with(
        app("Synced", C, "Healthy"),
        "/status/operationState",
        operation("Running", C),
    );
    let running = with(running, "/status/operationState/finishedAt", Value::Null);
    let state = waits(judged(running));
    assert!(
        state.reason == NOT_SYNCED && state.text.contains("its sync is running"),
        "{state:?}"
    );
    assert_eq!(state.follow_ups, [FollowUp::FailingPods]);
    let requested = with(
        app("Synced", C, "Healthy"),
        "/operation",
        json!({"sync": {"revision": C}}),
    );
    assert_eq!(waits(judged(requested)).reason, NOT_SYNCED);
    passes(judged(with(
        app("Synced", C, "Healthy"),
        "/status/operationState",
        operation("Failed", B),
    )));
}

/// Judges a sync that waits for its next retry.
fn retries(message: &str) -> WaitDecision {
    let retry = with(operation("Running", C), "/message", json!(message));
    let before = app("OutOfSync", C, "Healthy");
    let retrying = with(before.clone(), "/status/operationState", retry);
    observed([before, retrying]).judge(&request())
}

#[test]
fn a_retry_is_awaited_unless_it_cannot_help() {
    let state = waits(retries(
        "dial tcp: connection refused. Retrying attempt #1 at 3:04PM.",
    ));
    assert!(state.text.contains("will be retried"), "{state:?}");
    let (reason, _) = refused(retries(
        "Deployment.apps \"dex\" is invalid: spec.selector: field is immutable. \
         Retrying attempt #1",
    ));
    assert_eq!(reason, SYNC_FAILED);
    let field = |kind: &str| {
        retries(&format!(
            "error validating data: ValidationError({kind}): unknown field \"x\" in {kind}. \
             Retrying attempt #1"
        ))
    };
    waits(field("com.example.v1.Shop.spec"));
    assert_eq!(refused(field("io.k8s.api.core.v1.Probe")).0, SYNC_FAILED);
}

#[test]
fn a_sync_to_another_commit_is_awaited() {
    let retry =
        json!("Deployment.apps \"dex\" is invalid: field is immutable. Retrying attempt #1");
    let state = waits(judged(with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        with(operation("Running", B), "/message", retry),
    )));
    assert!(
        state.reason == NOT_SYNCED && state.text.contains("a sync to bbbbbbbb will be retried"),
        "{state:?}"
    );
}

#[test]
fn a_dry_run_proves_nothing() {
    for phase in ["Succeeded", "Failed"] {
        let dry_run = with(operation(phase, C), "/operation/sync/dryRun", json!(true));
        let state = with(
            app("OutOfSync", C, "Healthy"),
            "/status/operationState",
            dry_run,
        );
        assert_eq!(waits(judged(state)).reason, NOT_SYNCED, "{phase}");
    }
}

#[test]
fn without_auto_sync_the_request_has_to_sync() {
    let manual = with(
        app("OutOfSync", C, "Healthy"),
        "/spec/syncPolicy",
        json!({}),
    );
    refuses(
        manual.clone(),
        AUTO_SYNC_OFF,
        "OutOfSync at cccccccc, auto-sync disabled",
    );
    let request = Request {
        sync: true,
        ..request()
    };
    let mut observed = observed([manual]);
    assert_eq!(waits(observed.judge(&request)).follow_ups, [FollowUp::Sync]);
    let window = "cannot sync: blocked by sync window";
    observed.observation.sync_refused = Some(window.to_owned());
    assert_eq!(refused(observed.judge(&request)).0, DENY_WINDOW);
    let busy = "another operation is already in progress";
    observed.observation.sync_refused = Some(busy.to_owned());
    let state = waits(observed.judge(&request));
    assert!(state.text.contains("another operation"), "{state:?}");
}

fn windows(value: Value) -> Option<SyncWindows> {
    Some(serde_json::from_value(value).unwrap())
}

#[test]
fn a_closed_window_refuses_or_is_awaited() {
    let mut observed = observed([app("OutOfSync", C, "Healthy")]);
    assert_eq!(waits(observed.judge(&request())).follow_ups, []);
    observed.wait_until(5);
    let state = waits(observed.judge(&request()));
    assert_eq!(state.follow_ups, [FollowUp::Windows]);
    let deny = json!({"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"});
    observed.observation.windows =
        windows(json!({"activeWindows": [deny], "assignedWindows": [deny]}));
    let (reason, text) = refused(observed.judge(&request()));
    assert!(
        reason == DENY_WINDOW && text.ends_with("deny window `0 22 * * *` for 8h"),
        "{text}"
    );
    let patient = Request {
        wait_window: true,
        ..request()
    };
    assert_eq!(waits(observed.judge(&patient)).reason, DENY_WINDOW);
    let allow = json!({"kind": "allow", "schedule": "0 9 * * *", "duration": "1h"});
    observed.observation.windows = windows(json!({"assignedWindows": [allow]}));
    let (_, text) = refused(observed.judge(&request()));
    assert!(text.contains("outside of its allow windows"), "{text}");
    observed.observation.windows =
        windows(json!({"activeWindows": [allow], "assignedWindows": [allow]}));
    assert_eq!(waits(observed.judge(&request())).reason, NOT_SYNCED);
}

#[test]
fn an_ended_operation_needs_a_later_version() {
    let ended = with(
        operation("Succeeded", C),
        "/finishedAt",
        json!("2026-01-01T00:00:10Z"),
    );
    let state = with(app("Synced", C, "Healthy"), "/status/operationState", ended);
    let waiting = waits(judged(state.clone()));
    assert!(
        waiting.text.ends_with("its operation has just ended"),
        "{waiting:?}"
    );
    assert_eq!(waiting.follow_ups, [FollowUp::Refresh]);
    passes(observed([state.clone(), state.clone()]).judge(&request()));
    let later = with(state, "/status/reconciledAt", json!("2026-01-01T00:00:11Z"));
    passes(judged(later));
}

#[test]
fn older_states_never_replace_newer_ones() {
    let mut observation = observed([
        app("Synced", B, "Healthy"),
        with(
            app("Synced", C, "Healthy"),
            "/status/resources",
            json!([{"kind": "Service"}]),
        ),
    ])
    .observation;
    let state = |revision, version| {
        let state = app("Synced", revision, "Healthy");
        serde_json::from_value(with(state, "/metadata/resourceVersion", json!(version))).unwrap()
    };
    assert!(!observation.update(state(B, "1"), true));
    assert!(
        !observation.update(state(C, "2"), false),
        "an event has no resources"
    );
    assert!(observation.update(state(C, "3"), false));
    assert!(!observation.is_whole && observation.app.status.resources.len() == 1);
}

#[test]
fn a_shared_resource_is_told_by_its_warning() {
    let warning = "ConfigMap/dex is part of applications argocd/dex-prod and other";
    let conditions = json!([
        {"type": "SharedResourceWarning", "message": "Secret/x is part of applications a and b"},
        {"type": "SharedResourceWarning", "message": warning},
    ]);
    let resources = json!([{"kind": "ConfigMap", "name": "dex", "status": "OutOfSync"}]);
    let state = with(
        app("OutOfSync", C, "Healthy"),
        "/status/conditions",
        conditions,
    );
    let mut observed = observed([with(state, "/status/resources", resources)]);
    observed.observation.windows = Some(SyncWindows::default());
    waits(observed.judge(&request()));
    observed.wait_until(20);
    let state = waits(observed.judge(&request()));
    assert!(
        state.reason == SHARED_RESOURCE && state.text.ends_with(warning),
        "{state:?}"
    );
    observed.observation.is_last = true;
    let conclusion = concluded(observed.judge(&request()));
    assert!(
        conclusion.hints[0].contains("two applications"),
        "{conclusion:?}"
    );
}

#[test]
fn the_words_of_a_refusal_tell_what_to_do() {
    for (message, hint) in [
        (
            "CustomResourceDefinition.apiextensions.k8s.io \"x\" is invalid: metadata.annotations: \
             Too long: must have at most 262144 bytes",
            "ServerSideApply=true",
        ),
        (
            "Job.batch \"migrate\" is invalid: spec.template: field is immutable",
            "Replace=true,Force=true",
        ),
        (
            "The Kubernetes API could not find version \"v\" of apps/Deployment for requested \
             resource shop/dex. Version \"v1\" of apps/Deployment is installed on the destination \
             cluster.",
            "`apiVersion`",
        ),
    ] {
        let result =
            json!([{"kind": "X", "name": "x", "status": "SyncFailed", "message": message}]);
        let failed = with(operation("Failed", C), "/syncResult/resources", result);
        let before = app("OutOfSync", C, "Healthy");
        let after = with(before.clone(), "/status/operationState", failed);
        let conclusion = concluded(observed([before, after]).judge(&request()));
        assert!(conclusion.hints[0].contains(hint), "{conclusion:?}");
    }
}

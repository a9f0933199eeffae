//! Which failures of a sync are proven to be the change's.

use super::*;

/// Judges a sync at a revision that fails during the run.
fn sync_at(revision: &str, message: &str, resources: Value) -> (Reason, String) {
    let failed = with(operation("Failed", revision), "/message", json!(message));
    let failed = with(failed, "/syncResult/resources", resources);
    let before = app("OutOfSync", revision, "Healthy");
    let after = with(before.clone(), "/status/operationState", failed);
    refused(observed([before, after]).judge(&request()))
}

#[test]
fn a_failure_of_a_later_commit_is_its_own() {
    let invalid = json!([{
        "kind": "Service", "name": "x", "status": "SyncFailed", "message": "Service \"x\" is invalid: y",
    }]);
    let hook = json!([{
        "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "Job has reached the specified backoff limit",
    }]);
    let wave = json!([{"kind": "Deployment", "name": "dex", "hookPhase": "Failed"}]);
    for (resources, reason) in [
        (invalid, SYNC_FAILED),
        (hook, HOOK_FAILED),
        (wave, DEGRADED),
    ] {
        let message = "one or more synchronization tasks completed unsuccessfully";
        assert_eq!(sync_at(C, message, resources.clone()).0, reason);
        let (found, text) = sync_at(D, message, resources);
        assert_eq!(found, NEWER_COMMIT_FAILED);
        assert!(
            text.ends_with("(at dddddddd, a descendant of cccccccc)"),
            "{text}"
        );
    }
    let terminated = sync_at(D, "Operation terminated", json!([]));
    assert_eq!(
        terminated.0, SYNC_TERMINATED,
        "the reason does not depend on the commit"
    );
}

#[test]
fn with_an_image_another_workload_proves_nothing() {
    let image = "ghcr.io/a/dex:v2".parse().unwrap();
    let image = ::pods::image::ImageMatcher::new(image, Vec::new(), Vec::new());
    let request = Request {
        image: Some(image),
        ..request()
    };
    let fails = |resource: &Value| {
        let failed = with(
            operation("Failed", C),
            "/syncResult/resources",
            json!([resource]),
        );
        let before = app("OutOfSync", C, "Healthy");
        let after = with(before.clone(), "/status/operationState", failed);
        let mut observed = observed([before, after]);
        observed.history.image_roots = vec!["Deployment/dex".to_owned()];
        observed.history.ready_roots = vec!["Rollout/dex".to_owned()];
        refused(observed.judge(&request)).0
    };
    let late = "ProgressDeadlineExceeded: ReplicaSet \"dex-5\" has timed out progressing.";
    let late = json!({"kind": "Rollout", "name": "dex", "hookPhase": "Failed", "message": late});
    assert_eq!(
        fails(&late),
        DEGRADED_ELSEWHERE,
        "all of its pods are healthy"
    );
    let wave = |name: &str| json!({"kind": "Deployment", "name": name, "hookPhase": "Failed"});
    assert_eq!(fails(&wave("dex")), DEGRADED);
    assert_eq!(fails(&wave("redis")), DEGRADED_ELSEWHERE);
    let pulling = |image: &str| {
        json!({
            "kind": "Pod", "name": "check", "hookType": "PostSync", "hookPhase": "Failed",
            "message": format!("Back-off pulling image \"{image}\": ErrImagePull: {image}: not found"),
        })
    };
    assert_eq!(fails(&pulling("ghcr.io/a/dex:v2")), ::pods::IMAGE_NOT_FOUND);
    assert_eq!(fails(&pulling("docker.io/curl:9")), ::pods::SIDECAR);
    let policy = |message: &str| json!({"kind": "Deployment", "name": "dex", "status": "SyncFailed", "message": message});
    let denied = "admission webhook \"v\" denied the request: ";
    let of_image = format!("{denied}ghcr.io/a/dex:v2 is not signed");
    assert_eq!(fails(&policy(&of_image)), ::pods::ADMISSION);
    let of_other = format!("{denied}label team is required");
    assert_eq!(fails(&policy(&of_other)), ::pods::CLUSTER_POLICY);
}

#[test]
fn an_earlier_failure_is_of_the_commit_that_it_names() {
    let proven = "one or more objects failed to apply, reason: Service \"x\" is invalid: y";
    for (failed, compared, reason) in [
        (C, C, WILL_NOT_RETRY),
        // The later commit changes nothing of the application.
        (C, D, WILL_NOT_RETRY),
        (D, D, NEWER_COMMIT_FAILED),
        (B, C, SYNC_ERROR),
        (B, D, SYNC_ERROR),
    ] {
        let message = format!("Failed last sync attempt to [{failed}]: {proven}");
        let error = json!([{"type": "SyncError", "message": message}]);
        let state = with(
            app("OutOfSync", compared, "Healthy"),
            "/status/conditions",
            error,
        );
        refuses(state, reason, "will not retry");
    }
    let failed = with(operation("Failed", D), "/message", json!(proven));
    let state = with(
        app("OutOfSync", D, "Healthy"),
        "/status/operationState",
        failed,
    );
    refuses(
        state,
        NEWER_COMMIT_FAILED,
        "OutOfSync at dddddddd, a descendant of cccccccc",
    );
}

#[test]
fn what_failed_before_the_commit_proves_nothing() {
    let result = |name: &str, message: &str| json!([{"kind": "Job", "name": name, "status": "SyncFailed", "message": message}]);
    let failed = |revision: &str, resources: Value| {
        let operation = with(
            operation("Failed", revision),
            "/syncResult/resources",
            resources,
        );
        with(
            app("OutOfSync", revision, "Healthy"),
            "/status/operationState",
            operation,
        )
    };
    let immutable = "Job.batch \"migrate\" is invalid: spec.template: field is immutable";
    let old = failed(B, result("migrate", immutable));
    for (name, message, reason) in [
        ("migrate", immutable, FAILED_BEFORE),
        (
            "migrate",
            "Job.batch \"migrate\" is invalid: y",
            SYNC_FAILED,
        ),
        ("import", immutable, SYNC_FAILED),
    ] {
        let mut observed = observed([]);
        observed.answer_ancestry(B, Ancestry::Ancestor, Some(true));
        observed.update(old.clone(), 0);
        waits(observed.judge(&request()));
        let path = format!("when patching \"/dev/shm/7\": {message}");
        let path = if reason == FAILED_BEFORE {
            message
        } else {
            &path
        };
        let new = with(
            failed(C, result(name, path)),
            "/metadata/resourceVersion",
            json!("2"),
        );
        let new = with(
            new,
            "/status/operationState/startedAt",
            json!("2026-01-01T00:01:00Z"),
        );
        observed.update(new, 60);
        assert_eq!(refused(observed.judge(&request())).0, reason, "{message}");
    }
}

#[test]
fn a_hook_whose_pod_was_evicted_proves_nothing() {
    let hook = json!([{
        "kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed",
        "message": "Job has reached the specified backoff limit",
    }]);
    let failed = with(operation("Failed", C), "/syncResult/resources", hook);
    let before = app("OutOfSync", C, "Healthy");
    let after = with(before.clone(), "/status/operationState", failed);
    let reason = |given_up: &[&str]| {
        let mut observed = observed([before.clone(), after.clone()]);
        let given_up = given_up.iter().map(|name| (*name).to_owned());
        observed.history.given_up = given_up.collect();
        refused(observed.judge(&request())).0
    };
    assert_eq!(reason(&[]), HOOK_FAILED);
    assert_eq!(reason(&["Job/import"]), HOOK_FAILED);
    assert_eq!(reason(&["Job/migrate"]), SYNC_ERROR);
}

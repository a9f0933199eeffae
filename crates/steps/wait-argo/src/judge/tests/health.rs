//! The health that counts.

use super::*;

#[test]
fn the_degraded_grace_begins_at_the_commit() {
    let resources = json!([{
        "kind": "HorizontalPodAutoscaler", "name": "dex", "status": "Synced",
        "health": {"status": "Degraded", "message": "unable to get metrics"},
    }]);
    let degraded = |revision| {
        let state = app("Synced", revision, "Degraded");
        with(state, "/status/resources", resources.clone())
    };
    let mut observed = observed([degraded(B)]);
    observed.wait_until(300);
    assert_eq!(waits(observed.judge(&request())).reason, OLD_REVISION);
    observed.update(
        with(degraded(C), "/metadata/resourceVersion", json!("9")),
        301,
    );
    let state = waits(observed.judge(&request()));
    assert!(
        state.reason == ::pods::NOT_READY
            && state
                .text
                .contains("HorizontalPodAutoscaler/dex: unable to get metrics"),
        "{state:?}"
    );
    assert_eq!(
        state.follow_ups,
        [FollowUp::FailingPods, FollowUp::WholeState]
    );
    observed.wait_until(331);
    assert_eq!(waits(observed.judge(&request())).reason, ::pods::NOT_READY);
    observed.wait_until(361);
    let (reason, text) = refused(observed.judge(&request()));
    assert!(
        reason == DEGRADED_ELSEWHERE && text.contains("HorizontalPodAutoscaler/dex"),
        "{text}"
    );
}

/// Judges an application that stays Degraded by this resource.
fn stays_degraded(kind: &str, before: &[Value]) -> Reason {
    stays_degraded_at(C, kind, before, &[])
}

/// The same at a revision, with resources whose pods run the image.
fn stays_degraded_at(revision: &str, kind: &str, before: &[Value], roots: &[&str]) -> Reason {
    let resources = json!([{"kind": kind, "name": "dex", "health": {"status": "Degraded"}}]);
    let degraded = app("Synced", revision, "Degraded");
    let state = with(degraded, "/status/resources", resources);
    let mut request = request();
    if !roots.is_empty() {
        let image = "ghcr.io/a/dex:v2".parse().unwrap();
        request.image = Some(::pods::image::ImageMatcher::new(
            image,
            Vec::new(),
            Vec::new(),
        ));
    }
    let mut observed = observed(before.iter().cloned());
    for (seconds, version) in [(20, "8"), (81, "9")] {
        observed.judge(&request);
        let state = with(state.clone(), "/metadata/resourceVersion", json!(version));
        observed.update(state, seconds);
    }
    observed.history.image_roots = roots.iter().map(|root| (*root).to_owned()).collect();
    observed.judge(&request);
    observed.wait_until(200);
    refused(observed.judge(&request)).0
}

#[test]
fn a_later_commit_is_proof_only_with_the_image() {
    let healthy = [app("Synced", B, "Healthy")];
    let degraded = |roots: &[&str]| stays_degraded_at(D, "Deployment", &healthy, roots);
    assert_eq!(degraded(&[]), NEWER_COMMIT_FAILED);
    assert_eq!(degraded(&["Deployment/dex"]), DEGRADED);
    assert_eq!(degraded(&["Deployment/other"]), DEGRADED_ELSEWHERE);
}

#[test]
fn the_change_is_blamed_only_for_a_new_failure() {
    let healthy = app("Synced", B, "Healthy");
    let degraded = app("Synced", B, "Degraded");
    let before = std::slice::from_ref(&healthy);
    assert_eq!(stays_degraded("Deployment", before), DEGRADED);
    assert_eq!(stays_degraded("Ingress", before), DEGRADED_ELSEWHERE);
    assert_eq!(
        stays_degraded("Deployment", &[degraded]),
        DEGRADED_ELSEWHERE
    );
}

#[test]
fn a_deadline_blames_no_change_whose_pods_are_all_healthy() {
    let late = "ProgressDeadlineExceeded: ReplicaSet \"dex-5\" has timed out progressing.";
    let of_deployment = "Deployment \"dex\" exceeded its progress deadline";
    for (kind, message) in [("Rollout", late), ("Deployment", of_deployment)] {
        let health = json!({"status": "Degraded", "message": message});
        let resources = json!([{"kind": kind, "name": "dex", "health": health}]);
        let state = app("Synced", C, "Degraded");
        let state = with(state, "/status/resources", resources);
        let root = format!("{kind}/dex");
        for is_ready in [true, false] {
            let mut observed = observed([app("Synced", B, "Healthy")]);
            for (seconds, version) in [(20, "8"), (81, "9")] {
                observed.judge(&request());
                let state = with(state.clone(), "/metadata/resourceVersion", json!(version));
                observed.update(state, seconds);
            }
            observed.history.ready_roots = Vec::from_iter(is_ready.then(|| root.clone()));
            observed.judge(&request());
            observed.wait_until(200);
            let decision = observed.judge(&request());
            if is_ready {
                let state = waits(decision);
                assert!(
                    state.reason == ::pods::NOT_READY
                        && state.text.to_lowercase().contains("deadline"),
                    "{state:?}"
                );
            } else {
                assert_eq!(refused(decision).0, DEGRADED, "{message}");
            }
        }
    }
}

#[test]
fn an_image_that_knative_cannot_fetch_says_why() {
    let image = |tag: &str| format!("ghcr.io/a/dex:{tag}");
    let judged = |tag: &str, cause: &str| {
        let message = format!(
            "ConfigurationsReady is False, since RevisionFailed. Revision \"dex-2\" failed with \
             message: Unable to fetch image \"{}\": failed to resolve image to digest: {cause}\n\
             Ready is False, since RevisionFailed. x",
            image(tag)
        );
        let health = json!({"status": "Degraded", "message": message});
        let resources = json!([{"kind": "Service", "name": "dex", "health": health}]);
        let state = with(app("Synced", C, "Degraded"), "/status/resources", resources);
        let mut request = request();
        let wanted = image("v2").parse().unwrap();
        let wanted = ::pods::image::ImageMatcher::new(wanted, Vec::new(), Vec::new());
        request.image = Some(wanted);
        let mut observed = observed([app("Synced", B, "Healthy")]);
        for (seconds, version) in [(20, "8"), (81, "9")] {
            observed.judge(&request);
            let state = with(state.clone(), "/metadata/resourceVersion", json!(version));
            observed.update(state, seconds);
        }
        observed.judge(&request);
        observed.wait_until(200);
        refused(observed.judge(&request)).0
    };
    let denied = "GET https://ghcr.io/token?scope=x: unexpected status code 401 Unauthorized";
    assert_eq!(judged("v2", denied), ::pods::IMAGE_PULL_DENIED);
    let missing = "HEAD https://ghcr.io/v2/a/dex/manifests/v2: unexpected status code 404 Not Found \
        (HEAD responses have no body, use GET for details)";
    assert_eq!(judged("v2", missing), ::pods::IMAGE_NOT_FOUND);
    let unknown = "GET https://ghcr.io/v2/a/dex/manifests/v2: MANIFEST_UNKNOWN: manifest unknown";
    assert_eq!(judged("v2", unknown), ::pods::IMAGE_NOT_FOUND);
    let late = "Get \"https://ghcr.io/v2/\": dial tcp: i/o timeout";
    assert_eq!(judged("v2", late), ::pods::IMAGE_PULL);
    assert_eq!(judged("v1", missing), DEGRADED_ELSEWHERE);
}

#[test]
fn a_suspended_cron_job_is_deployed() {
    let resources = json!([
        {"kind": "CronJob", "name": "nightly", "health": {"status": "Suspended"}},
        {"kind": "Deployment", "name": "dex", "health": {"status": "Healthy"}},
    ]);
    passes(judged(with(
        app("Synced", C, "Suspended"),
        "/status/resources",
        resources,
    )));
}

#[test]
fn a_paused_scaler_is_deployed_and_a_paused_rollout_is_not() {
    let suspended = |kind: &str| {
        let resources = json!([{"kind": kind, "name": "dex", "health": {"status": "Suspended"}}]);
        judged(with(
            app("Synced", C, "Suspended"),
            "/status/resources",
            resources,
        ))
    };
    passes(suspended("ScaledObject"));
    assert_eq!(waits(suspended("Rollout")).reason, ::pods::NOT_READY);
}

#[test]
fn what_is_no_workload_can_be_left_out() {
    for (kind, hints) in [("Ingress", 1), ("Deployment", 0)] {
        let resources = json!([{"kind": kind, "name": "dex", "health": {"status": "Progressing"}}]);
        let state = app("Synced", C, "Progressing");
        let mut observed = observed([with(state, "/status/resources", resources)]);
        waits(observed.judge(&request()));
        observed.observation.is_last = true;
        let conclusion = concluded(observed.judge(&request()));
        assert_eq!(conclusion.hints.len(), hints, "{conclusion:?}");
    }
}

#[test]
fn workload_health_ignores_an_ingress_without_an_address() {
    let resources = json!([
        {"kind": "Ingress", "name": "dex", "health": {"status": "Progressing"}},
        {"kind": "Deployment", "name": "dex", "health": {"status": "Healthy"}},
    ]);
    let state = with(
        app("Synced", C, "Progressing"),
        "/status/resources",
        resources,
    );
    let text = waits(judged(state.clone())).text;
    assert!(
        text.ends_with("Progressing: Ingress/dex: no address yet"),
        "{text}"
    );
    let request = Request {
        health_scope: HealthScope::Workloads,
        ..request()
    };
    passes(observed([state]).judge(&request));
}

#[test]
fn a_paused_deployment_refuses_and_a_suspended_rollout_waits() {
    let suspended = |kind: &str| {
        let resources = json!([{"kind": kind, "name": "dex", "health": {"status": "Suspended"}}]);
        with(
            app("Synced", C, "Suspended"),
            "/status/resources",
            resources,
        )
    };
    refuses(
        suspended("Deployment"),
        ::pods::PAUSED,
        "Deployment/dex is paused",
    );
    let state = waits(judged(suspended("Rollout")));
    assert_eq!(state.reason, ::pods::NOT_READY);
    assert!(state.text.ends_with("Suspended: Rollout/dex"), "{state:?}");
}

#[test]
fn a_pods_health_message_obeys_the_log_lines() {
    let resources = json!([{
        "kind": "Pod", "name": "migrate", "status": "Synced",
        "health": {"status": "Degraded", "message": "API_KEY=x"},
    }]);
    let state = with(app("Synced", C, "Degraded"), "/status/resources", resources);
    let mut observed = observed([state]);
    for (log_lines, is_shown) in [(0, false), (25, true)] {
        let request = Request {
            log_lines,
            ..request()
        };
        let text = waits(observed.judge(&request)).text;
        assert!(text.contains("Pod/migrate"), "{text}");
        assert_eq!(text.contains("API_KEY"), is_shown, "{text}");
    }
}

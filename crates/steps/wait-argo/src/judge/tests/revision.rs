//! At which revision an application is, and whether that can change.

use super::*;

#[test]
fn the_commit_and_its_descendants_are_deployed() {
    let deployed = concluded(judged(app("Synced", C, "Healthy")));
    assert_eq!(deployed.text, "deployed cccccccc");
    let later = concluded(judged(app("Synced", D, "Healthy")));
    assert_eq!(
        (later.verdict, later.text.as_str()),
        (
            Verdict::Passed,
            "deployed dddddddd, a descendant of cccccccc"
        )
    );
}

#[test]
fn at_the_old_revision_nothing_passes() {
    let state = waits(judged(app("Synced", B, "Healthy")));
    assert_eq!(
        (state.reason, state.text.as_str()),
        (OLD_REVISION, "still at bbbbbbbb, cccccccc is not there")
    );
    assert_eq!(state.follow_ups, [FollowUp::Refresh]);
    let unknown = "e".repeat(40);
    let state = waits(judged(app("Synced", &unknown, "Healthy")));
    assert_eq!(
        (state.reason, state.follow_ups),
        (OLD_REVISION, vec![ask_ancestry(&unknown)])
    );
    for nothing in ["", "main"] {
        let state = waits(judged(app("Synced", nothing, "Healthy")));
        assert_eq!(state.reason, OLD_REVISION);
    }
}

#[test]
fn a_refresh_without_a_comparison_is_not_processed() {
    let mut observed = observed([app("Synced", B, "Healthy")]);
    observed.observation.requested_refreshes = 3;
    observed.observation.answered_refreshes = 3;
    let state = waits(observed.judge(&request()));
    assert!(state.text.ends_with("refresh not processed, asked 3 times"));
    let again = with(
        app("Synced", B, "Healthy"),
        "/status/reconciledAt",
        json!("2026-01-01T00:01:00Z"),
    );
    observed.update(with(again, "/metadata/resourceVersion", json!("9")), 0);
    let state = waits(observed.judge(&request()));
    assert!(state.text.ends_with("refreshed 3 times"));
}

#[test]
fn a_commit_is_gone_after_two_answers() {
    let mut observed = observed([app("Synced", B, "Healthy")]);
    observed.answer_ancestry(B, Ancestry::Diverged, Some(false));
    observed.observation.answered_refreshes = 1;
    observed.observation.branch_misses = 1;
    assert_eq!(
        waits(observed.judge(&request())).follow_ups,
        [FollowUp::Refresh, ask_ancestry(B)]
    );
    observed.observation.branch_misses = 2;
    let (reason, text) = refused(observed.judge(&request()));
    assert_eq!(reason, COMMIT_GONE);
    assert!(text.ends_with("cccccccc is no longer in main"), "{text}");
}

#[test]
fn a_long_wait_asks_again_about_the_branch() {
    let mut observed = observed([app("Synced", B, "Healthy")]);
    let first = waits(observed.judge(&request())).follow_ups;
    assert!(!first.contains(&ask_ancestry(B)));
    observed.wait_until(10);
    let later = waits(observed.judge(&request())).follow_ups;
    assert!(later.contains(&ask_ancestry(B)));
}

#[test]
fn another_source_never_gets_the_commit() {
    let release = with(
        app("Synced", B, "Healthy"),
        "/spec/source/targetRevision",
        json!("release"),
    );
    refuses(release, WRONG_SOURCE, "it tracks release, pushed was main");
    let head = with(
        app("Synced", C, "Healthy"),
        "/spec/source/targetRevision",
        json!("HEAD"),
    );
    passes(judged(head));
    let mut request = request();
    request.overlays = vec!["./stage/kustomization.yaml".to_owned()];
    let mut prod = observed([app("Synced", C, "Healthy")]);
    assert_eq!(refused(prod.judge(&request)).0, WRONG_SOURCE);
    request.overlays.push("prod/".to_owned());
    passes(prod.judge(&request));
}

fn two_sources(sources: [Value; 2], revisions: [&str; 2]) -> Value {
    let state = with(
        app("Synced", "", "Healthy"),
        "/spec/sources",
        json!(sources),
    );
    let sync = json!({"status": "Synced", "revisions": revisions});
    with(state, "/status/sync", sync)
}

fn source(url: &str, chart: &str) -> Value {
    json!({"repoURL": url, "chart": chart, "targetRevision": "main"})
}

#[test]
fn only_sources_of_the_repository_count() {
    let overlays = source("https://github.com/a/b", "");
    let chart = source("https://charts.example", "dex");
    passes(judged(two_sources([chart, overlays.clone()], ["1.2.3", C])));
    let values = source("https://github.com/a/values", "");
    let two = two_sources([values, overlays], [B, C]);
    refuses(two.clone(), WRONG_SOURCE, "several repositories");
    let request = Request {
        repository: Some("a/b".to_owned()),
        ..request()
    };
    passes(observed([two]).judge(&request));
}

#[test]
fn a_hopeless_application_ends_the_wait_at_once() {
    let deleted = with(
        app("Synced", C, "Healthy"),
        "/metadata/deletionTimestamp",
        json!("2026-01-01T00:00:00Z"),
    );
    refuses(deleted, APP_DELETED, "is being deleted");
    let skipped = json!({"argocd.argoproj.io/skip-reconcile": "true"});
    refuses(
        with(
            app("Synced", B, "Healthy"),
            "/metadata/annotations",
            skipped,
        ),
        AUTO_SYNC_OFF,
        "not reconciled",
    );
    let error = json!([{
        "type": "UnknownError",
        "message": "failed to persist status: etcdserver: request is too large",
    }]);
    refuses(
        with(app("Synced", C, "Healthy"), "/status/conditions", error),
        STALE_STATUS,
        "not persisted",
    );
}

#[test]
fn an_invalid_spec_is_compared_again_first() {
    let error = json!([{
        "type": "InvalidSpecError",
        "message": "application repo x is not permitted in project default",
    }]);
    let mut observed = observed([with(
        app("Unknown", B, "Healthy"),
        "/status/conditions",
        error,
    )]);
    let state = waits(observed.judge(&request()));
    assert_eq!(state.follow_ups, [FollowUp::Refresh]);
    observed.observation.answered_refreshes = 1;
    assert_eq!(refused(observed.judge(&request())).0, WRONG_SOURCE);
}

/// Judges a comparison error that lasts for 20 s.
fn comparison_fails(message: &str) -> WaitDecision {
    let error = json!([{"type": "ComparisonError", "message": message}]);
    let state = with(
        app("Unknown", "main", "Healthy"),
        "/status/conditions",
        error,
    );
    let again = with(
        state.clone(),
        "/status/reconciledAt",
        json!("2026-01-01T00:01:00Z"),
    );
    let mut observed = observed([state, again]);
    assert_eq!(waits(observed.judge(&request())).reason, NOT_COMPARED);
    observed.wait_until(20);
    observed.judge(&request())
}

#[test]
fn only_an_overlay_error_is_blamed_on_the_commit() {
    let (reason, text) = refused(comparison_fails(
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: \
         code = Unknown desc = `kustomize build` failed exit status 1: Error: accumulating \
         resources: nowhere.yaml: no such file",
    ));
    assert!(
        reason == RENDER_ERROR && text.contains("nowhere.yaml: no such file"),
        "{text}"
    );
    let repository = comparison_fails(
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: \
         code = Unknown desc = failed to list refs: dial tcp: connection refused",
    );
    assert_eq!(waits(repository).reason, NOT_COMPARED);
}

#[test]
fn a_missing_application_differs_from_a_deleted_one() {
    let mut observed = observed([]);
    observed.observation.presence = AppPresence::Missing("not found".to_owned());
    let request = Request {
        project: Some("default".to_owned()),
        ..request()
    };
    let (reason, text) = refused(observed.judge(&request));
    assert_eq!(
        (reason, text.as_str()),
        (
            APP_MISSING,
            "is not an application of project default (not found)"
        )
    );
    observed.observation.presence = AppPresence::Deleted;
    assert_eq!(refused(observed.judge(&request)).0, APP_DELETED);
}

#[test]
fn the_deadline_reports_the_last_state() {
    let mut observed = observed([app("OutOfSync", C, "Healthy")]);
    let state = waits(observed.judge(&request()));
    observed.observation.is_last = true;
    let conclusion = concluded(observed.judge(&request()));
    assert_eq!(
        (conclusion.verdict, conclusion.reason, conclusion.text),
        (Verdict::NotYet, Some(NOT_SYNCED), state.text)
    );
}

#[test]
fn an_unanswered_ancestry_is_a_notice() {
    let mut observed = observed([app("Synced", D, "Healthy")]);
    let answer = RevisionAncestry {
        ancestry: Ancestry::Unknown,
        in_branch: None,
        error: Some("connection refused".to_owned()),
    };
    let answers = &mut observed.observation.ancestry;
    answers.insert(D.to_owned(), answer);
    waits(observed.judge(&request()));
    observed.observation.is_last = true;
    assert_eq!(
        concluded(observed.judge(&request())).notice.as_deref(),
        Some(
            "only cccccccc itself counted, since git could not tell whether dddddddd contains it: \
             connection refused"
        )
    );
}

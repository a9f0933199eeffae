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

/// An application with a base that is pinned to a tag, and an overlay that follows `main`.
fn with_pinned_base(base: &str, revisions: [&str; 2]) -> Value {
    let source = |path: &str, target: &str| {
        json!({
            "repoURL": "https://github.com/data-literate/dex", "path": path,
            "targetRevision": target,
        })
    };
    two_sources([source("base", base), source("prod", "main")], revisions)
}

#[test]
fn only_the_source_of_the_branch_and_overlay_counts() {
    let state = || observed([with_pinned_base("v1", [B, C])]);
    passes(state().judge(&request()));
    let anywhere = Request {
        branch: None,
        ..request()
    };
    let prod = Request {
        overlays: vec!["prod".to_owned()],
        ..anywhere.clone()
    };
    passes(state().judge(&prod));
    let mut observed_tag = state();
    assert_eq!(waits(observed_tag.judge(&anywhere)).reason, OLD_REVISION);
    // Git knows no such branch, so it is a tag, which does not move.
    observed_tag.answer_ancestry(B, Ancestry::Ancestor, None);
    passes(observed_tag.judge(&anywhere));
    let mut old = observed([with_pinned_base("v1", [B, B])]);
    old.answer_ancestry(B, Ancestry::Ancestor, None);
    assert_eq!(waits(old.judge(&request())).reason, OLD_REVISION);
    passes(observed([with_pinned_base(B, [B, C])]).judge(&anywhere));
}

#[test]
fn a_source_that_is_pinned_to_a_commit_has_it_or_not() {
    let pinned = |commit: &str, revision: &str| {
        let state = app("Synced", revision, "Healthy");
        let mut observed = observed([with(state, "/spec/source/targetRevision", json!(commit))]);
        observed.observation.answered_refreshes = 1;
        observed
    };
    passes(pinned(C, C).judge(&request()));
    let anywhere = Request {
        branch: None,
        ..request()
    };
    passes(pinned(D, D).judge(&anywhere));
    let (reason, text) = refused(pinned(B, B).judge(&anywhere));
    assert!(
        reason == WRONG_SOURCE && text.ends_with("pinned to bbbbbbbb"),
        "{text}"
    );
}

#[test]
fn a_source_without_commits_is_refused_at_once() {
    for (field, value, says) in [
        ("chart", "dex", "version main of the Helm chart dex of"),
        (
            "repoURL",
            "oci://ghcr.io/a/manifests",
            "the OCI artifact oci://ghcr.io/a/manifests",
        ),
    ] {
        let state = app("Synced", "1.2.3", "Healthy");
        let state = with(state, &format!("/spec/source/{field}"), json!(value));
        refuses(state, WRONG_SOURCE, says);
    }
    let state = with(app("Synced", "", "Healthy"), "/spec/source", Value::Null);
    refuses(state, WRONG_SOURCE, "it has no source");
}

/// An application whose manifests Argo CD renders from a dry commit into a branch.
fn hydrated(dry: &str, written: &str, compared: &str) -> Value {
    let state = with(
        app("Synced", compared, "Healthy"),
        "/spec/source",
        Value::Null,
    );
    let dry_source = json!({
        "repoURL": "https://github.com/data-literate/dex", "path": "prod", "targetRevision": "main",
    });
    let hydrator = json!({
        "drySource": dry_source, "syncSource": {"targetBranch": "env/prod", "path": "prod"},
    });
    let status = json!({"lastSuccessfulOperation": {"drySHA": dry, "hydratedSHA": written}});
    with(
        with(state, "/spec/sourceHydrator", hydrator),
        "/status/sourceHydrator",
        status,
    )
}

#[test]
fn a_hydrated_commit_stands_for_its_dry_one() {
    let (written, newer) = ("1".repeat(40), "2".repeat(40));
    let deployed = concluded(judged(hydrated(C, &written, &written)));
    assert_eq!(deployed.text, "deployed cccccccc (hydrated 11111111)");
    passes(judged(hydrated(D, &written, &written)));
    assert_eq!(
        waits(judged(hydrated(B, &written, &written))).reason,
        OLD_REVISION
    );
    let mut observed = observed([hydrated(C, &written, &newer)]);
    let state = waits(observed.judge(&request()));
    let question = FollowUp::Ancestry {
        remote: "https://github.com/data-literate/dex".to_owned(),
        branch: Some("env/prod".to_owned()),
        revision: newer.clone(),
        hydrated: Some(written.parse().unwrap()),
    };
    assert_eq!(state.follow_ups, [question]);
    for (ancestry, contains) in [(Ancestry::Ancestor, false), (Ancestry::Descendant, true)] {
        let answer = RevisionAncestry {
            ancestry,
            in_branch: None,
            error: None,
        };
        let key = (written.clone(), newer.clone());
        observed.observation.hydrated_ancestry.insert(key, answer);
        let decision = observed.judge(&request());
        assert_eq!(
            matches!(decision, WaitDecision::Final(_)),
            contains,
            "{decision:?}"
        );
    }
}

#[test]
fn the_rendered_commit_may_be_requested_itself() {
    let request = Request {
        branch: Some("env/prod".to_owned()),
        ..request()
    };
    let deployed = concluded(observed([hydrated(B, C, C)]).judge(&request));
    assert_eq!(deployed.text, "deployed cccccccc");
}

#[test]
fn a_commit_that_cannot_be_hydrated_is_to_blame() {
    let written = "1".repeat(40);
    let failed = |message: &str| {
        let operation = json!({"drySHA": C, "phase": "Failed", "message": message});
        let state = hydrated(B, &written, &written);
        let state = with(state, "/status/sourceHydrator/currentOperation", operation);
        let mut observed = observed([state]);
        observed.judge(&request());
        observed.wait_until(20);
        observed.judge(&request())
    };
    let (reason, _) = refused(failed(
        "failed to get manifests for app \"dex\": rpc error: code = Unknown desc = `kustomize \
         build x` failed exit status 1: Error: no such file",
    ));
    assert_eq!(reason, RENDER_ERROR);
    let state = waits(failed(
        "failed to push: rpc error: code = Unavailable desc = x",
    ));
    assert_eq!(state.reason, NOT_COMPARED);
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
    assert_eq!(waits(observed.judge(&request)).reason, APP_MISSING);
    observed.wait_until(10);
    let awaited = Request {
        waits_for_app: true,
        ..request.clone()
    };
    assert_eq!(waits(observed.judge(&awaited)).reason, APP_MISSING);
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
    let conclusion = concluded(observed.judge(&request()));
    assert!(
        conclusion.hints[0].starts_with("pass `--remote URL`"),
        "{conclusion:?}"
    );
    assert_eq!(
        conclusion.notice.as_deref(),
        Some(
            "only cccccccc itself counted, since git could not tell whether dddddddd contains it: \
             connection refused"
        )
    );
}

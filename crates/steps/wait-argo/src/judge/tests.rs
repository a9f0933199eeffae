use serde_json::{Value, json};

use super::*;
use crate::ancestry::Ancestry;

const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const D: &str = "dddddddddddddddddddddddddddddddddddddddd";

fn wanted() -> Wanted {
    Wanted {
        commit: C.parse().unwrap(),
        image: None,
        repository: None,
        branch: Some("main".to_owned()),
        remote: None,
        overlays: Vec::new(),
        scope: HealthScope::App,
        degraded_grace: Duration::from_secs(60),
        sync: false,
        wait_window: false,
        log_lines: 25,
    }
}

/// An application that syncs by itself from `main`.
fn app(sync: &str, revision: &str, health: &str) -> Value {
    json!({
        "metadata": {"name": "dex-prod", "resourceVersion": "1"},
        "spec": {
            "source": {"repoURL": "https://github.com/data-literate/dex", "path": "prod", "targetRevision": "main"},
            "syncPolicy": {"automated": {"prune": true}},
        },
        "status": {
            "sync": {"status": sync, "revision": revision},
            "health": {"status": health},
            "reconciledAt": "2026-01-01T00:00:10Z",
        },
    })
}

fn with(mut app: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    app.pointer_mut(parent).unwrap()[name] = value;
    app
}

fn operation(phase: &str, revision: &str) -> Value {
    json!({
        "phase": phase, "message": "one or more objects failed to apply", "startedAt": "2026-01-01T00:00:08Z",
        "finishedAt": "2026-01-01T00:00:09Z", "operation": {"sync": {"revision": revision}},
        "syncResult": {"revision": revision},
    })
}

/// What is known after these states, each a second and a version after the other.
fn known(states: impl IntoIterator<Item = Value>) -> Known {
    let mut known = Known::default();
    for (at, state) in states.into_iter().enumerate() {
        let state = with(
            state,
            "/metadata/resourceVersion",
            json!((at + 1).to_string()),
        );
        known.observe(
            serde_json::from_value(state).unwrap(),
            true,
            Duration::from_secs(at as u64),
        );
    }
    known
        .ancestry
        .insert(B.to_owned(), ancestry(Relation::Ancestor, Some(true)));
    known
        .ancestry
        .insert(D.to_owned(), ancestry(Relation::Descendant, None));
    known
}

fn ancestry(relation: Relation, in_branch: Option<bool>) -> Ancestry {
    Ancestry {
        relation,
        in_branch,
        trouble: None,
    }
}

fn after(known: &mut Known, seconds: u64) {
    known.tick(Duration::from_secs(seconds));
}

#[track_caller]
fn ended(decision: Decision) -> (Verdict, &'static str, String) {
    match decision {
        Decision::End(ending) => (
            ending.verdict,
            ending.reason.map_or("", |it| it.word),
            ending.state,
        ),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn waits(decision: Decision) -> (&'static str, String, Vec<Ask>) {
    match decision {
        Decision::Wait(wait) => (wait.reason.word, wait.state, wait.asks),
        other => panic!("{other:?}"),
    }
}

fn judged(state: Value) -> Decision {
    judge(&wanted(), &mut known([state]))
}

#[track_caller]
fn refuses(state: Value, reason: &str, says: &str) {
    let (verdict, word, said) = ended(judged(state));
    assert_eq!((verdict, word), (Verdict::Refused, reason), "{said}");
    assert!(said.contains(says), "{said}");
}

#[test]
fn the_commit_synced_and_healthy_is_deployed_and_so_is_a_descendant() {
    assert_eq!(judged(app("Synced", C, "Healthy")), Decision::Deployed);
    assert_eq!(judged(app("Synced", D, "Healthy")), Decision::Deployed);
    assert_eq!(
        at(&wanted(), &known([app("Synced", D, "Healthy")])),
        "dddddddd, a descendant of cccccccc"
    );
}

#[test]
fn at_the_old_revision_nothing_is_green() {
    let (reason, said, asks) = waits(judged(app("Synced", B, "Healthy")));
    assert_eq!(
        (reason, said.as_str()),
        ("old-revision", "still at bbbbbbbb, cccccccc is not there")
    );
    assert_eq!(asks, [Ask::Refresh]);
    let unasked = "e".repeat(40);
    let (reason, _, asks) = waits(judged(app("Synced", &unasked, "Healthy")));
    assert_eq!(
        (reason, asks),
        ("old-revision", vec![Ask::Ancestry(unasked)])
    );
    for nothing in ["", "main"] {
        assert_eq!(
            waits(judged(app("Synced", nothing, "Healthy"))).0,
            "old-revision"
        );
    }
}

#[test]
fn a_refresh_that_changes_nothing_is_said_to_be_not_processed() {
    let mut known = known([app("Synced", B, "Healthy")]);
    (known.asked, known.refreshes) = (3, 3);
    assert!(
        waits(judge(&wanted(), &mut known))
            .1
            .ends_with("refresh not processed, asked 3 times")
    );
    let again = with(
        app("Synced", B, "Healthy"),
        "/status/reconciledAt",
        json!("2026-01-01T00:01:00Z"),
    );
    known.observe(
        serde_json::from_value(with(again, "/metadata/resourceVersion", json!("9"))).unwrap(),
        true,
        Duration::ZERO,
    );
    assert!(
        waits(judge(&wanted(), &mut known))
            .1
            .ends_with("refreshed 3 times")
    );
}

#[test]
fn a_commit_that_the_branch_lost_is_gone_when_that_was_said_twice() {
    let mut known = known([app("Synced", B, "Healthy")]);
    known
        .ancestry
        .insert(B.to_owned(), ancestry(Relation::Diverged, Some(false)));
    (known.refreshes, known.gone) = (1, 1);
    assert_eq!(
        waits(judge(&wanted(), &mut known)).2,
        [Ask::Refresh, Ask::Ancestry(B.to_owned())]
    );
    known.gone = 2;
    let (verdict, reason, said) = ended(judge(&wanted(), &mut known));
    assert_eq!((verdict, reason), (Verdict::Refused, "commit-gone"));
    assert!(said.ends_with("cccccccc is no longer in main"), "{said}");
}

#[test]
fn behind_for_long_the_branch_is_asked_again() {
    let mut known = known([app("Synced", B, "Healthy")]);
    assert!(
        !waits(judge(&wanted(), &mut known))
            .2
            .contains(&Ask::Ancestry(B.to_owned()))
    );
    after(&mut known, 10);
    assert!(
        waits(judge(&wanted(), &mut known))
            .2
            .contains(&Ask::Ancestry(B.to_owned()))
    );
}

#[test]
fn what_comes_from_elsewhere_will_never_get_the_commit() {
    let release = with(
        app("Synced", B, "Healthy"),
        "/spec/source/targetRevision",
        json!("release"),
    );
    refuses(
        release,
        "wrong-source",
        "it tracks release, pushed was main",
    );
    let head = with(
        app("Synced", C, "Healthy"),
        "/spec/source/targetRevision",
        json!("HEAD"),
    );
    assert_eq!(judged(head), Decision::Deployed);
    let mut wanted = wanted();
    wanted.overlays = vec!["./stage/kustomization.yaml".to_owned()];
    let stage = judge(&wanted, &mut known([app("Synced", C, "Healthy")]));
    assert_eq!(ended(stage).1, "wrong-source");
    wanted.overlays.push("prod/".to_owned());
    assert_eq!(
        judge(&wanted, &mut known([app("Synced", C, "Healthy")])),
        Decision::Deployed
    );
}

#[test]
fn of_several_sources_the_repositorys_own_counts() {
    let source =
        |url: &str, chart: &str| json!({"repoURL": url, "chart": chart, "targetRevision": "main"});
    let chart = with(
        app("Synced", "", "Healthy"),
        "/spec/sources",
        json!([
            source("https://charts.example", "dex"),
            source("https://github.com/a/b", "")
        ]),
    );
    let chart = with(
        chart,
        "/status/sync",
        json!({"status": "Synced", "revisions": ["1.2.3", C]}),
    );
    assert_eq!(judged(chart), Decision::Deployed);
    let two = with(
        app("Synced", "", "Healthy"),
        "/spec/sources",
        json!([
            source("https://github.com/a/values", ""),
            source("https://github.com/a/b", "")
        ]),
    );
    let two = with(
        two,
        "/status/sync",
        json!({"status": "Synced", "revisions": [B, C]}),
    );
    refuses(two.clone(), "wrong-source", "several repositories");
    let wanted = Wanted {
        repository: Some("a/b".to_owned()),
        ..wanted()
    };
    assert_eq!(judge(&wanted, &mut known([two])), Decision::Deployed);
}

#[test]
fn what_is_deleted_or_not_looked_at_ends_at_once() {
    let deleted = with(
        app("Synced", C, "Healthy"),
        "/metadata/deletionTimestamp",
        json!("2026-01-01T00:00:00Z"),
    );
    refuses(deleted, "app-deleted", "is being deleted");
    let skipped = json!({"argocd.argoproj.io/skip-reconcile": "true"});
    refuses(
        with(
            app("Synced", B, "Healthy"),
            "/metadata/annotations",
            skipped,
        ),
        "auto-sync-off",
        "not looked at",
    );
    let error = json!([{"type": "UnknownError", "message": "failed to persist status: etcdserver: request is too large"}]);
    refuses(
        with(app("Synced", C, "Healthy"), "/status/conditions", error),
        "stale-status",
        "not persisted",
    );
}

#[test]
fn an_invalid_spec_is_looked_at_anew_first() {
    let error = json!([{"type": "InvalidSpecError", "message": "application repo x is not permitted in project default"}]);
    let mut known = known([with(
        app("Unknown", B, "Healthy"),
        "/status/conditions",
        error,
    )]);
    assert_eq!(waits(judge(&wanted(), &mut known)).2, [Ask::Refresh]);
    known.refreshes = 1;
    assert_eq!(ended(judge(&wanted(), &mut known)).1, "wrong-source");
}

#[test]
fn an_error_of_the_overlay_has_a_grace_and_one_of_the_repository_is_waited_for() {
    let failing = |message: &str| {
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
        let mut known = known([state, again]);
        assert_eq!(waits(judge(&wanted(), &mut known)).0, "not-compared");
        after(&mut known, 20);
        judge(&wanted(), &mut known)
    };
    let overlay = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = `kustomize build` failed exit status 1: Error: accumulating resources: nowhere.yaml: no such file";
    let (_, reason, said) = ended(failing(overlay));
    assert!(
        reason == "render-error" && said.contains("nowhere.yaml: no such file"),
        "{said}"
    );
    let repository = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = failed to list refs: dial tcp: connection refused";
    assert_eq!(waits(failing(repository)).0, "not-compared");
}

#[test]
fn a_sync_that_failed_before_we_came_is_not_tried_again_unless_it_is_asked_for() {
    let failed = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        operation("Failed", C),
    );
    let error = json!([{"type": "SyncError", "message": "Failed last sync attempt to [c]: one or more objects failed to apply"}]);
    refuses(
        failed.clone(),
        "will-not-retry",
        "OutOfSync at cccccccc, and Argo CD will not retry: one or more",
    );
    refuses(
        with(app("OutOfSync", C, "Healthy"), "/status/conditions", error),
        "will-not-retry",
        "Failed last sync attempt",
    );
    let wanted = Wanted {
        sync: true,
        ..wanted()
    };
    assert_eq!(waits(judge(&wanted, &mut known([failed]))).2, [Ask::Sync]);
}

#[test]
fn a_sync_that_ends_in_the_same_second_as_the_one_before_it_is_another_one() {
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
    let (_, reason, _) = ended(judge(&wanted(), &mut known([before, failed])));
    assert_eq!(reason, "sync-failed");
}

#[test]
fn a_sync_that_fails_while_it_is_watched_says_which_resource() {
    let result = |kind: Value| {
        with(
            operation("Failed", C),
            "/syncResult/resources",
            json!([kind]),
        )
    };
    let fails = |resource: Value| {
        let failed = with(
            app("OutOfSync", C, "Healthy"),
            "/status/operationState",
            result(resource),
        );
        ended(judge(
            &wanted(),
            &mut known([app("OutOfSync", C, "Healthy"), failed]),
        ))
    };
    let immutable = json!({"kind": "Deployment", "name": "dex", "status": "SyncFailed", "message": "error when patching \"/dev/shm/1782\": Deployment.apps \"dex\" is invalid: field is immutable"});
    let (_, reason, said) = fails(immutable);
    assert_eq!(reason, "sync-failed");
    assert!(
        said.contains("Deployment/dex: error: Deployment.apps \"dex\" is invalid"),
        "{said}"
    );
    let hook = json!({"kind": "Job", "name": "migrate", "hookType": "PreSync", "hookPhase": "Failed", "message": "Job has reached the specified backoff limit"});
    let (_, reason, said) = fails(hook);
    assert!(
        reason == "hook-failed" && said.contains("PreSync hook Job/migrate: Job has reached"),
        "{said}"
    );
    let quota = json!({"kind": "Pod", "name": "x", "status": "SyncFailed", "message": "pods \"x\" is forbidden: exceeded quota: q"});
    assert_eq!(fails(quota).1, "quota");
}

#[test]
fn a_sync_that_runs_or_that_is_of_before_decides_nothing() {
    let running = with(
        app("Synced", C, "Healthy"),
        "/status/operationState",
        operation("Running", C),
    );
    let running = with(running, "/status/operationState/finishedAt", Value::Null);
    let (reason, said, asks) = waits(judged(running));
    assert!(
        reason == "not-synced" && said.contains("its sync is running") && asks == [Ask::Pods],
        "{said}"
    );
    let requested = with(
        app("Synced", C, "Healthy"),
        "/operation",
        json!({"sync": {"revision": C}}),
    );
    assert_eq!(waits(judged(requested)).0, "not-synced");
    let of_before = with(
        app("Synced", C, "Healthy"),
        "/status/operationState",
        operation("Failed", B),
    );
    assert_eq!(judged(of_before), Decision::Deployed);
}

#[test]
fn a_retry_is_waited_for_unless_it_cannot_help() {
    let retrying = |message: &str| {
        let retry = with(operation("Running", C), "/message", json!(message));
        judge(
            &wanted(),
            &mut known([
                app("OutOfSync", C, "Healthy"),
                with(
                    app("OutOfSync", C, "Healthy"),
                    "/status/operationState",
                    retry,
                ),
            ]),
        )
    };
    assert!(
        waits(retrying(
            "dial tcp: connection refused. Retrying attempt #1 at 3:04PM."
        ))
        .1
        .contains("is to be tried again")
    );
    assert_eq!(
        ended(retrying(
            "Deployment.apps \"dex\" is invalid: spec.selector: field is immutable. Retrying attempt #1"
        ))
        .1,
        "sync-failed"
    );
}

#[test]
fn a_sync_to_another_commit_is_waited_for() {
    let retry =
        json!("Deployment.apps \"dex\" is invalid: field is immutable. Retrying attempt #1");
    let retry = with(operation("Running", B), "/message", retry);
    let state = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        retry,
    );
    let (reason, said, _) = waits(judged(state));
    assert!(
        reason == "not-synced" && said.contains("a sync to bbbbbbbb is to be tried again"),
        "{said}"
    );
}

#[test]
fn a_dry_run_proves_nothing() {
    let dry = with(
        operation("Succeeded", C),
        "/operation/sync/dryRun",
        json!(true),
    );
    let state = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        dry,
    );
    assert_eq!(waits(judged(state)).0, "not-synced");
    let failed = with(
        operation("Failed", C),
        "/operation/sync/dryRun",
        json!(true),
    );
    assert_eq!(
        waits(judged(with(
            app("OutOfSync", C, "Healthy"),
            "/status/operationState",
            failed
        )))
        .0,
        "not-synced"
    );
}

#[test]
fn without_auto_sync_nothing_comes_by_itself() {
    let manual = with(
        app("OutOfSync", C, "Healthy"),
        "/spec/syncPolicy",
        json!({}),
    );
    refuses(
        manual.clone(),
        "auto-sync-off",
        "OutOfSync at cccccccc, auto-sync disabled",
    );
    let wanted = Wanted {
        sync: true,
        ..wanted()
    };
    let mut known = known([manual]);
    assert_eq!(waits(judge(&wanted, &mut known)).2, [Ask::Sync]);
    known.sync_refused = Some("cannot sync: blocked by sync window".to_owned());
    assert_eq!(ended(judge(&wanted, &mut known)).1, "deny-window");
    known.sync_refused = Some("another operation is already in progress".to_owned());
    assert!(
        waits(judge(&wanted, &mut known))
            .1
            .contains("another operation")
    );
}

#[test]
fn a_window_that_is_closed_ends_it_unless_it_is_waited_for() {
    let windows = |value: Value| -> argocd::Windows { serde_json::from_value(value).unwrap() };
    let mut known = known([app("OutOfSync", C, "Healthy")]);
    assert_eq!(waits(judge(&wanted(), &mut known)).2, []);
    after(&mut known, 5);
    assert_eq!(waits(judge(&wanted(), &mut known)).2, [Ask::Windows]);
    let deny = json!({"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"});
    known.windows = Some(windows(
        json!({"activeWindows": [deny], "assignedWindows": [deny]}),
    ));
    let (_, reason, said) = ended(judge(&wanted(), &mut known));
    assert!(
        reason == "deny-window" && said.ends_with("deny window `0 22 * * *` for 8h"),
        "{said}"
    );
    let patient = Wanted {
        wait_window: true,
        ..wanted()
    };
    assert_eq!(waits(judge(&patient, &mut known)).0, "deny-window");
    let allow = json!({"kind": "allow", "schedule": "0 9 * * *", "duration": "1h"});
    known.windows = Some(windows(json!({"assignedWindows": [allow]})));
    assert!(
        ended(judge(&wanted(), &mut known))
            .2
            .contains("outside of its allow windows")
    );
    known.windows = Some(windows(
        json!({"activeWindows": [allow], "assignedWindows": [allow]}),
    ));
    assert_eq!(waits(judge(&wanted(), &mut known)).0, "not-synced");
}

#[test]
fn what_is_degraded_has_a_grace_that_begins_at_the_commit() {
    let sick = json!([{"kind": "HorizontalPodAutoscaler", "name": "dex", "status": "Synced", "health": {"status": "Degraded", "message": "unable to get metrics"}}]);
    let degraded = |revision| {
        with(
            app("Synced", revision, "Degraded"),
            "/status/resources",
            sick.clone(),
        )
    };
    let mut known = known([degraded(B)]);
    after(&mut known, 300);
    assert_eq!(waits(judge(&wanted(), &mut known)).0, "old-revision");
    let now = with(degraded(C), "/metadata/resourceVersion", json!("9"));
    known.observe(
        serde_json::from_value(now).unwrap(),
        true,
        Duration::from_secs(301),
    );
    let (reason, said, asks) = waits(judge(&wanted(), &mut known));
    assert!(
        reason == "not-ready"
            && said.contains("HorizontalPodAutoscaler/dex: unable to get metrics"),
        "{said}"
    );
    assert_eq!(asks, [Ask::Pods, Ask::Whole]);
    after(&mut known, 331);
    assert_eq!(waits(judge(&wanted(), &mut known)).0, "not-ready");
    after(&mut known, 361);
    let (_, reason, said) = ended(judge(&wanted(), &mut known));
    assert!(
        reason == "degraded" && said.contains("HorizontalPodAutoscaler/dex"),
        "{said}"
    );
}

#[test]
fn an_ingress_without_an_address_only_counts_for_the_whole_application() {
    let resources = json!([
        {"kind": "Ingress", "name": "dex", "health": {"status": "Progressing"}},
        {"kind": "Deployment", "name": "dex", "health": {"status": "Healthy"}},
    ]);
    let state = with(
        app("Synced", C, "Progressing"),
        "/status/resources",
        resources,
    );
    let (_, said, _) = waits(judged(state.clone()));
    assert!(
        said.ends_with("Progressing: Ingress/dex: no address yet"),
        "{said}"
    );
    let wanted = Wanted {
        scope: HealthScope::Workloads,
        ..wanted()
    };
    assert_eq!(judge(&wanted, &mut known([state])), Decision::Deployed);
}

#[test]
fn a_paused_deployment_ends_it_and_a_suspended_rollout_does_not() {
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
        "paused",
        "Deployment/dex is paused",
    );
    assert_eq!(waits(judged(suspended("Rollout"))).0, "not-ready");
}

#[test]
fn an_operation_that_has_just_ended_proves_itself_in_a_later_version() {
    let ended = with(
        operation("Succeeded", C),
        "/finishedAt",
        json!("2026-01-01T00:00:10Z"),
    );
    let state = with(app("Synced", C, "Healthy"), "/status/operationState", ended);
    let (_, said, asks) = waits(judged(state.clone()));
    assert!(
        said.ends_with("its operation has just ended") && asks == [Ask::Refresh],
        "{said}"
    );
    assert_eq!(
        judge(&wanted(), &mut known([state.clone(), state.clone()])),
        Decision::Deployed
    );
    let later = with(state, "/status/reconciledAt", json!("2026-01-01T00:00:11Z"));
    assert_eq!(judged(later), Decision::Deployed);
}

#[test]
fn an_older_state_and_one_without_resources_do_not_replace_what_is_known() {
    let mut known = known([
        app("Synced", B, "Healthy"),
        with(
            app("Synced", C, "Healthy"),
            "/status/resources",
            json!([{"kind": "Service"}]),
        ),
    ]);
    let older = with(
        app("Synced", B, "Healthy"),
        "/metadata/resourceVersion",
        json!("1"),
    );
    assert!(!known.observe(serde_json::from_value(older).unwrap(), true, Duration::ZERO));
    let thin = |version| {
        serde_json::from_value(with(
            app("Synced", C, "Healthy"),
            "/metadata/resourceVersion",
            json!(version),
        ))
        .unwrap()
    };
    assert!(!known.observe(thin("2"), false, Duration::ZERO));
    assert!(known.observe(thin("3"), false, Duration::ZERO));
    assert!(!known.is_whole && known.app.status.resources.len() == 1);
}

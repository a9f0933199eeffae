use std::time::Duration;

use argocd::SyncWindows;
use branch::Relation;
use contract::Reason;
use serde_json::{Value, json};

use super::*;
use crate::{
    judge::decision::WaitState,
    observe::{ApplicationPods, FollowUp, RenderedImages, RevisionAncestry},
    reasons::{
        AUTO_SYNC_OFF, COMMIT_GONE, DEGRADED, DENY_WINDOW, HOOK_FAILED, IMAGE_NOT_LIVE,
        NEWER_IMAGE, NOT_COMPARED, NOT_SYNCED, RENDER_ERROR, STALE_STATUS, SYNC_FAILED,
        WILL_NOT_RETRY, WRONG_SOURCE,
    },
    request::HealthScope,
};

const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const D: &str = "dddddddddddddddddddddddddddddddddddddddd";

fn request() -> Request {
    Request {
        apps: Vec::new(),
        project: None,
        argocd: argocd::ArgoOptions {
            server: "argocd.example.org".parse().unwrap(),
            authorities: None,
            token: None,
        },
        commit: C.parse().unwrap(),
        image: None,
        repository: None,
        branch: Some("main".to_owned()),
        remote: None,
        overlays: Vec::new(),
        health_scope: HealthScope::App,
        degraded_grace: Duration::from_secs(60),
        sync: false,
        wait_window: false,
        log_lines: 25,
    }
}

/// An application that syncs automatically from `main`.
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
        "phase": phase, "message": "one or more objects failed to apply",
        "startedAt": "2026-01-01T00:00:08Z", "finishedAt": "2026-01-01T00:00:09Z",
        "operation": {"sync": {"revision": revision}}, "syncResult": {"revision": revision},
    })
}

/// An observation, and the history of the judgements before it.
struct ObservedApp {
    observation: Observation,
    history: ApplicationHistory,
}

impl ObservedApp {
    fn judge(&mut self, request: &Request) -> Decision {
        let judgement = judge(request, &self.observation, &self.history);
        self.history = judgement.history;
        judgement.decision
    }

    fn update(&mut self, state: Value, seconds: u64) {
        let state = serde_json::from_value(state).unwrap();
        self.observation.update(state, true);
        self.wait_until(seconds);
    }

    fn wait_until(&mut self, seconds: u64) {
        self.observation.now = Duration::from_secs(seconds);
    }

    fn answer_ancestry(&mut self, revision: &str, relation: Relation, in_branch: Option<bool>) {
        let ancestry = RevisionAncestry {
            relation,
            in_branch,
            error: None,
        };
        let answers = &mut self.observation.ancestry;
        answers.insert(revision.to_owned(), ancestry);
    }
}

/// Observes these states, each a second and a version after the other.
fn observed(states: impl IntoIterator<Item = Value>) -> ObservedApp {
    let mut observed = ObservedApp {
        observation: Observation::default(),
        history: ApplicationHistory::default(),
    };
    for (at, state) in (0..).zip(states) {
        let version = json!((at + 1).to_string());
        observed.update(with(state, "/metadata/resourceVersion", version), at);
    }
    observed.answer_ancestry(B, Relation::Before, Some(true));
    observed.answer_ancestry(D, Relation::After, None);
    observed
}

fn ask_ancestry(revision: &str) -> FollowUp {
    FollowUp::Ancestry {
        remote: "https://github.com/data-literate/dex".to_owned(),
        branch: Some("main".to_owned()),
        revision: revision.to_owned(),
    }
}

#[track_caller]
fn concluded(decision: Decision) -> Conclusion {
    match decision {
        Decision::Final(conclusion) => conclusion,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(decision: Decision) -> (Reason, String) {
    let conclusion = concluded(decision);
    assert_eq!(conclusion.verdict, Verdict::Refused, "{conclusion:?}");
    (conclusion.reason.unwrap(), conclusion.text)
}

#[track_caller]
fn waits(decision: Decision) -> WaitState {
    match decision {
        Decision::Wait(state) => state,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn passes(decision: Decision) {
    assert_eq!(concluded(decision).verdict, Verdict::Passed);
}

fn judged(state: Value) -> Decision {
    observed([state]).judge(&request())
}

#[track_caller]
fn refuses(state: Value, reason: Reason, says: &str) {
    let (found, text) = refused(judged(state));
    assert!(found == reason && text.contains(says), "{found:?} {text}");
}

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
    observed.answer_ancestry(B, Relation::Apart, Some(false));
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
fn comparison_fails(message: &str) -> Decision {
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
fn an_earlier_failed_sync_is_retried_only_on_request() {
    let failed = with(
        app("OutOfSync", C, "Healthy"),
        "/status/operationState",
        operation("Failed", C),
    );
    refuses(
        failed.clone(),
        WILL_NOT_RETRY,
        "OutOfSync at cccccccc, and Argo CD will not retry: one or more",
    );
    let error = json!([{
        "type": "SyncError",
        "message": "Failed last sync attempt to [c]: one or more objects failed to apply",
    }]);
    refuses(
        with(app("OutOfSync", C, "Healthy"), "/status/conditions", error),
        WILL_NOT_RETRY,
        "Failed last sync attempt",
    );
    let request = Request {
        sync: true,
        ..request()
    };
    let state = waits(observed([failed]).judge(&request));
    assert_eq!(state.follow_ups, [FollowUp::Sync]);
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
    assert_eq!(reason, SYNC_FAILED);
}

/// Judges a sync that fails for a resource during the run.
fn sync_fails(resource: Value) -> (Reason, String) {
    let operation = with(
        operation("Failed", C),
        "/syncResult/resources",
        json!([resource]),
    );
    let before = app("OutOfSync", C, "Healthy");
    let failed = with(before.clone(), "/status/operationState", operation);
    refused(observed([before, failed]).judge(&request()))
}

#[test]
fn a_failed_sync_names_the_resource() {
    let (reason, text) = sync_fails(json!({
        "kind": "Deployment", "name": "dex", "status": "SyncFailed",
        "message": "error when patching \"/dev/shm/1782\": Deployment.apps \"dex\" is invalid: field is immutable",
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
fn retries(message: &str) -> Decision {
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
        "Deployment.apps \"dex\" is invalid: spec.selector: field is immutable. Retrying attempt #1",
    ));
    assert_eq!(reason, SYNC_FAILED);
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
        reason == DEGRADED && text.contains("HorizontalPodAutoscaler/dex"),
        "{text}"
    );
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
        relation: Relation::Unknown,
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

fn image_request() -> Request {
    let image = "ghcr.io/a/dex:v2".parse().unwrap();
    Request {
        image: Some(::pods::image::Wanted::new(image, Vec::new(), Vec::new())),
        ..request()
    }
}

/// An application that is ready for the check of its image, with no pod at all.
fn without_pods(revision: &str) -> ObservedApp {
    let mut observed = observed([app("Synced", revision, "Healthy")]);
    let first = observed.judge(&image_request());
    assert!(matches!(first, Decision::ReadPods(_)), "{first:?}");
    observed.observation.pods = Some(ApplicationPods {
        live_at: Some(Duration::ZERO),
        ..ApplicationPods::default()
    });
    observed
}

fn rendered(image: &str) -> Option<RenderedImages> {
    Some(RenderedImages {
        images: vec![image.to_owned()],
        read_at: Duration::ZERO,
    })
}

#[test]
fn pods_of_an_earlier_state_prove_nothing() {
    let mut observed = without_pods(C);
    let reading = observed.observation.pods.as_mut().unwrap();
    reading.live_at = None;
    assert!(matches!(
        observed.judge(&image_request()),
        Decision::ReadPods(_)
    ));
}

#[test]
fn a_later_commit_with_another_image_supersedes() {
    let mut observed = without_pods(D);
    let state = waits(observed.judge(&image_request()));
    assert_eq!(state.follow_ups, [FollowUp::RenderedImages]);
    observed.observation.rendered = rendered("ghcr.io/a/dex:v3");
    let conclusion = concluded(observed.judge(&image_request()));
    assert_eq!(
        (conclusion.verdict, conclusion.reason),
        (Verdict::Superseded, Some(NEWER_IMAGE))
    );
}

#[test]
fn a_contradiction_needs_a_hard_refresh_and_time() {
    let mut observed = without_pods(C);
    observed.observation.rendered = rendered("ghcr.io/a/dex:v2");
    let state = waits(observed.judge(&image_request()));
    assert_eq!((state.reason, state.follow_ups), (IMAGE_NOT_LIVE, vec![]));
    observed.wait_until(5);
    let state = waits(observed.judge(&image_request()));
    assert_eq!(state.follow_ups, [FollowUp::HardRefresh]);
    observed.observation.is_rendered_again = true;
    waits(observed.judge(&image_request()));
    observed.wait_until(20);
    let conclusion = concluded(observed.judge(&image_request()));
    assert_eq!(
        (conclusion.verdict, conclusion.reason),
        (Verdict::Contradicted, Some(IMAGE_NOT_LIVE))
    );
}

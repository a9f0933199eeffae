//! A missing answer is neither a refusal nor a pass.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use lab::{Faulty, ScriptedReply, testbed::Testbed};
use serde_json::json;

use crate::deployed_app::{DeployedApp, NEW, outcome, wait};

/// A proxy in front of Argo CD.
fn proxy(
    answer: impl Fn(&lab::SeenRequest) -> Option<ScriptedReply> + Send + Sync + 'static,
) -> Faulty {
    let address = Testbed::shared().argocd().address().to_owned();
    Faulty::answering(move |seen| answer(seen).unwrap_or_else(|| ScriptedReply::forward(&address)))
}

fn is_stream(seen: &lab::SeenRequest) -> bool {
    seen.path.starts_with("/api/v1/stream/")
}

#[test]
fn a_silent_stream_does_no_harm() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let server = proxy(|seen| is_stream(seen).then(ScriptedReply::silent));
    let run = world.wait_at(&server.url(), &commit, NEW).run();
    run.expect_code(0);
    assert!(
        run.json()["facts"]["waited"].as_u64().unwrap() < 25,
        "{run}"
    );
}

#[test]
fn a_server_without_streams_is_polled() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let server = proxy(|seen| {
        is_stream(seen)
            .then(|| ScriptedReply::json(404, &json!({ "error": "x", "code": 5, "message": "x" })))
    });
    world
        .wait_at(&server.url(), &commit, NEW)
        .run()
        .expect_code(0);
}

#[test]
fn an_expired_token_is_noticed_within_five_seconds() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let seen_before = AtomicUsize::new(0);
    let unauthenticated =
        json!({ "error": "token is expired", "code": 16, "message": "token is expired" });
    let server = proxy(move |seen| {
        let count = seen_before.fetch_add(1, Ordering::SeqCst);
        // The proxy cuts the first stream, and from then on rejects the token.
        if is_stream(seen) && count < 4 {
            Some(ScriptedReply::text(200, ":\n").cut_after(1))
        } else if count < 3 {
            None
        } else {
            Some(ScriptedReply::json(401, &unauthenticated))
        }
    });
    let started = Instant::now();
    let run = world.wait_at(&server.url(), &commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (21, json!("credentials-rejected"), json!("configuration")),
        "{run}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(5) && run.stderr.contains("expired"),
        "{run}"
    );
}

#[test]
fn an_expired_or_missing_token_is_denied() {
    let (world, argocd) = (DeployedApp::new(), Testbed::shared().argocd());
    let account = argocd.account(&["p, role:ci, applications, get, */*, allow"]);
    let commit = world.push(NEW);
    for token in [argocd.expired_token(&account).as_str(), "wrong"] {
        let run = world
            .wait(&commit, NEW)
            .env("RUNBOOK_ARGOCD_TOKEN", token)
            .run();
        assert_eq!(
            outcome(&run),
            (21, json!("credentials-rejected"), json!("configuration")),
            "{run}"
        );
        assert!(
            run.elapsed < Duration::from_secs(5) && !format!("{run}").contains(&account.token),
            "{run}"
        );
    }
    let run = world
        .wait(&commit, NEW)
        .without_env("RUNBOOK_ARGOCD_TOKEN")
        .run();
    assert_eq!(
        outcome(&run),
        (21, json!("no-credentials"), json!("configuration")),
        "{run}"
    );
    argocd.change_account(&account, &[]);
    let run = world
        .wait(&commit, NEW)
        .env("RUNBOOK_ARGOCD_TOKEN", &account.token)
        .run();
    assert_eq!(
        outcome(&run),
        (21, json!("permission-missing"), json!("configuration")),
        "{run}"
    );
    let line = format!(
        "`p, role:ci, applications, get, default/{}, allow`",
        world.app.name()
    );
    assert!(run.json()["hints"].to_string().contains(&line), "{run}");
}

#[test]
fn an_unreachable_argocd_is_unavailable() {
    let world = DeployedApp::new();
    let commit = world.push(NEW);
    let gone = wait(&lab::closed_port(), &[&world.app], &commit)
        .args(["--timeout", "5s"])
        .run();
    assert_eq!(
        outcome(&gone),
        (20, json!("unreachable"), json!("environment")),
        "{gone}"
    );
    let count = AtomicUsize::new(0);
    let server = proxy(move |_| {
        (count.fetch_add(1, Ordering::SeqCst) > 0).then(|| ScriptedReply::html(502))
    });
    let run = world
        .wait_at(&server.url(), &commit, NEW)
        .args(["--timeout", "15s"])
        .run();
    assert_eq!(
        outcome(&run),
        (20, json!("server-error"), json!("environment")),
        "{run}"
    );
}

#[test]
fn an_argocd_that_stops_is_unavailable() {
    let testbed = Testbed::private();
    let world = DeployedApp::in_private(&testbed);
    world.namespace.pods(lab::testbed::scripts::never_ready());
    let commit = world.push(NEW);
    let mut running = world
        .wait_at(&testbed.argocd().url(), &commit, NEW)
        .args(["--timeout", "12s"])
        .env("RUNBOOK_ARGOCD_TOKEN", testbed.argocd().admin_token())
        .spawn();
    running.wait_for("Progressing");
    testbed.stop_argocd();
    let run = running.wait();
    assert_eq!(
        outcome(&run),
        (20, json!("unreachable"), json!("environment")),
        "{run}"
    );
}

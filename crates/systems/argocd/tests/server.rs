//! The client against scripted servers: frames, errors, and which "no" it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use argocd::{App, ArgoCd, Event, Found, Options};
use contract::{Failure, Verdict, World, asking};
use lab::{Faulty, Reply};
use serde_json::{Value, json};

fn app() -> App {
    App {
        name: "dex-prod".to_owned(),
        project: Some("default".to_owned()),
        namespace: None,
    }
}

fn at<'w>(world: &'w World, server: &str) -> ArgoCd<'w> {
    let server = server.parse().unwrap();
    ArgoCd::new(
        world,
        Options {
            server,
            authorities: None,
            token: Some(world.hide("s3cr3t-token")),
        },
    )
}

fn frame(kind: &str, name: &str, version: u32) -> Value {
    let metadata = json!({ "name": name, "resourceVersion": version.to_string() });
    json!({ "result": { "type": kind, "application": { "metadata": metadata } } })
}

/// Reads a stream of these lines to its end or its error.
async fn read(reply: Reply) -> (Vec<Event>, Option<Failure>) {
    let (server, world) = (
        Faulty::new([reply]),
        World::for_tests(Duration::from_secs(20)),
    );
    let argocd = at(&world, &server.url());
    let Found::Here(mut events) = argocd.events(&app()).await.unwrap() else {
        panic!("no stream")
    };
    let mut seen = Vec::new();
    loop {
        match argocd.next(&app(), &mut events).await {
            Ok(Some(event)) => seen.push(event),
            Ok(None) => return (seen, None),
            Err(failure) => return (seen, Some(failure)),
        }
    }
}

#[tokio::test]
async fn frames_may_be_cut_anywhere_and_those_of_others_do_not_count() {
    let frames = [
        frame("ADDED", "dex-prod", 1),
        frame("ADDED", "dex-prod-2", 2),
        frame("DELETED", "dex-prod", 3),
    ];
    let text: String = frames
        .iter()
        .map(|frame| format!(":\n\ndata: {frame} \n\n"))
        .collect();
    let (events, failure) = read(Reply::text(200, &text).drip(7, Duration::from_millis(1))).await;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.application.version(), event.deleted))
        .collect();
    assert_eq!(
        (seen, failure.is_none()),
        (vec![(1, false), (3, true)], true)
    );
}

#[tokio::test]
async fn an_error_within_a_stream_is_as_good_as_a_status() {
    let error =
        |status: u16| json!({ "error": { "http_code": status, "grpc_code": 1, "message": "why" } });
    for (status, kind) in [
        (401, Verdict::Denied),
        (403, Verdict::Denied),
        (503, Verdict::Unavailable),
    ] {
        let text = format!(
            "data: {}\n\ndata: {}\n\n",
            frame("ADDED", "dex-prod", 1),
            error(status)
        );
        let (events, failure) = read(Reply::text(200, &text)).await;
        assert_eq!(
            (events.len(), failure.unwrap().verdict),
            (1, kind),
            "{status}"
        );
    }
    let (_, failure) = read(Reply::text(200, "data: <html>\n\n")).await;
    assert_eq!(failure.unwrap().reason, asking::NOT_THE_API);
}

#[tokio::test]
async fn what_is_no_part_of_the_application_any_more_is_absent() {
    let said = json!({ "error": "x", "code": 3, "message": "Pod dex-1 not found as part of application dex-prod" });
    let (server, world) = (
        Faulty::new([Reply::json(400, &said)]),
        World::for_tests(Duration::ZERO),
    );
    let node = argocd::Node::default();
    assert!(
        at(&world, &server.url())
            .object(&app(), &node)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(server.seen()[0].query("project"), Some("default"));
}

#[tokio::test]
async fn a_sync_that_cannot_be_now_is_told_from_one_that_is_not_allowed() {
    let said = |message: &str| json!({ "error": message, "code": 7, "message": message });
    let world = World::for_tests(Duration::ZERO);
    let ask = async |status, message: &str| {
        let server = Faulty::new([Reply::json(status, &said(message))]);
        at(&world, &server.url()).sync(&app()).await
    };
    assert_eq!(ask(200, "").await.unwrap(), Ok(()));
    let window = "cannot sync: blocked by sync window";
    assert_eq!(ask(403, window).await.unwrap(), Err(window.to_owned()));
    let busy = "another operation is already in progress";
    assert_eq!(ask(400, busy).await.unwrap(), Err(busy.to_owned()));
    let failure = ask(403, "permission denied").await.unwrap_err();
    assert_eq!(failure.reason, asking::PERMISSION_MISSING);
    assert_eq!(
        failure.hints,
        ["add to `argocd-rbac-cm`: `p, role:ci, applications, sync, default/dex-prod, allow`"]
    );
}

#[tokio::test]
async fn a_log_that_may_not_be_read_names_the_line_of_the_policy() {
    let error =
        json!({ "error": { "grpc_code": 7, "http_code": 403, "message": "permission denied" } });
    let (server, world) = (
        Faulty::new([Reply::json(403, &error)]),
        World::for_tests(Duration::ZERO),
    );
    let failure = at(&world, &server.url())
        .log(&app(), ["ns", "pod", "dex"], 25, true)
        .await
        .unwrap_err();
    assert_eq!(failure.reason, asking::PERMISSION_MISSING);
    assert!(
        failure.hints[0].contains("p, role:ci, logs, get, default/dex-prod, allow"),
        "{:?}",
        failure.hints
    );
}

#[tokio::test]
async fn a_server_that_has_tls_says_so_and_is_asked_again() {
    let plain = Faulty::new([Reply::text(
        400,
        "Client sent an HTTP request to an HTTPS server.\n",
    )]);
    let world = World::for_tests(Duration::from_secs(2));
    let failure = at(&world, &plain.address())
        .application(&app())
        .await
        .unwrap_err();
    // The second question spoke TLS, which this one does not.
    assert_eq!(
        (failure.verdict, plain.seen().len()),
        (Verdict::Unavailable, 1)
    );
}

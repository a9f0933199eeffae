//! The client against scripted servers: frames, errors, and the meaning of refusals.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use argocd::{
    ApplicationEvent, ApplicationId, ArgoCd, ArgoOptions, Presence, ResourceNode, SyncAnswer,
};
use contract::{Failure, Verdict, World, asking};
use lab::{Faulty, ScriptedReply};
use serde_json::{Value, json};

fn app() -> ApplicationId {
    ApplicationId {
        name: "dex-prod".to_owned(),
        project: Some("default".to_owned()),
        namespace: None,
    }
}

fn at<'w>(world: &'w World, server: &str) -> ArgoCd<'w> {
    let server = server.parse().unwrap();
    ArgoCd::new(
        world,
        ArgoOptions {
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

/// Reads a stream with this content to its end or its error.
async fn read(reply: ScriptedReply) -> (Vec<ApplicationEvent>, Option<Failure>) {
    let (server, world) = (
        Faulty::new([reply]),
        World::for_tests(Duration::from_secs(20)),
    );
    let argocd = at(&world, &server.url());
    let Presence::Present(mut events) = argocd.events(&app(), false).await.unwrap() else {
        panic!("the server opened no stream")
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
async fn split_frames_are_joined_and_foreign_ones_skipped() {
    let frames = [
        frame("ADDED", "dex-prod", 1),
        frame("ADDED", "dex-prod-2", 2),
        frame("DELETED", "dex-prod", 3),
    ];
    let text: String = frames
        .iter()
        .map(|frame| format!(":\n\ndata: {frame} \n\n"))
        .collect();
    let (events, failure) =
        read(ScriptedReply::text(200, &text).drip(7, Duration::from_millis(1))).await;
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
async fn an_error_frame_means_the_same_as_a_status() {
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
        let (events, failure) = read(ScriptedReply::text(200, &text)).await;
        assert_eq!(
            (events.len(), failure.unwrap().verdict),
            (1, kind),
            "{status}"
        );
    }
    let (_, failure) = read(ScriptedReply::text(200, "data: <html>\n\n")).await;
    assert_eq!(failure.unwrap().reason, asking::NOT_THE_API);
}

#[tokio::test]
async fn an_object_that_left_the_application_is_absent() {
    let message = "Pod dex-1 not found as part of application dex-prod";
    let said = json!({ "error": "x", "code": 3, "message": message });
    let (server, world) = (
        Faulty::new([ScriptedReply::json(400, &said)]),
        World::for_tests(Duration::ZERO),
    );
    let node = ResourceNode::default();
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
async fn a_postponed_sync_differs_from_a_forbidden_one() {
    let said = |message: &str| json!({ "error": message, "code": 7, "message": message });
    let world = World::for_tests(Duration::ZERO);
    let ask = async |status, message: &str| {
        let server = Faulty::new([ScriptedReply::json(status, &said(message))]);
        at(&world, &server.url()).sync(&app()).await
    };
    let accepted = json!({ "metadata": { "name": "dex-prod" } });
    for (body, expected) in [
        (accepted, Ok(SyncAnswer::Accepted)),
        (json!({ "hello": "world" }), Err(asking::NOT_THE_API)),
    ] {
        let server = Faulty::new([ScriptedReply::json(200, &body)]);
        let answer = at(&world, &server.url()).sync(&app()).await;
        assert_eq!(answer.map_err(|failure| failure.reason), expected);
    }
    let window = "cannot sync: blocked by sync window";
    assert_eq!(
        ask(403, window).await.unwrap(),
        SyncAnswer::Refused(window.to_owned())
    );
    let busy = "another operation is already in progress";
    assert_eq!(
        ask(400, busy).await.unwrap(),
        SyncAnswer::Refused(busy.to_owned())
    );
    let failure = ask(403, "permission denied").await.unwrap_err();
    assert_eq!(failure.reason, asking::PERMISSION_MISSING);
    assert_eq!(
        failure.hints,
        ["add to `argocd-rbac-cm`: `p, role:ci, applications, sync, default/dex-prod, allow`"]
    );
}

#[tokio::test]
async fn a_forbidden_log_names_the_missing_policy_line() {
    let error =
        json!({ "error": { "grpc_code": 7, "http_code": 403, "message": "permission denied" } });
    let (server, world) = (
        Faulty::new([ScriptedReply::json(403, &error)]),
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
async fn a_server_that_requires_tls_is_asked_again() {
    let plain = Faulty::new([ScriptedReply::text(
        400,
        "Client sent an HTTP request to an HTTPS server.\n",
    )]);
    let world = World::for_tests(Duration::from_secs(2));
    let failure = at(&world, &plain.address())
        .application(&app())
        .await
        .unwrap_err();
    // The second request used TLS, which this server does not understand.
    assert_eq!(
        (failure.verdict, plain.seen().len()),
        (Verdict::Unavailable, 1)
    );
}

#[tokio::test]
async fn a_token_of_a_cookie_is_told_apart() {
    let said = json!({ "error": "invalid session", "code": 16, "message": "invalid session" });
    for (token, hint) in [
        ("argocd.token=abcdefgh", "without `argocd.token=`"),
        ("abcdefghijklmnop", "generate-token"),
    ] {
        let server = Faulty::new([ScriptedReply::json(401, &said)]);
        let world = World::for_tests(Duration::from_secs(20));
        let options = ArgoOptions {
            server: server.url().parse().unwrap(),
            authorities: None,
            token: Some(world.hide(token)),
        };
        let failure = ArgoCd::new(&world, options).application(&app()).await;
        let failure = failure.unwrap_err();
        assert!(failure.hints[0].contains(hint), "{failure:?}");
    }
}

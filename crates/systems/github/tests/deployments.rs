//! The deployments to an environment, as the lab's GitHub reports them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::time::Duration;

use contract::{Failure, Vars, Verdict, World, asking};
use github::{DeploymentQuery, Deployments};
use lab::{GitRemote, ScriptedReply};
use serde_json::{Value, json};

/// The permissions that reading deployments needs.
const READ: [&str; 1] = ["deployments: read"];

fn server() -> lab::FakeGitHub {
    lab::FakeGitHub::new(&GitRemote::new())
}

fn world(server: &lab::FakeGitHub, permissions: &[&str]) -> World {
    let (url, token) = (server.api_url(), server.token_with(permissions));
    let vars: Vars = [
        ("GITHUB_API_URL", url.as_str()),
        ("GITHUB_TOKEN", token.as_str()),
    ]
    .into_iter()
    .collect();
    World::for_tests_with(Duration::from_secs(60), vars)
}

/// Returns the payload that `record-deployment` writes.
fn payload(tag: &str) -> Value {
    let image = format!("ghcr.io/acme/app:{tag}@sha256:{}", "a".repeat(64));
    json!({ "schema": 1, "overlay": "overlays/prod", "commit": "c".repeat(40), "image": image })
}

async fn ask(
    world: &World,
    environments: &[&str],
    is_enough: impl Fn(&str, &Deployments) -> bool,
) -> Result<Vec<Deployments>, Failure> {
    let environments: Vec<String> = environments.iter().map(|name| (*name).to_owned()).collect();
    let query = DeploymentQuery {
        repository: &"example/dex".parse().unwrap(),
        environments: &environments,
        creators: &[],
    };
    github::deployments(world, &query, is_enough).await
}

/// Asks for all of prod; returns the tags, and whether they are good.
async fn prod(server: &lab::FakeGitHub) -> Vec<(String, bool)> {
    let found = ask(&world(server, &READ), &["prod"], |_, _| false)
        .await
        .unwrap()
        .remove(0);
    assert!(found.is_whole);
    let tag = |image: &contract::Reference| image.tag().unwrap().to_string();
    found
        .list
        .iter()
        .map(|deployment| (tag(&deployment.image), deployment.is_good))
        .collect()
}

fn tags(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected
        .iter()
        .map(|(tag, is_good)| ((*tag).to_owned(), *is_good))
        .collect()
}

#[tokio::test]
async fn an_inactive_success_is_good() {
    let server = server();
    server.deploy("prod", &payload("v1"), &["in_progress", "success"]);
    server.deploy("prod", &payload("v2"), &["in_progress", "success"]);
    server.deploy("prod", &payload("v3"), &["in_progress"]);
    assert_eq!(
        prod(&server).await,
        tags(&[("v3", false), ("v2", true), ("v1", true)])
    );
}

#[tokio::test]
async fn the_last_status_of_a_deployment_counts() {
    let server = server();
    server.deploy("prod", &payload("v1"), &["failure", "success"]);
    server.deploy("prod", &payload("v2"), &["success"]);
    server.say_of_deployment(0, "failure");
    server.deploy("prod", &payload("v3"), &["error"]);
    assert_eq!(
        prod(&server).await,
        tags(&[("v3", false), ("v2", false), ("v1", true)])
    );
}

#[tokio::test]
async fn only_deployments_of_record_deployment_count() {
    let server = server();
    server.deploy("prod", &payload("v1"), &["success"]);
    server.deploy(
        "prod",
        &Value::from(payload("v2").to_string()),
        &["success"],
    );
    for other in [
        json!({}),
        json!(""),
        json!({ "schema": 2 }),
        json!("made by a job"),
    ] {
        server.deploy("prod", &other, &["success"]);
    }
    assert_eq!(prod(&server).await, tags(&[("v2", true), ("v1", true)]));
}

#[tokio::test]
async fn several_environments_are_one_request() {
    let server = server();
    server.deploy("stage", &payload("v2"), &["success"]);
    server.deploy("prod", &payload("v1"), &["success"]);
    let world = world(&server, &READ);
    let found = ask(&world, &["prod", "stage", "nowhere"], |_, _| false)
        .await
        .unwrap();
    let first = |at: usize| {
        found[at]
            .list
            .first()
            .map(|one| one.image.tag().unwrap().to_string())
    };
    assert_eq!(
        [0, 1, 2].map(first),
        [Some("v1".to_owned()), Some("v2".to_owned()), None]
    );
    assert_eq!((found[2].is_whole, found[2].looked_at), (true, 0));
    assert_eq!(server.asked(), ["query Deployments"]);
}

#[tokio::test]
async fn pages_are_read_until_enough_or_a_thousand() {
    let server = server();
    server.deploy("prod", &payload("v1"), &["success"]);
    for _ in 0..150 {
        server.deploy("prod", &json!({}), &[]);
    }
    server.deploy("stage", &payload("v1"), &["success"]);
    let found = ask(&world(&server, &READ), &["prod", "stage"], |_, found| {
        !found.list.is_empty()
    })
    .await;
    let found = found.unwrap();
    assert_eq!(
        (found[0].list.len(), found[0].looked_at, found[0].is_whole),
        (1, 151, true)
    );
    assert_eq!(server.asked(), ["query Deployments"; 2]);
    assert!(
        !String::from_utf8_lossy(&server.seen()[1].body).contains("stage"),
        "enough of it was read before"
    );
    for _ in 0..1000 {
        server.deploy("prod", &json!({}), &[]);
    }
    let found = ask(&world(&server, &READ), &["prod"], |_, found| {
        !found.list.is_empty()
    })
    .await
    .unwrap();
    assert_eq!(
        (found[0].list.len(), found[0].looked_at, found[0].is_whole),
        (0, 1000, false)
    );
}

#[tokio::test]
async fn the_hint_names_the_missing_permission() {
    let server = server();
    server.deploy("prod", &payload("v1"), &["success"]);
    let world = world(&server, &["contents: write", "pull-requests: write"]);
    let failure = ask(&world, &["prod"], |_, _| false).await.unwrap_err();
    assert_eq!(
        (failure.verdict, failure.reason),
        (Verdict::Denied, asking::PERMISSION_MISSING)
    );
    assert!(
        failure.hints.join(" ").contains("`deployments: read`"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_partial_answer_is_a_failure() {
    let server = server();
    let world = world(&server, &READ);
    let page = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [] });
    let error = json!({ "message": "Something went wrong", "path": ["repository", "e1"] });
    let half = json!({ "data": { "repository": { "e0": page, "e1": null } }, "errors": [error] });
    for (reply, reason) in [
        (ScriptedReply::json(200, &half), asking::SERVER_ERROR),
        (
            ScriptedReply::json(200, &json!({ "data": { "repository": { "e0": page } } })),
            asking::NOT_THE_API,
        ),
        (
            ScriptedReply::json(200, &json!({ "data": { "repository": null } })),
            asking::NOT_THE_API,
        ),
    ] {
        server.answer_next([reply]);
        let failure = ask(&world, &["prod", "stage"], |_, _| false)
            .await
            .unwrap_err();
        assert_eq!(
            (failure.verdict, failure.reason),
            (Verdict::Unavailable, reason)
        );
    }
}

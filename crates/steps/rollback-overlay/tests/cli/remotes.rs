//! Which remote, and what a remote may refuse.

use super::{ProdWorld, left_nothing, rollback};

#[test]
fn the_workflows_token_works_over_http() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let http = world.remote.http("x-access-token", "ghs_token");
    let command = rollback().args(["--image", &world.name(), "--branch", "main"]);
    let command = command.args(["--overlay", "infra/argocd/overlays/prod"]);
    let run = command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SERVER_URL", format!("http://{}", http.address()))
        .env("GITHUB_REPOSITORY", "remote.git")
        .env("GITHUB_RUN_ID", "42")
        .env("GITHUB_TOKEN", "ghs_token")
        .run();
    run.expect_code(0);
    assert!(
        !run.stdout.contains("ghs_token") || run.stdout.contains("::add-mask::"),
        "{run}"
    );
    let commit = &world.remote.log("main")[0];
    let url = format!("http://{}/remote.git/actions/runs/42", http.address());
    assert_eq!(commit.trailer("Runbook-Run"), Some(url.as_str()));
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_transient_error_is_retried() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let http = world.remote.http_open();
    http.answer_next([502, 503, 500]);
    world.at(&http.url(), &["prod"]).run().expect_code(0);
    http.answer_always(502);
    world
        .at(&http.url(), &["prod"])
        .args(["--timeout", "3s"])
        .run()
        .expect_code(20);
}

#[test]
fn protection_hooks_and_missing_branches_are_told_apart() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world
        .remote
        .reject_with("error: GH006: Protected branch update failed for refs/heads/main.");
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(21);
    assert!(
        run.json()["hints"].to_string().contains("contents: write"),
        "{run}"
    );
    world.remote.reject_with("no rollbacks on Friday");
    let run = world.roll_back(&[]).run();
    run.expect_code(10);
    insta::assert_snapshot!(world.first_line(&run), @"refused: the remote declined the push to `main`, pre-receive hook declined: no rollbacks on Friday [policy]");
    let command = ProdWorld::of(&world.name(), "nope", &world.remote.url(), &["prod"]);
    let run = command.clone().args(["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "branch-missing");
    left_nothing(&command);
}

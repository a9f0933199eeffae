//! Through GitHub's API: no git, a commit that GitHub signs, and a pull request where a rule wants
//! one.

use lab::{FakeGitHub, ScriptedReply, github::Protection};

use super::{ProdWorld, left_nothing};

fn protected() -> Protection {
    Protection {
        reviews: 1,
        ..Protection::default()
    }
}

#[test]
fn one_verified_commit_restores_the_previous_image() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    let token = server.token_with(&["contents: write"]);
    let command = world
        .on(&server, &token, &["prod"])
        .arg("--require-verified");
    let run = command.run();
    run.expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
    let log = world.remote.log("main");
    assert_eq!((log.len(), run.stdout.trim()), (3, log[0].id.as_str()));
    assert_eq!(
        log[0].trailer("Runbook-Rollback-Of"),
        Some(world.image("v2").as_str())
    );
    assert_eq!(log[0].trailer("Runbook-Restores"), Some(log[2].id.as_str()));
    assert_eq!(
        server.asked(),
        [
            "query Read",
            "query History",
            "query Files",
            "mutation Commit"
        ]
    );
    left_nothing(&command);
}

#[test]
fn the_second_run_finds_it_done() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    let bad = world.image("v2");
    let one = || {
        world
            .on(&server, &server.token(), &["prod"])
            .args(["--bad", &bad])
            .spawn()
    };
    let both = [one(), one()];
    for run in both {
        run.wait().expect_code(0);
    }
    assert_eq!(
        (world.remote.log("main").len(), world.file()),
        (3, world.prod("v1"))
    );
}

#[test]
fn another_writers_commit_is_kept() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    server.on_next_commit(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    world
        .on(&server, &server.token(), &["prod"])
        .run()
        .expect_code(0);
    assert_eq!(
        (world.remote.log("main").len(), world.file()),
        (4, world.prod("v1"))
    );
}

#[test]
fn a_lost_answer_makes_no_second_commit() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    server.lose_answer(1, ScriptedReply::hang_up());
    world
        .on(&server, &server.token(), &["prod"])
        .run()
        .expect_code(0);
    assert_eq!(
        (world.remote.log("main").len(), world.file()),
        (3, world.prod("v1"))
    );
}

#[test]
fn a_protected_branch_gets_a_pull_request() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    server.protect("main", protected());
    let token = server.token();
    let refused = world.on(&server, &token, &["prod"]).run();
    refused.expect_code(21);
    assert!(
        refused.stderr.contains("`--pull-request fallback`"),
        "{refused}"
    );
    server.merge_at_poll(2);
    let run = world
        .on(&server, &token, &["prod"])
        .args(["--pull-request", "fallback"])
        .run();
    run.expect_code(0);
    insta::assert_snapshot!(world.first_line(&run), @"passed: merged pull request #1 into `main` as COMMIT: `infra/argocd/overlays/prod/kustomization.yaml` from REGISTRY/acme/app:v2 back to REGISTRY/acme/app:v1");
    assert_eq!(
        (world.file(), run.stdout.trim()),
        (world.prod("v1"), world.remote.tip("main").as_str())
    );
    let pulls = server.pulls();
    assert_eq!(pulls.len(), 1);
    assert!(pulls[0].title.starts_with("rollback(prod): "), "{pulls:?}");
}

#[test]
fn an_unmerged_pull_request_is_not_yet() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    let always = [
        "--pull-request",
        "always",
        "--timeout",
        "0",
        "--format",
        "json",
    ];
    let report = world
        .on(&server, &server.token(), &["prod"])
        .args(always)
        .run()
        .json();
    assert_eq!(
        (&report["exit"], &report["reason"]),
        (&11.into(), &"not-merged".into())
    );
    let facts = &report["facts"];
    assert_eq!(
        (&facts["commit"], &facts["changed"]),
        (&"".into(), &false.into())
    );
    assert_eq!(
        facts["pull_request"],
        "https://github.com/example/dex/pull/1"
    );
    assert_eq!(facts["image"], serde_json::json!([world.image("v2")]));
    assert_eq!(world.file(), world.prod("v2"));
}

#[test]
fn missing_branches_and_dry_runs_write_nothing() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let server = FakeGitHub::new(&world.remote);
    let token = server.token_with(&["contents: read"]);
    world
        .on(&server, &token, &["prod"])
        .arg("--dry-run")
        .run()
        .expect_code(0);
    assert_eq!(world.remote.log("main").len(), 2);
    world.remote.git(&["update-ref", "-d", "refs/heads/main"]);
    let gone = world.on(&server, &token, &["prod"]).run();
    gone.expect_code(10);
    assert!(
        gone.stderr.contains("`example/dex` has no branch `main`"),
        "{gone}"
    );
}

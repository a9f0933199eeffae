//! Pull requests: one for each set of overlays, kept up to date, waited for.

mod fallback;
mod rulesets;

use std::{sync::mpsc, thread};

use lab::{
    FakeGitHub, GitRemote, HermeticCommand, Running,
    github::{GitHubPull, GitHubPullState, Protection},
    repo::TreeChange,
};

use super::{NEW, OLD, PROD, STAGE, bump, first_line, ordinary, remote, said, writing};
use lab::overlays;

const NEWER: &str = "registry.example/example/dex:sha-7d3f0a11";

/// A bump of these environments to this image, through a pull request.
fn proposing(
    server: &FakeGitHub,
    token: &str,
    image: &str,
    environments: &[&str],
) -> HermeticCommand {
    let command = bump().args([
        "--image",
        image,
        "--branch",
        "main",
        "--repository",
        "example/dex",
    ]);
    let command = environments.iter().fold(command, |command, environment| {
        command.args([
            "--overlay".to_owned(),
            format!("infra/argocd/overlays/{environment}"),
        ])
    });
    server.environment(
        command.args(["--pull-request", "always", "--format", "json"]),
        token,
    )
}

/// Runs it without waiting, which leaves the pull request open.
fn left_open(command: HermeticCommand) {
    let run = command.args(["--timeout", "0"]).run();
    run.expect_code(11);
    assert_eq!(run.json()["reason"], "not-merged");
}

/// Starts a run for stage with output for people, and returns once the run waits.
fn waiting(server: &FakeGitHub, token: &str) -> Running {
    let flags = ["--repository", "example/dex", "--pull-request", "always"];
    let mut run = server
        .environment(writing(&flags, &["stage"]), token)
        .spawn();
    run.wait_for("pull request #1 to be merged");
    run
}

fn states(server: &FakeGitHub) -> Vec<GitHubPullState> {
    server.pulls().into_iter().map(|pull| pull.state).collect()
}

/// The branches other than `main`.
fn heads(remote: &GitRemote) -> Vec<String> {
    remote
        .branches()
        .into_iter()
        .filter(|name| name != "main")
        .collect()
}

/// Bumps stage and prod with a pull request that is merged at the third poll; returns the report.
fn merged(remote: &GitRemote, server: &FakeGitHub) -> serde_json::Value {
    server.merge_at_poll(3);
    let command = proposing(server, &server.token(), NEW, &["stage", "prod"])
        .args(["--require-verified", "--source-commit"])
        .arg("51c0cc9c".repeat(5));
    let run = command.env("PATH", "/nowhere").run();
    run.expect_code(0);
    assert_eq!(remote.log("main")[0].trailer("Runbook-Image"), Some(NEW));
    run.json()
}

#[test]
fn the_step_waits_for_the_merge_commit() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let (report, tip) = (merged(&remote, &server), remote.tip("main"));
    assert_eq!(
        (&report["facts"]["commit"], &report["facts"]["changed"]),
        (&tip.as_str().into(), &true.into())
    );
    assert_eq!(
        report["facts"]["pull_request"],
        "https://github.com/example/dex/pull/1"
    );
    assert_eq!(
        remote.file("main", STAGE),
        Some(overlays::stage("sha-51c0cc9c"))
    );
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
}

#[test]
fn polling_a_pull_request_is_cheap() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    merged(&remote, &server);
    insta::assert_snapshot!(server.asked().join("\n"), @"
    query Read
    query History
    query Files
    query Ancestry
    query Situation
    mutation Branch
    mutation Commit
    mutation Open
    GET /api/v3/repos/example/dex/pulls/1
    GET /api/v3/repos/example/dex/pulls/1
    GET /api/v3/repos/example/dex/pulls/1
    query Signature
    ");
    let tagged = server
        .seen()
        .iter()
        .filter(|seen| seen.header("if-none-match").is_some())
        .count();
    assert_eq!(tagged, 2, "an unchanged answer costs no rate limit");
}

#[test]
fn a_pull_request_says_what_the_commit_says() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    merged(&remote, &server);
    let GitHubPull {
        title, body, head, ..
    } = server.pulls().remove(0);
    insta::assert_snapshot!(format!("{head}\n{title}\n{body}"), @r#"
    runbook/main/prod-stage-b1a45abd
    deploy(stage,prod): registry.example/example/dex:sha-51c0cc9c
    <!-- runbook: ["infra/argocd/overlays/prod","infra/argocd/overlays/stage"] -->

    Runbook-Source: 51c0cc9c51c0cc9c51c0cc9c51c0cc9c51c0cc9c
    Runbook-Image: registry.example/example/dex:sha-51c0cc9c
    "#);
}

#[test]
fn an_unmerged_pull_request_is_not_yet() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let run = proposing(&server, &server.token(), NEW, &["prod"])
        .args(["--timeout", "2s"])
        .run();
    run.expect_code(11);
    insta::assert_snapshot!(first_line(&run, &remote), @"not-yet: pull request #1 for registry.example/example/dex:sha-51c0cc9c is still open [not-merged]");
    let facts = &run.json()["facts"];
    assert_eq!(
        facts["pull_request"],
        "https://github.com/example/dex/pull/1"
    );
    assert_eq!(
        (&facts["commit"], &facts["changed"]),
        (&"".into(), &false.into())
    );
    assert_eq!(
        facts["image"],
        serde_json::json!([format!("registry.example/example/dex:{OLD}")])
    );
}

#[test]
fn the_second_run_reuses_the_pull_request() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage", "prod"]));
    let (pulls, head) = (server.pulls(), remote.tip(&heads(&remote)[0]));
    let changes = |server: &FakeGitHub| {
        server
            .asked()
            .iter()
            .filter(|asked| asked.starts_with("mut"))
            .count()
    };
    let before = changes(&server);
    left_open(proposing(
        &server,
        &token,
        NEW,
        &["stage/kustomization.yaml", "prod"],
    ));
    assert_eq!(
        (
            server.pulls(),
            remote.tip(&heads(&remote)[0]),
            changes(&server)
        ),
        (pulls, head, before)
    );
}

#[test]
fn a_newer_image_takes_over_the_pull_request() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    let older = waiting(&server, &token);
    remote.commit("main", &[("human.txt", "me too\n", false)], "docs: human\n");
    left_open(proposing(&server, &token, NEWER, &["stage"]));
    let run = older.wait();
    run.expect_code(12);
    insta::assert_snapshot!(first_line(&run, &remote), @"superseded: a later run replaced the change in pull request #1: registry.example/example/dex:sha-51c0cc9c is not in it [newer-image]");
    let pulls = server.pulls();
    assert_eq!(
        (pulls.len(), pulls[0].title.as_str()),
        (
            1,
            "deploy(stage): registry.example/example/dex:sha-7d3f0a11"
        )
    );
    assert_eq!(
        heads(&remote),
        [pulls[0].head.clone()],
        "nothing else is left"
    );
    let log = remote.log(&pulls[0].head);
    assert_eq!(
        (log.len(), &log[0].parents[0]),
        (3, &remote.tip("main")),
        "one commit, on the tip"
    );
    assert_eq!(
        remote.file(&pulls[0].head, STAGE),
        Some(overlays::stage("sha-7d3f0a11"))
    );
}

#[test]
fn a_larger_set_closes_the_smaller_pull_request() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    left_open(proposing(&server, &token, NEW, &["stage", "prod"]));
    assert_eq!(
        states(&server),
        [GitHubPullState::Closed, GitHubPullState::Open]
    );
    assert!(
        server.pulls()[0].body.contains("Superseded by #2."),
        "{:?}",
        server.pulls()
    );
    assert_eq!(heads(&remote), [server.pulls()[1].head.clone()]);
    left_open(proposing(&server, &token, NEW, &["stage"]));
    assert_eq!(
        states(&server),
        [
            GitHubPullState::Closed,
            GitHubPullState::Open,
            GitHubPullState::Open
        ],
        "a smaller one closes nothing"
    );
}

#[test]
fn a_pull_request_that_is_not_ours_stays_open() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let stage = server.pulls()[0].head.clone();
    server.close(1);
    remote.commit("develop", &[("x", "x", false)], "feat: x\n");
    let marker = |set: &str| format!("Release notes:\n<!-- runbook: {set} -->\nthanks");
    let of_stage = marker("[\"infra/argocd/overlays/stage\"]");
    let own = "release-app[bot]";
    for (author, head, body) in [
        (own, "develop", &marker("[]")),
        (own, "develop", &of_stage),
        (own, &*stage, &marker("[]")),
        ("mallory", &*stage, &of_stage),
        ("release-app", &*stage, &of_stage),
    ] {
        server.open_as(author, head, "main", body);
    }
    let open = |server: &FakeGitHub| {
        let states = states(server);
        let open = states
            .iter()
            .filter(|state| **state == GitHubPullState::Open);
        open.count()
    };
    left_open(proposing(&server, &token, NEW, &["stage", "prod"]));
    assert_eq!(open(&server), 6);
    assert!(heads(&remote).contains(&stage) && remote.branches().contains(&"develop".to_owned()));
    server.open_as(own, &stage, "main", &of_stage);
    left_open(proposing(
        &server,
        &token,
        "registry.example/example/dex:v9",
        &["stage", "prod"],
    ));
    assert_eq!(open(&server), 6);
    assert!(!heads(&remote).contains(&stage));
}

#[test]
fn a_commit_that_another_person_added_is_not_proposed() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let head = heads(&remote)[0].clone();
    let added = [TreeChange::file("src/backdoor.rs", "1\n")];
    remote.change(&head, &added, "feat: mine\n");
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let paths = remote.git(&["diff", "--name-only", "main", &remote.tip(&head)]);
    assert_eq!(paths.lines().collect::<Vec<_>>(), [STAGE]);
}

#[test]
fn a_merged_and_undone_change_is_proposed_again() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    server.merge(1);
    remote.commit(
        "main",
        &[(STAGE, &overlays::stage(OLD), false)],
        "rollback: stage\n",
    );
    left_open(proposing(&server, &token, NEW, &["stage"]));
    server.merge(2);
    assert_eq!(
        remote.file("main", STAGE),
        Some(overlays::stage("sha-51c0cc9c"))
    );
}

#[test]
fn an_updated_pull_request_branch_keeps_the_image() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    let run = waiting(&server, &token);
    remote.commit(
        &server.pulls()[0].head,
        &[("human.txt", "looks good\n", false)],
        "docs: human\n",
    );
    server.merge_at_poll(1);
    let run = run.wait();
    run.expect_code(0);
    assert_eq!(run.stdout.trim(), remote.tip("main"));
}

#[test]
fn a_closed_pull_request_is_refused() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let run = waiting(&server, &server.token());
    server.close(1);
    let run = run.wait();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: pull request #1 for registry.example/example/dex:sha-51c0cc9c was closed without being merged [pull-request-closed]");
}

#[test]
fn an_outage_does_not_end_the_wait() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let run = waiting(&server, &server.token());
    server.answer_next(vec![lab::ScriptedReply::html(502); 6]);
    server.merge_at_poll(1);
    run.wait().expect_code(0);
}

#[test]
fn a_lost_answer_makes_no_second_pull_request() {
    for nth in 1..=3 {
        let remote = ordinary();
        let server = FakeGitHub::new(&remote);
        server.lose_answer(nth, lab::ScriptedReply::html(502));
        left_open(proposing(&server, &server.token(), NEW, &["stage"]));
        assert_eq!(
            (server.pulls().len(), heads(&remote).len()),
            (1, 1),
            "{nth}"
        );
        assert_eq!(remote.log(&heads(&remote)[0]).len(), 2, "{nth}");
    }
}

#[test]
fn a_race_on_the_base_leaves_nothing() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let head = heads(&remote).remove(0);
    let theirs = head.clone();
    server.on_next_commit(move |remote| {
        remote.commit(
            &theirs,
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    proposing(&server, &token, NEWER, &["stage"])
        .args(["--timeout", "3s"])
        .run()
        .expect_code(11);
    assert_eq!(
        (server.pulls().len(), heads(&remote)),
        (1, vec![head.clone()])
    );
    assert_eq!(
        remote.file(&head, STAGE),
        Some(overlays::stage("sha-7d3f0a11"))
    );
}

#[test]
fn a_forks_branch_of_that_name_is_ignored() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let head = heads(&remote).remove(0);
    server.close(1);
    server.open_from_fork(&head, "main");
    left_open(proposing(&server, &token, NEW, &["stage"]));
    assert_eq!(
        states(&server),
        [
            GitHubPullState::Closed,
            GitHubPullState::Open,
            GitHubPullState::Open
        ]
    );
    assert_eq!(
        (server.pulls()[1].title.as_str(), &server.pulls()[2].head),
        ("", &head)
    );
    let flags = ["--repository", "example/dex", "--pull-request", "fallback"];
    server
        .environment(writing(&flags, &["stage"]), &token)
        .run()
        .expect_code(0);
    assert_eq!(
        states(&server),
        [
            GitHubPullState::Closed,
            GitHubPullState::Open,
            GitHubPullState::Closed
        ]
    );
}

#[test]
fn a_push_through_git_closes_the_pull_request() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    proposing(&server, &token, NEW, &["stage", "prod"])
        .args(["--timeout", "0"])
        .run()
        .expect_code(11);
    let flags = ["--repository", "example/dex", "--pull-request", "fallback"];
    server
        .environment(writing(&flags, &["stage", "prod"]), &token)
        .run()
        .expect_code(0);
    assert_eq!(
        (states(&server), heads(&remote).len()),
        (vec![GitHubPullState::Closed], 0)
    );
}

#[test]
fn the_next_run_takes_over_a_killed_run() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let head = heads(&remote)[0].clone();
    // The run was killed after its commit and before it moved the pull request's branch.
    remote.git(&["branch", &format!("{head}-next"), &remote.tip(&head)]);
    left_open(proposing(&server, &token, NEWER, &["stage"]));
    assert_eq!(heads(&remote), std::slice::from_ref(&head));
    assert_eq!(
        remote.file(&head, STAGE),
        Some(overlays::stage("sha-7d3f0a11"))
    );
}

#[test]
fn five_runs_at_once_leave_one_pull_request() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    left_open(proposing(&server, &token, NEW, &["stage"]));
    let image = |digit: usize| format!("registry.example/example/dex:{digit}");
    let (ends, ended) = mpsc::channel();
    for digit in 0..5 {
        let run = proposing(&server, &token, &image(digit), &["stage"]);
        let run = run.args(["--timeout", "5m"]).spawn();
        let ends = ends.clone();
        thread::spawn(move || ends.send(run.wait()));
    }
    // Only the last one goes on waiting, until its pull request is merged.
    for _ in 0..4 {
        ended.recv().unwrap().expect_code(12);
    }
    server.merge(1);
    ended.recv().unwrap().expect_code(0);
    let pulls = server.pulls();
    assert_eq!(
        (pulls.len(), heads(&remote)),
        (1, vec![pulls[0].head.clone()])
    );
    let log = remote.log(&pulls[0].head);
    assert_eq!(pulls[0].title, log[0].title());
}

#[test]
fn dry_runs_and_deployed_images_propose_nothing() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    proposing(&server, &token, NEW, &["stage"])
        .arg("--dry-run")
        .run()
        .expect_code(0);
    let old = format!("registry.example/example/dex:{OLD}");
    let run = proposing(&server, &token, &old, &["stage"]).run();
    run.expect_code(0);
    assert_eq!(
        (&run.json()["verdict"], &run.json()["facts"]["commit"]),
        (&"unchanged".into(), &remote.tip("main").into())
    );
    assert_eq!((server.pulls(), heads(&remote).len()), (Vec::new(), 0));
}

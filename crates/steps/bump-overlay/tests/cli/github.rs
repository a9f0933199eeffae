//! Through GitHub's API: five requests, no git, and what GitHub may say to it.

use lab::{FakeGitHub, GitRemote, HermeticCommand, ScriptedReply, github::Protection};

use super::{
    NEW, PROD, STAGE, bump, first_line, left_nothing, ordinary, remote, said, ten_writers, writing,
};
use lab::overlays;

/// The requests before a write: the files, their history, their earlier content, and the ancestry.
const QUESTIONS: [&str; 4] = [
    "query Read",
    "query History",
    "query Files",
    "query Ancestry",
];

/// Stage and prod on `main`, with this token, and without git.
fn both(server: &FakeGitHub, token: &str) -> HermeticCommand {
    let command = writing(&["--repository", "example/dex"], &["stage", "prod"]);
    server.environment(command, token).env("PATH", "/nowhere")
}

#[test]
fn one_verified_commit_takes_five_requests() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let command = both(&server, &server.token_with(&["contents: write"])).arg("--require-verified");
    let run = command.run();
    run.expect_code(0);
    insta::assert_snapshot!(first_line(&run, &remote), @"passed: committed COMMIT to `main`: registry.example/example/dex:sha-51c0cc9c in `infra/argocd/overlays/stage/kustomization.yaml`, `infra/argocd/overlays/prod/kustomization.yaml` (2 lines)");
    let log = remote.log("main");
    assert_eq!((log.len(), run.stdout.trim()), (2, log[0].id.as_str()));
    insta::assert_snapshot!(log[0].message, @"
    deploy(stage,prod): registry.example/example/dex:sha-51c0cc9c

    Runbook-Image: registry.example/example/dex:sha-51c0cc9c
    ");
    assert_eq!(
        remote.file("main", STAGE),
        Some(overlays::stage("sha-51c0cc9c"))
    );
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
    assert_eq!(
        server.asked(),
        [&QUESTIONS[..], &["mutation Commit"]].concat()
    );
    left_nothing(&command);
    let again = command.run();
    again.expect_code(0);
    assert_eq!((again.stdout, server.asked().len()), (run.stdout, 6));
}

#[test]
fn a_token_on_a_runner_selects_the_api() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.built_in_token(&["contents: write"]);
    let command = writing(&[], &["stage"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_RUN_ID", "42");
    let command = command
        .env("GITHUB_REPOSITORY", "example/dex")
        .args(["--format", "plain"]);
    server
        .environment(command, &token)
        .env("PATH", "/nowhere")
        .run()
        .expect_code(0);
    let commit = &remote.log("main")[0];
    assert!(commit.author.starts_with("github-actions[bot] "));
    let url = format!("{}/example/dex/actions/runs/42", server.url());
    assert_eq!(commit.trailer("Runbook-Run"), Some(url.as_str()));
}

#[test]
fn a_forge_without_githubs_api_gets_a_push() {
    let remote = ordinary();
    let http = remote.http("x-access-token", "token");
    let command = writing(&[], &["stage"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_TOKEN", "token");
    let command = command
        .env("GITHUB_REPOSITORY", "remote.git")
        .args(["--format", "plain"]);
    let url = format!("http://{}", http.address());
    let command = command
        .env("GITHUB_API_URL", format!("{url}/api/v1"))
        .env("GITHUB_SERVER_URL", url);
    command.run().expect_code(0);
    assert_eq!(remote.log("main").len(), 2);
}

#[test]
fn a_dry_run_reads_and_writes_nothing() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let run = both(&server, &server.token_with(&["contents: read"]))
        .arg("--dry-run")
        .run();
    run.expect_code(0);
    assert!(run.stderr.contains("+    newTag: sha-51c0cc9c"), "{run}");
    assert_eq!(server.asked(), QUESTIONS);
    assert_eq!(remote.log("main").len(), 1);
}

#[test]
fn another_writers_commit_is_kept() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    server.on_next_commit(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    both(&server, &server.token()).run().expect_code(0);
    let titles: Vec<_> = remote
        .log("main")
        .iter()
        .map(|commit| commit.title().to_owned())
        .collect();
    assert_eq!(
        titles,
        [
            &format!("deploy(stage,prod): {NEW}"),
            "docs: human",
            "feat: start"
        ]
    );
    assert_eq!(
        remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    assert_eq!(server.asked().len(), 10, "the guards judge again");
}

#[test]
fn a_lost_answer_makes_no_second_commit() {
    for reply in [ScriptedReply::hang_up(), ScriptedReply::html(502)] {
        let remote = ordinary();
        let server = FakeGitHub::new(&remote);
        server.lose_answer(1, reply);
        let run = both(&server, &server.token()).run();
        run.expect_code(0);
        assert_eq!(
            (remote.log("main").len(), run.stdout.trim()),
            (2, remote.tip("main").as_str())
        );
        assert!(run.stderr.contains("passed: committed"), "{run}");
    }
}

#[test]
fn transient_errors_are_retried_until_the_deadline() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let command = both(&server, &server.token());
    server.answer_next([ScriptedReply::html(502), ScriptedReply::hang_up()]);
    server.answer_next_change(ScriptedReply::html(502));
    command.run().expect_code(0);
    assert_eq!(remote.log("main").len(), 2);
    server.answer_next(vec![ScriptedReply::html(502); 100]);
    let run = command.args(["--timeout", "2s"]).run();
    run.expect_code(20);
    assert!(
        run.stderr.contains("unavailable: ") && run.elapsed.as_secs() < 20,
        "{run}"
    );
}

#[test]
fn ten_writers_all_land_in_a_linear_history() {
    let remote = GitRemote::new();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    ten_writers(&remote, |bump| {
        server.environment(bump.args(["--repository", "example/dex"]), &token)
    });
}

#[test]
fn an_executable_file_goes_through_git() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let token = server.token_with(&["contents: write"]);
    let command = server.environment(
        writing(&["--repository", "example/dex"], &["stage", "prod"]),
        &token,
    );
    let refused = command.clone().arg("--require-verified").run();
    refused.expect_code(10);
    insta::assert_snapshot!(said(&refused, &remote), @r#"
    refused: nothing was written: `infra/argocd/overlays/prod/kustomization.yaml` has the run bit, which GitHub's API would take away, and git would not sign the commit [unverified]
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    hint: remove the executable bit: `git update-index --chmod=-x infra/argocd/overlays/prod/kustomization.yaml`, and commit
    reproduce: RUNBOOK_GITHUB_TOKEN="$RUNBOOK_GITHUB_TOKEN" bump-overlay --image registry.example/example/dex:sha-51c0cc9c --branch main --repository example/dex --overlay infra/argocd/overlays/stage --overlay infra/argocd/overlays/prod --require-verified
    "#);
    assert_eq!(remote.log("main").len(), 1);
    let run = command.run();
    run.expect_code(0);
    assert!(
        run.stderr.contains(
            "has the run bit, which GitHub's API would take away, so it went through git"
        )
    );
    assert_eq!(remote.mode("main", PROD).as_deref(), Some("100755"));
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
}

#[test]
fn an_unverified_commit_is_refused_and_named() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    server.leave_unsigned();
    let run = both(&server, &server.token())
        .arg("--require-verified")
        .run();
    run.expect_code(10);
    insta::assert_snapshot!(said(&run, &remote).lines().take(2).collect::<Vec<_>>().join("\n"), @"
    refused: committed COMMIT to `main`, but GitHub does not show it as verified: it is not signed [unverified]
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    ");
    assert_eq!(remote.log("main").len(), 2);
}

#[test]
fn a_protected_branch_needs_a_bypassing_token() {
    let classic = Protection {
        classic: true,
        reviews: 1,
        checks: vec!["build"],
    };
    for (protection, word) in [
        (classic, "approving review"),
        (Protection::default(), "through a pull request"),
    ] {
        let remote = ordinary();
        let server = FakeGitHub::new(&remote);
        server.protect("main", protection);
        let run = both(&server, &server.token())
            .args(["--format", "json"])
            .run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing");
        assert!(
            run.json()["summary"].as_str().unwrap().contains(word),
            "{run}"
        );
        assert!(
            run.json()["hints"].to_string().contains("contents: write"),
            "{run}"
        );
        assert_eq!(remote.log("main").len(), 1);
        both(&server, &server.bypassing_token())
            .run()
            .expect_code(0);
    }
}

#[test]
fn a_rule_about_content_is_a_policy() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    server.decline_with("Push cannot contain secrets\n\n- GitHub Personal Access Token");
    let run = both(&server, &server.token()).run();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: the remote declined the push to `main`, Push cannot contain secrets: - GitHub Personal Access Token [policy]");
}

#[test]
fn a_missing_branch_is_refused() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let flags = [
        "--overlay",
        STAGE,
        "--image",
        NEW,
        "--branch",
        "nope",
        "--repository",
        "example/dex",
    ];
    let run = server
        .environment(bump().args(flags), &server.token())
        .run();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: `example/dex` has no branch `nope` [branch-missing]");
}

#[test]
fn each_missing_permission_is_named() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    for (permissions, line) in [
        (&["contents: read"][..], "contents: write"),
        (&[], "contents: read"),
    ] {
        let run = both(&server, &server.token_with(permissions))
            .args(["--format", "json"])
            .run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing");
        assert!(run.json()["hints"].to_string().contains(line), "{run}");
    }
    let run = both(&server, "ghs_expired").run();
    run.expect_code(21);
    assert!(run.stderr.contains("[credentials-rejected]"), "{run}");
    let run = both(&server, "").run();
    run.expect_code(21);
    assert!(
        run.stderr.contains("[no-credentials]") && run.stderr.contains("RUNBOOK_GITHUB_TOKEN"),
        "{run}"
    );
    assert_eq!(remote.log("main").len(), 1);
}

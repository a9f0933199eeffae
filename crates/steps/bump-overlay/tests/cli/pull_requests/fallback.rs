//! A pull request where a branch is protected, and what the token may do.

use super::*;

#[test]
fn the_fallback_only_follows_a_protected_branch() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    let flags = ["--repository", "example/dex", "--pull-request", "fallback"];
    let command = || server.environment(writing(&flags, &["stage"]), &token);
    server.protect("main", Protection::default());
    let run = command().args(["--timeout", "0"]).run();
    run.expect_code(11);
    insta::assert_snapshot!(said(&run, &remote), @r#"
    not-yet: pull request #1 for registry.example/example/dex:sha-51c0cc9c is still open [not-merged]
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    note: `main` is protected, so it went through a pull request: Changes must be made through a pull request.
    note: `infra/argocd/overlays/stage/kustomization.yaml`: line 18: `example/dex` was found by its newName
    hint: merge https://github.com/example/dex/pull/1, and run it again
    reproduce: RUNBOOK_GITHUB_TOKEN="$RUNBOOK_GITHUB_TOKEN" bump-overlay --image registry.example/example/dex:sha-51c0cc9c --branch main --repository example/dex --pull-request fallback --overlay infra/argocd/overlays/stage --timeout 0
    "#);
    let direct = server.environment(writing(&flags, &["stage"]), &server.bypassing_token());
    direct.run().expect_code(0);
    assert_eq!(
        remote.file("main", STAGE),
        Some(overlays::stage("sha-51c0cc9c"))
    );
    assert_eq!(
        states(&server),
        [GitHubPullState::Closed],
        "merging it later would bring nothing but harm"
    );
    assert_eq!(heads(&remote), [""; 0]);
    server.decline_with("Push cannot contain secrets");
    let declined = server
        .environment(writing(&flags, &["prod"]), &server.bypassing_token())
        .run();
    declined.expect_code(10);
    assert!(
        declined.stderr.contains("[policy]") && server.pulls().len() == 1,
        "{declined}"
    );
}

#[test]
fn a_push_needs_no_pull_request_permission() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let flags = ["--repository", "example/dex", "--pull-request", "fallback"];
    let token = server.token_with(&["contents: write"]);
    let run = server
        .environment(writing(&flags, &["stage"]), &token)
        .run();
    run.expect_code(0);
    assert!(
        run.stderr
            .contains("note: older pull requests may still be open"),
        "{run}"
    );
}

#[test]
fn required_checks_deny_the_jobs_own_token() {
    for classic in [true, false] {
        let remote = ordinary();
        let server = FakeGitHub::new(&remote);
        server.protect(
            "main",
            Protection {
                classic,
                reviews: 0,
                checks: vec!["build"],
            },
        );
        let token = server.built_in_token(&["contents: write", "pull-requests: write"]);
        let run = proposing(&server, &token, NEW, &["stage"]).run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing");
        assert!(
            run.json()["hints"].to_string().contains("token of an App"),
            "{run}"
        );
        assert_eq!((server.pulls(), heads(&remote).len()), (Vec::new(), 0));
        left_open(proposing(&server, &server.token(), NEW, &["stage"]));
    }
}

#[test]
fn a_forbidden_pull_request_names_the_setting() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    server.forbid_pull_requests_of_workflows();
    let token = server.built_in_token(&["contents: write", "pull-requests: write"]);
    let run = proposing(&server, &token, NEW, &["stage"]).run();
    run.expect_code(21);
    assert_eq!(run.json()["reason"], "permission-missing");
    let hints = run.json()["hints"].to_string();
    assert!(
        hints.contains("Allow GitHub Actions to create and approve pull requests"),
        "{run}"
    );
}

#[test]
fn each_missing_permission_is_named() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    for (left, taken) in [
        ("contents: write", "pull-requests: write"),
        ("pull-requests: write", "contents: "),
    ] {
        let run = proposing(&server, &server.token_with(&[left]), NEW, &["stage"]).run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing");
        assert!(run.json()["hints"].to_string().contains(taken), "{run}");
    }
    assert_eq!((server.pulls(), heads(&remote).len()), (Vec::new(), 0));
}

#[test]
fn a_proposed_executable_file_stays_executable() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    let token = server.token();
    for image in [NEW, NEWER] {
        let run = proposing(&server, &token, image, &["stage", "prod"])
            .args(["--timeout", "0"])
            .run();
        run.expect_code(11);
        assert!(
            run.json()["notices"]
                .to_string()
                .contains("so it was proposed through git"),
            "{run}"
        );
    }
    let pulls = server.pulls();
    assert_eq!(
        (pulls.len(), heads(&remote)),
        (1, vec![pulls[0].head.clone()])
    );
    assert_eq!(remote.mode(&pulls[0].head, PROD).as_deref(), Some("100755"));
    assert_eq!(
        remote.file(&pulls[0].head, PROD),
        Some(overlays::prod("sha-7d3f0a11"))
    );
    server.merge(1);
    assert_eq!(remote.mode("main", PROD).as_deref(), Some("100755"));
    remote.fsck();
}

#[test]
fn an_executable_file_also_falls_back() {
    let remote = remote();
    let server = FakeGitHub::new(&remote);
    server.protect("main", Protection::default());
    let flags = [
        "--repository",
        "example/dex",
        "--pull-request",
        "fallback",
        "--timeout",
        "0",
    ];
    let command = server.environment(writing(&flags, &["stage", "prod"]), &server.token());
    let run = command.run();
    run.expect_code(11);
    assert!(
        run.stderr
            .contains("`main` is protected, so it went through a pull request"),
        "{run}"
    );
    let pulls = server.pulls();
    assert_eq!((pulls.len(), remote.log("main").len()), (1, 1));
    assert_eq!(remote.mode(&pulls[0].head, PROD).as_deref(), Some("100755"));
}

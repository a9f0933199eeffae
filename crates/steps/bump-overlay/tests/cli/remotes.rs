//! Which remote the step writes, as which user, and what a remote may refuse.

use super::{NEW, PROD, at, both, bump, first_line, left_nothing, remote, said};

#[test]
fn the_default_remote_is_the_checkouts_origin() {
    let remote = remote();
    let checkout = remote.checkout("main");
    checkout.git(&["checkout", "--quiet", "--detach"]);
    for text in ["ours: true\n", "theirs: true\n"] {
        checkout.write(PROD, text);
        checkout.git(&["commit", "--quiet", "-am", text]);
    }
    // A rebase that has stopped at a conflict.
    assert!(
        checkout
            .try_git(&["rebase", "--quiet", "--onto", "HEAD~2", "HEAD~1"])
            .is_err()
    );
    checkout.write(PROD, "dirty: true\n");
    checkout.write("untracked", "x");
    let look = || {
        let state = checkout.git(&["status", "--porcelain=v2", "--branch"]);
        (
            state,
            checkout.git(&["for-each-ref"]),
            checkout.git(&["count-objects", "-v"]),
            checkout.read(PROD),
        )
    };
    let before = look();
    let command = bump().args([
        "--overlay",
        "infra/argocd/overlays/prod",
        "--image",
        NEW,
        "--branch",
        "main",
    ]);
    let run = command.current_dir(checkout.path().join("infra")).run();
    run.expect_code(0);
    assert_eq!((remote.log("main").len(), look()), (2, before));
}

#[test]
fn ssh_works_with_every_address_and_never_prompts() {
    for which in 0..2 {
        let remote = remote();
        let ssh = remote.ssh();
        let command = ssh.environment(at(&ssh.addresses()[which], &["stage", "prod"]));
        command.run().expect_code(0);
        assert_eq!(
            (remote.log("main").len(), remote.mode("main", PROD).unwrap()),
            (2, "100755".to_owned())
        );
        let calls = ssh.calls();
        assert!(
            calls.iter().all(|call| call.contains("BatchMode=yes")),
            "{calls:?}"
        );
        assert!(
            calls.iter().any(|call| call.contains("git-receive-pack")),
            "{calls:?}"
        );
        left_nothing(&command);
    }
    let ssh = remote().ssh();
    let nowhere = ssh
        .environment(at("git@nowhere.example:x.git", &["stage"]))
        .args(["--timeout", "2s"])
        .run();
    nowhere.expect_code(20);
    assert!(nowhere.stderr.contains("[unreachable]"), "{nowhere}");
}

#[test]
fn a_missing_remote_is_a_usage_error() {
    let run = bump()
        .args(["--overlay", "a", "--image", NEW, "--branch", "main"])
        .run();
    run.expect_code(2);
    insta::assert_snapshot!(run.stderr.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    usage: there is neither a `--remote` nor a checkout with an `origin` [invalid-usage]
    hint: pass `--remote URL`, or run it inside a checkout that has an `origin`
    reproduce: bump-overlay --overlay a --image registry.example/example/dex:sha-51c0cc9c --branch main
    ");
}

#[test]
fn on_a_runner_the_workflows_bot_writes() {
    let remote = remote();
    let http = remote.http("x-access-token", "ghs_token");
    let command = bump().args(["--overlay", PROD, "--image", NEW, "--branch", "main"]);
    let outputs = command.home().join("outputs");
    let run = command
        .clone()
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SERVER_URL", format!("http://{}", http.address()))
        .env("GITHUB_REPOSITORY", "remote.git")
        .env("GITHUB_RUN_ID", "42")
        .env("GITHUB_OUTPUT", &outputs)
        .env("GITHUB_TOKEN", "ghs_token")
        .run();
    run.expect_code(0);
    let commit = &remote.log("main")[0];
    let bot = "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>";
    assert_eq!(
        (commit.author.as_str(), commit.committer.as_str()),
        (bot, bot)
    );
    let url = format!("http://{}/remote.git/actions/runs/42", http.address());
    assert_eq!(commit.trailer("Runbook-Run"), Some(url.as_str()));
    let outputs = std::fs::read_to_string(outputs).unwrap();
    assert!(
        outputs.contains(&commit.id) && outputs.contains("changed"),
        "{outputs}"
    );
}

#[test]
fn the_users_git_settings_have_no_effect() {
    let remote = remote();
    let http = remote.http_open();
    let command = at(&http.url(), &["prod"]);
    let command = command
        .without_env("GIT_CONFIG_GLOBAL")
        .env("LANG", "de_DE.UTF-8");
    let command = command
        .env("LANGUAGE", "de")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("GIT_TRACE", "1");
    let command = command
        .env("GIT_DIR", "/nowhere")
        .env("GIT_INDEX_FILE", "/nowhere/index");
    let hooks = command.home().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["pre-push", "reference-transaction", "post-checkout"] {
        let path = hooks.join(hook);
        std::fs::write(&path, "#!/bin/sh\ntouch \"$HOME/hooked\"\nexit 1\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let settings = format!(
        "[core]\n\thooksPath = {}\n\tautocrlf = true\n[user]\n\tname = User\n\temail = user@example.com\n\
         [commit]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n\tfollowTags = true\n[fetch]\n\tprune = true\n\
         [remote \"origin\"]\n\turl = /nowhere\n",
        hooks.display()
    );
    std::fs::write(command.home().join(".gitconfig"), settings).unwrap();
    let race = remote.on_next_push(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    command.run().expect_code(0);
    assert!(
        race.is_over(),
        "a lost race is understood in every language"
    );
    assert!(!command.home().join("hooked").exists());
    assert_eq!(remote.log("main")[0].author, "User <user@example.com>");
    remote.fsck();
}

#[test]
fn a_declining_hook_is_tried_once_and_quoted() {
    let remote = remote();
    remote.reject_with("no deploys on Friday\nask ops");
    let run = both(&remote).run();
    run.expect_code(10);
    insta::assert_snapshot!(said(&run, &remote), @"
    refused: the remote declined the push to `main`, pre-receive hook declined: no deploys on Friday; ask ops [policy]
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    hint: ask the owner of the remote about the rules of its hook; nothing was written
    reproduce: bump-overlay --image registry.example/example/dex:sha-51c0cc9c --branch main --remote REMOTE --overlay infra/argocd/overlays/stage --overlay infra/argocd/overlays/prod
    ");
    assert_eq!((remote.pushes(), remote.log("main").len()), (1, 1));
}

#[test]
fn a_protected_branch_is_a_missing_permission() {
    let remote = remote();
    remote.reject_with(
        "error: GH013: Repository rule violations found for refs/heads/main.\n- Changes must be made through a pull request.",
    );
    let run = both(&remote).args(["--format", "json"]).run();
    run.expect_code(21);
    let report = run.json();
    assert_eq!(report["reason"], "permission-missing");
    assert!(
        report["summary"]
            .as_str()
            .unwrap()
            .contains("through a pull request"),
        "{run}"
    );
    assert!(
        report["hints"].to_string().contains("contents: write"),
        "{run}"
    );
    assert_eq!(remote.pushes(), 1);
}

#[test]
fn a_read_only_token_is_denied() {
    let remote = remote();
    let http = remote.http_open();
    http.refuse_pushes(403, "Write access to repository not granted.\n");
    let github = format!("http://{}", http.address());
    for (server, hint) in [
        (github.as_str(), "contents: write"),
        ("https://github.com", "write to the repository"),
    ] {
        let bump = at(&http.url(), &["prod"]).env("GITHUB_SERVER_URL", server);
        let run = bump.args(["--format", "json"]).run();
        run.expect_code(21);
        assert_eq!(run.json()["reason"], "permission-missing");
        assert!(run.json()["hints"].to_string().contains(hint), "{run}");
    }
    assert_eq!(remote.log("main").len(), 1);
}

#[test]
fn a_missing_branch_is_refused() {
    let remote = remote();
    let run = bump().args([
        "--overlay",
        PROD,
        "--image",
        NEW,
        "--branch",
        "nope",
        "--remote",
    ]);
    let run = run.arg(remote.path()).run();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: `REMOTE` has no branch `nope` [branch-missing]");
    assert_eq!(remote.branches(), ["main"]);
}

#[test]
fn transient_errors_are_retried_until_the_deadline() {
    let remote = remote();
    let http = remote.http_open();
    let command = bump().args([
        "--overlay",
        PROD,
        "--image",
        NEW,
        "--branch",
        "main",
        "--remote",
        &http.url(),
    ]);
    http.answer_next([502, 503, 500]);
    command.clone().run().expect_code(0);
    http.answer_always(502);
    let down = command.args(["--image", NEW, "--format", "json"]).run();
    down.expect_code(20);
    assert_eq!(down.json()["reason"], "server-error");
    assert_eq!(remote.log("main").len(), 2);
}

#[test]
fn without_git_the_hint_says_to_install_it() {
    let remote = remote();
    let command = both(&remote).env("PATH", "/nowhere");
    let run = command.run();
    run.expect_code(20);
    assert!(
        run.stderr.contains("[git-failed]") && run.stderr.contains("hint: install git"),
        "{run}"
    );
    left_nothing(&command);
}

#[test]
fn without_a_temporary_directory_nothing_is_written() {
    let remote = remote();
    let run = both(&remote)
        .env("TMPDIR", "/nowhere")
        .args(["--format", "json"])
        .run();
    run.expect_code(20);
    assert_eq!(run.json()["reason"], "not-written");
    assert!(
        run.json()["hints"].to_string().contains("`TMPDIR`"),
        "{run}"
    );
}

//! Invalid flags are reported before the step sends anything.

use super::{NEW, PROD, bump, remote, tidy};

/// Runs a bump with these flags as well, and expects a usage error that contains the word.
#[track_caller]
fn invalid(http: &lab::HttpRemote, flags: &[&str], word: &str) {
    let url = http.url();
    let place = ["--branch", "main", "--remote", &url, "--format", "json"];
    let command = bump().args(["--overlay", PROD, "--image", NEW]).args(place);
    let run = command.args(flags).run();
    run.expect_code(2);
    assert_eq!(run.json()["reason"], "invalid-usage");
    assert!(
        format!("{}{}", run.json()["summary"], run.json()["hints"]).contains(word),
        "{flags:?}\n{run}"
    );
    assert_eq!(http.requests(), 0);
}

#[test]
fn invalid_images_are_2_and_send_nothing() {
    let remote = remote();
    let http = remote.http_open();
    let digest = |length| format!("ghcr.io/acme/app:v1@sha256:{}", "a".repeat(length));
    for (image, word) in [
        ("ghcr.io/acme/app:v1\nnewTag: x", "is not a tag"),
        (&digest(63), "is not a digest"),
        (&digest(65), "is not a digest"),
        ("ghcr.io/acme/app:v1\"\n- x", "is not a tag"),
        ("ghcr.io/acme/app:v1 # x", "is not a tag"),
        ("ghcr.io/acme/app:v1'", "is not a tag"),
        ("ghcr.io/acme/app", "neither tag nor digest"),
        ("ghcr.io/acme/app@sha256:zz", "is not a digest"),
        ("", ""),
    ] {
        invalid(&http, &["--image", image], word);
    }
}

#[test]
fn invalid_values_are_2_and_send_nothing() {
    let remote = remote();
    let http = remote.http_open();
    for (flag, value, word) in [
        ("--message", "deploy {tag}", "`{tag}` is unknown"),
        ("--message", "deploy {source}", "--source-commit"),
        ("--message", "  ", "the message is empty"),
        ("--source-commit", "51c0cc9c", "is not a commit"),
        ("--pin", "both", "keep, digest, tag"),
        ("--overlay", " ", "expected a directory or a file"),
        ("--timeout", "90", "90s"),
        ("--accept", "internal", "expected one of"),
        ("--pull-request", "perhaps", "never, fallback, always"),
    ] {
        invalid(&http, &[flag, value], word);
    }
}

#[test]
fn invalid_combinations_are_2_and_send_nothing() {
    let remote = remote();
    let http = remote.http_open();
    let cases: [(&[&str], &str); 5] = [
        (
            &["--entry", "app", "--image", "other:v1"],
            "`--entry` names one entry",
        ),
        (&["--nonsense"], "--nonsense"),
        (
            &["--pull-request", "always"],
            "`--pull-request` needs GitHub's API",
        ),
        (&["--repository", "example/dex"], "--repository"),
        (
            &["--require-verified"],
            "`--require-verified` needs GitHub's API",
        ),
    ];
    for (flags, word) in cases {
        invalid(&http, flags, word);
    }
}

#[test]
fn invalid_places_are_2() {
    for flags in [
        &["--branch", "a..b"][..],
        &["--branch", "main", "--remote", "ext::sh -c id"],
        &["--remote", "x"],
        &[
            "--branch",
            "main",
            "--repository",
            "https://github.com/example/dex",
        ],
        &["--repository", "example/dex"],
    ] {
        bump()
            .args(["--overlay", PROD, "--image", NEW])
            .args(flags)
            .run()
            .expect_code(2);
    }
}

#[test]
fn overlays_and_images_also_come_from_variables() {
    let remote = remote();
    let run = bump()
        .env(
            "RUNBOOK_OVERLAY",
            "infra/argocd/overlays/stage\ninfra/argocd/overlays/prod\n",
        )
        .env("RUNBOOK_IMAGE", NEW)
        .env("RUNBOOK_BRANCH", "refs/heads/main")
        .env("RUNBOOK_REMOTE", remote.path())
        .env("RUNBOOK_ENTRY", "")
        .env("RUNBOOK_CREATE", "false")
        .run();
    run.expect_code(0);
    assert_eq!(
        remote.log("main")[0].title(),
        format!("deploy(stage,prod): {NEW}")
    );
}

#[test]
fn help_lists_every_flag_and_exit_code() {
    let run = bump().env("COLUMNS", "100").arg("--help").run();
    run.expect_code(0);
    insta::assert_snapshot!(tidy(&run.stdout));
}

//! Freezes: an environment that no bump may change for a time.

use super::{NEW, OLD, PROD, STAGE, bump, left_nothing, on, ordinary, remote, said};
use lab::{FakeGitHub, GitRemote, HermeticCommand, overlays::SampleOverlay};

const FREEZE: &str = ".github/freeze.yaml";

/// A freeze of prod that ends in the year 2999.
fn frozen() -> String {
    frozen_until("2999-01-01T00:00[Europe/Berlin]")
}

fn frozen_until(end: &str) -> String {
    format!(
        "freezes:\n- environments: [prod]\n  reason: holidays\n  by: ops\n  until: {end}\n  \
         exempt: [release-bot]\n"
    )
}

fn freeze(remote: &GitRemote, text: &str) {
    remote.commit("main", &[(FREEZE, text, false)], "chore: freeze\n");
}

#[test]
fn a_frozen_environment_refuses_with_reason_author_and_end() {
    let remote = remote();
    freeze(&remote, &frozen());
    let command = on(&remote, &["prod"]);
    let run = command.run();
    run.expect_code(10);
    insta::assert_snapshot!(said(&run, &remote), @"
    refused: `infra/argocd/overlays/prod`: prod is frozen: holidays (by ops, until 2999-01-01T00:00[Europe/Berlin]) (on `main` at COMMIT) [frozen]
    hint: wait for its end, or remove the freeze from `.github/freeze.yaml` on the branch; a rollback is never frozen
    reproduce: bump-overlay --image registry.example/example/dex:sha-51c0cc9c --branch main --remote REMOTE --overlay infra/argocd/overlays/prod
    ");
    left_nothing(&command);
    assert_eq!(remote.pushes(), 0);
    // Another environment is not frozen; together with a frozen one it is not written.
    on(&remote, &["stage"]).run().expect_code(0);
    let both = [
        "--overlay",
        STAGE,
        "--overlay",
        PROD,
        "--branch",
        "main",
        "--format",
        "json",
    ];
    let image = "registry.example/example/dex:sha-00000001";
    let both = bump()
        .args(both)
        .args(["--image", image, "--remote"])
        .arg(remote.path());
    let run = both.run();
    assert_eq!(
        (run.code, &run.json()["reason"]),
        (10, &"frozen".into()),
        "{run}"
    );
    assert_eq!(run.json()["fault"], "nobody");
    assert_eq!(remote.pushes(), 1);
}

#[test]
fn a_freeze_that_is_over_and_an_exempt_account_pass() {
    let over = remote();
    freeze(&over, &frozen_until("2020-01-01T00:00Z"));
    on(&over, &["prod"]).run().expect_code(0);
    let exempt = remote();
    freeze(&exempt, &frozen());
    let run = |account| on(&exempt, &["prod"]).env("GITHUB_ACTOR", account).run();
    run("another").expect_code(10);
    run("Release-Bot").expect_code(0);
}

#[test]
fn a_file_that_is_not_understood_freezes_everything() {
    for text in [
        "freezes:\n- environments: [prod]\n",
        "",
        "freezes: [",
        "\u{0}",
    ] {
        let remote = remote();
        freeze(&remote, text);
        let run = on(&remote, &["stage"]).args(["--format", "json"]).run();
        assert_eq!(
            (run.code, &run.json()["reason"]),
            (10, &"freeze-invalid".into()),
            "{run}"
        );
        assert_eq!(remote.pushes(), 0);
    }
    let remote = remote();
    freeze(&remote, "freezes: []\n");
    on(&remote, &["prod"]).run().expect_code(0);
}

#[test]
fn nothing_to_write_is_not_frozen() {
    let remote = remote();
    freeze(&remote, &frozen());
    let deployed = "registry.example/example/dex:sha-9b04d52a";
    let run = bump()
        .args([
            "--overlay",
            PROD,
            "--branch",
            "main",
            "--image",
            deployed,
            "--remote",
        ])
        .arg(remote.path())
        .run();
    assert_eq!(
        (run.code, run.stderr.starts_with("unchanged")),
        (0, true),
        "{run}"
    );
}

#[test]
fn the_api_reads_the_freeze_without_another_request() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let run = || {
        let flags = [
            "--overlay",
            PROD,
            "--image",
            NEW,
            "--branch",
            "main",
            "--dry-run",
        ];
        let command = bump()
            .args(flags)
            .args(["--repository", "example/dex", "--format", "json"]);
        server
            .environment(command, &server.token_with(&["contents: write"]))
            .run()
    };
    let free = run();
    free.expect_code(0);
    freeze(&remote, &frozen());
    let refused = run();
    assert_eq!(
        (refused.code, &refused.json()["reason"]),
        (10, &"frozen".into()),
        "{refused}"
    );
    assert!(refused.json()["requests"].as_u64() <= free.json()["requests"].as_u64());
}

/// The rounds of the race; `RUNBOOK_TEST_ROUNDS` sets another number.
const ROUNDS: u32 = 2;
const WRITERS: u32 = 10;

#[test]
fn no_bump_lands_after_the_commit_of_a_freeze() {
    let rounds = std::env::var("RUNBOOK_TEST_ROUNDS").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for round in 0..rounds {
        let remote = race(round);
        let log = remote.log("main");
        let frozen = log
            .iter()
            .position(|commit| commit.message.starts_with("chore: freeze"));
        let frozen = frozen.expect("the freeze landed");
        assert_eq!(
            frozen, 0,
            "round {round}: {} commits after the freeze",
            frozen
        );
    }
}

/// Lets ten writers of one environment race against a person who freezes it.
fn race(round: u32) -> GitRemote {
    let remote = GitRemote::new();
    let text = SampleOverlay::prod(OLD).text();
    remote.commit("main", &[(PROD, &text, false)], "feat: start\n");
    let person = remote.checkout("main");
    person.write(FREEZE, frozen());
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| writer(&remote, number).spawn())
        .collect();
    // The freeze comes between other pushes from round to round.
    let others = 1 + round as usize % 5;
    lab::wait::until("the pushes before the freeze", || remote.pushes() >= others);
    while person.commit_and_push("chore: freeze\n").is_err() {
        person.git(&["fetch", "--quiet", "origin", "main"]);
        person.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]);
        person.write(FREEZE, frozen());
    }
    for writer in writers {
        let run = writer.wait();
        assert!([0, 10].contains(&run.code), "{run}");
        assert!(run.code == 0 || run.stderr.contains("[frozen]"), "{run}");
    }
    remote
}

fn writer(remote: &GitRemote, number: u32) -> HermeticCommand {
    let image = format!("registry.example/example/dex:sha-0000000{number}");
    let command = bump().args(["--overlay", PROD, "--image", &image, "--branch", "main"]);
    command.arg("--remote").arg(remote.path())
}

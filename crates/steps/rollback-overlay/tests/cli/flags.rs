//! Invalid flags are reported before the step sends anything.

use super::{ProdWorld, rollback};

#[test]
fn invalid_flags_are_2_and_send_nothing() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let http = world.remote.http_open();
    world.registry.forget_requests();
    let digest = |length| format!("ghcr.io/acme/app@sha256:{}", "a".repeat(length));
    let (short, long) = (digest(63), digest(65));
    let cases: [(&[&str], &str); 13] = [
        (&["--to", "ghcr.io/acme/app:v1\"\n- x"], "is not a tag"),
        (&["--to", "ghcr.io/acme/app:v1\nnewTag: x"], "is not a tag"),
        (&["--bad", "ghcr.io/acme/app:v1 # x"], "is not a tag"),
        (&["--to", &short], "is not a digest"),
        (&["--bad", &long], "is not a digest"),
        (&["--bad", "ghcr.io/acme/app"], "neither tag nor digest"),
        (&["--to", "ghcr.io/acme/app@sha256:zz"], "is not a digest"),
        (&["--undo", "HEAD"], "does not name a commit"),
        (&["--undo", "1a2b3c4d", "--bad", "app:v1"], "--bad"),
        (&["--to", "app:v1", "--allow-older"], "--allow-older"),
        (&["--overlay", " "], "expected a directory or a file"),
        (
            &["--environment", "prod", "--environment", "stage"],
            "1 overlays, but 2 environments",
        ),
        (&["--timeout", "90"], "90s"),
    ];
    for (flags, word) in cases {
        let run = world
            .at(&http.url(), &["prod"])
            .args(["--format", "json"])
            .args(flags)
            .run();
        run.expect_code(2);
        let said = format!("{}{}", run.json()["summary"], run.json()["hints"]);
        assert!(said.contains(word), "{flags:?}\n{run}");
    }
    for (image, branch) in [
        ("ghcr.io/acme/app:v1\"x", "main"),
        ("a b", "main"),
        ("acme/app", "a..b"),
    ] {
        ProdWorld::of(image, branch, &http.url(), &["prod"])
            .run()
            .expect_code(2);
    }
    assert_eq!((http.requests(), world.registry.requests()), (0, 0));
}

#[test]
fn leaving_out_the_deployments_is_always_reported() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let notices = |flags: &[&str]| {
        let run = world
            .roll_back(&["--dry-run", "--format", "json"])
            .args(flags)
            .run();
        run.expect_code(0);
        run.json()["notices"].to_string()
    };
    assert!(notices(&[]).contains("the forge's deployments are not asked"));
    assert!(!notices(&["--to", &world.image("v1")]).contains("forge"));
}

#[test]
fn help_lists_every_flag_and_exit_code() {
    let run = rollback().env("COLUMNS", "100").arg("--help").run();
    run.expect_code(0);
    let help: String = run
        .stdout
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    insta::assert_snapshot!(help);
}

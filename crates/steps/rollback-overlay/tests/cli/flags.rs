//! What is wrong with flags is said before anything is asked.

use super::{World, rollback};

#[test]
fn wrong_flags_are_2_and_nothing_is_asked() {
    let world = World::with(&["v1", "v2"]);
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
        World::of(image, branch, &http.url(), &["prod"])
            .run()
            .expect_code(2);
    }
    assert_eq!((http.requests(), world.registry.requests()), (0, 0));
}

#[test]
fn the_forges_deployments_are_never_left_out_in_silence() {
    let world = World::with(&["v1", "v2"]);
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
fn help_says_what_it_is_for() {
    let run = rollback().env("COLUMNS", "100").arg("--help").run();
    run.expect_code(0);
    let help: String = run
        .stdout
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let own = help.split("Every step:").next().unwrap();
    insta::assert_snapshot!(own, @r#"
    Restore the last good image in the overlays, in one commit

    Usage: rollback-overlay [OPTIONS] --overlay <DIR|FILE> --image <REF> --branch <BRANCH>

    Options:
          --overlay <DIR|FILE>
              Overlay to restore: a directory with a kustomization, or the file; may be repeated [env:
              RUNBOOK_OVERLAY]

          --environment <NAME>
              Environment of each overlay, in their order: what was good there is restored; may be
              repeated [env: RUNBOOK_ENVIRONMENT]

          --image <REF>
              Image to restore: its repository counts, its tag and digest do not [env: RUNBOOK_IMAGE]

          --bad <REF>
              Image that is bad [default: the one that is deployed] [env: RUNBOOK_BAD]

          --undo <COMMIT>
              Commit that set the bad image [env: RUNBOOK_UNDO]

          --to <REF>
              Image to restore [default: the last that was good in the environment, else the one before,
              unless a rollback called it bad] [env: RUNBOOK_TO]

          --allow-older
              Restore an older image where the one before is gone, or not for every platform of the bad
              one [env: RUNBOOK_ALLOW_OLDER]

          --reason <TEXT>
              Why, for the message of the commit [env: RUNBOOK_REASON]

          --dry-run
              Write nothing; show the images that the overlays had, the diff, and the message of the
              commit [env: RUNBOOK_DRY_RUN]

          --branch <BRANCH>
              Commit onto this branch of the remote [env: RUNBOOK_BRANCH]

          --remote <URL|PATH>
              Remote to commit to, through git [default: the repository of the workflow, else the
              checkout's `origin`] [env: RUNBOOK_REMOTE]

          --repository <OWNER/NAME>
              Repository to commit to, through GitHub's API [default: that of the workflow, when there
              is a token] [env: RUNBOOK_REPOSITORY]

          --require-verified
              Refuse unless GitHub calls the commit verified [env: RUNBOOK_REQUIRE_VERIFIED]

          --pull-request <WHEN>
              Make a pull request, and wait until it is merged [env: RUNBOOK_PULL_REQUEST]

              Possible values:
              - never:    The branch itself is written, or nothing
              - fallback: The branch itself is written, or a pull request is made when its rules are
                against that
              - always:   A pull request is made

              [default: never]

          --assume-public
              Take "not without credentials" for "not there", as for a public image [env:
              RUNBOOK_ASSUME_PUBLIC]

          --registry-plain-http
              Speak to the registry without TLS; on loopback this is found out [env:
              RUNBOOK_REGISTRY_PLAIN_HTTP]

          --registry-ca-file <FILE>
              Trust the certificate authorities of this PEM file as well [env: RUNBOOK_REGISTRY_CA_FILE]

          --registry-username <NAME>
              User name for the registry [env: RUNBOOK_REGISTRY_USERNAME]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    "#);
}

//! What is wrong with flags is said before anything is asked.

use super::{NEW, PROD, bump, remote, tidy};

#[test]
fn wrong_flags_are_2_and_nothing_is_asked() {
    let remote = remote();
    let http = remote.http_open();
    let image = |text| ["--image", text];
    let digest = |length| format!("ghcr.io/acme/app:v1@sha256:{}", "a".repeat(length));
    let (short, long) = (digest(63), digest(65));
    let cases: [(&[&str], &str); 23] = [
        (&image("ghcr.io/acme/app:v1\nnewTag: x"), "is not a tag"),
        (&image(&short), "is not a digest"),
        (&image(&long), "is not a digest"),
        (&image("ghcr.io/acme/app:v1\"\n- x"), "is not a tag"),
        (&image("ghcr.io/acme/app:v1 # x"), "is not a tag"),
        (&image("ghcr.io/acme/app:v1'"), "is not a tag"),
        (&image("ghcr.io/acme/app"), "neither tag nor digest"),
        (&image("ghcr.io/acme/app@sha256:zz"), "is not a digest"),
        (&image(""), ""),
        (&["--message", "deploy {tag}"], "`{tag}` is unknown"),
        (&["--message", "deploy {source}"], "--source-commit"),
        (&["--message", "  "], "the message is empty"),
        (&["--source-commit", "51c0cc9c"], "is not a commit"),
        (&["--pin", "both"], "keep, digest, tag"),
        (&["--overlay", " "], "expected a directory or a file"),
        (
            &["--entry", "app", "--image", "other:v1"],
            "`--entry` names one entry",
        ),
        (&["--timeout", "90"], "90s"),
        (&["--nonsense"], "--nonsense"),
        (&["--accept", "internal"], "expected one of"),
        (
            &["--pull-request", "always"],
            "`--pull-request` needs GitHub's API",
        ),
        (&["--pull-request", "perhaps"], "never, fallback, always"),
        (&["--repository", "example/dex"], "--repository"),
        (
            &["--require-verified"],
            "`--require-verified` needs GitHub's API",
        ),
    ];
    for (flags, word) in cases {
        let command = bump().args([
            "--overlay",
            PROD,
            "--branch",
            "main",
            "--remote",
            &http.url(),
            "--format",
            "json",
        ]);
        let run = command.args(["--image", NEW]).args(flags).run();
        run.expect_code(2);
        assert_eq!(run.json()["reason"], "invalid-usage");
        assert!(
            format!("{}{}", run.json()["summary"], run.json()["hints"]).contains(word),
            "{flags:?}\n{run}"
        );
    }
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
    assert_eq!(http.requests(), 0);
}

#[test]
fn overlays_and_images_come_from_variables_too() {
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
fn help_says_what_it_is_for() {
    let run = bump().env("COLUMNS", "100").arg("--help").run();
    run.expect_code(0);
    insta::assert_snapshot!(tidy(&run.stdout), @"
    Write the image into the overlays, as the smallest change, in one commit

    Usage: bump-overlay [OPTIONS] --overlay <DIR|FILE> --image <REF>

    Options:
          --overlay <DIR|FILE>
              Overlay to write: a directory with a kustomization, or the file; may be repeated [env:
              RUNBOOK_OVERLAY]

          --image <REF>
              Image to deploy, with a tag, a digest, or both; may be repeated [env: RUNBOOK_IMAGE]

          --entry <NAME>
              Take the entry with exactly this `name`, whatever its `newName` [env: RUNBOOK_ENTRY]

          --pin <WHAT>
              Write what the entry has already, the digest too, or the tag alone [env: RUNBOOK_PIN]

              Possible values:
              - keep:   An entry without digest gets the tag, one with a digest gets both
              - digest: The digest is written, also where there was none
              - tag:    The tag is written, and a digest is removed

              [default: keep]

          --rename
              Allow another `newName` [env: RUNBOOK_RENAME]

          --create
              Add an entry where there is none [env: RUNBOOK_CREATE]

          --all
              Set every entry for the image instead of refusing several [env: RUNBOOK_ALL]

          --drop-suffix
              Remove a `tagSuffix`, which a tag or digest leaves without effect [env:
              RUNBOOK_DROP_SUFFIX]

          --dry-run
              Write nothing; show the diff, and the message of the commit [env: RUNBOOK_DRY_RUN]

          --branch <BRANCH>
              Commit onto this branch of the remote [default: edit the files of this checkout] [env:
              RUNBOOK_BRANCH]

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

          --source-commit <SHA40>
              Commit that the image was built from, all 40 digits [env: RUNBOOK_SOURCE_COMMIT]

          --source-repository <URL|PATH|OWNER/NAME>
              Repository of the source, where that is another one [default: the remote] [env:
              RUNBOOK_SOURCE_REPOSITORY]

          --force
              Write it although it is older, was called bad by a rollback, or has no other source [env:
              RUNBOOK_FORCE]

          --message <TEMPLATE>
              Message of the commit; knows `{image}`, `{overlays}` and `{source}` [default:
              `deploy({overlays}): {image}`] [env: RUNBOOK_MESSAGE]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Every step:
          --format <FORMAT>
              Print words, one JSON document, or what a runner reads [default: `github` on a runner,
              else `plain`] [env: RUNBOOK_FORMAT]

              Possible values:
              - plain:  People, and a pipe
              - json:   A program
              - github: A runner of GitHub Actions

          --timeout <DURATION>
              How long to wait for an answer that may still become yes; `0` asks once [env:
              RUNBOOK_TIMEOUT]

              [default: 2m]

          --accept <VERDICT>
              Exit with 0 although this is the verdict: refused, not-yet, superseded, contradicted,
              unavailable, denied, contended [env: RUNBOOK_ACCEPT]

          --record <DIR>
              Record what was asked and answered into this directory, without secrets [env:
              RUNBOOK_RECORD]

          --log-lines <N>
              Show at most this many lines of a pod's log [default: 25, and 0 for a public repository]
              [env: RUNBOOK_LOG_LINES]

      -v, --verbose...
              Say every request, command and file [env: RUNBOOK_VERBOSE]

    Secrets, from the environment only:
      RUNBOOK_GITHUB_TOKEN, else GITHUB_TOKEN: writes through the API at `GITHUB_API_URL` or pushes to
      the host of `GITHUB_SERVER_URL`, and goes to no other

    Exit codes:
        0  passed: yes
        0  unchanged: yes, there was nothing to do
        1  internal: a bug of ours
        2  usage: flags or configuration are wrong; nothing was sent or written
       10  refused: asked, and the answer is no
       11  not-yet: the deadline came first
       12  superseded: something newer has taken over, so this request must not win
       13  contradicted: two sources disagree
       20  unavailable: could not find out: network, server error, nonsense
       21  denied: credentials are missing, rejected, or without the permission
       22  contended: others changed it first, until the deadline
      130  interrupted: stopped by a signal; what was known so far is reported
    ");
}

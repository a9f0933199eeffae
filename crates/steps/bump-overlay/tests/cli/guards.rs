//! The guards: an older image, an image that a rollback called bad, and one of the same source.

use super::{
    NEW, OLD, PROD, STAGE, at, bump, first_line, left_nothing, on, ordinary, remote, said,
};
use lab::{
    FakeGitHub, GitRemote,
    overlays::{self, SampleOverlay},
};

pub(super) const REPOSITORY: &str = "registry.example/example/dex";

/// Commits a new state of the source; returns the commit.
pub(super) fn source(remote: &GitRemote, state: &str) -> String {
    remote.commit(
        "main",
        &[("src/app.rs", state, false)],
        &format!("feat: {state}\n"),
    )
}

/// The image that is built from a commit.
pub(super) fn image_of(source: &str) -> String {
    format!("{REPOSITORY}:{}", tag_of(source))
}

fn tag_of(source: &str) -> String {
    format!("sha-{}", &source[..8])
}

/// Deploys the image of a commit of the remote to prod.
pub(super) fn deploy(remote: &GitRemote, source: &str) -> lab::HermeticCommand {
    built(&remote.path().display().to_string(), source)
}

pub(super) fn built(url: &str, source: &str) -> lab::HermeticCommand {
    written(&["--remote", url], source)
}

/// Deploys the image of a commit through GitHub's API, without git.
fn through_the_api(server: &FakeGitHub, source: &str) -> lab::HermeticCommand {
    let command = written(&["--repository", "example/dex"], source);
    server
        .environment(command, &server.token_with(&["contents: write"]))
        .env("PATH", "/nowhere")
}

fn written(flags: &[&str], source: &str) -> lab::HermeticCommand {
    let image = image_of(source);
    let command = bump()
        .args([
            "--overlay",
            "infra/argocd/overlays/prod",
            "--branch",
            "main",
        ])
        .args(flags);
    command.args(["--image", &image, "--source-commit", source])
}

/// Sets prod by hand.
pub(super) fn set(remote: &GitRemote, tag: &str, message: &str) -> String {
    remote.commit("main", &[(PROD, &overlays::prod(tag), false)], message)
}

fn prod(remote: &GitRemote) -> String {
    let text = remote.file("main", PROD).unwrap();
    let tag = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("newTag: "))
        .unwrap();
    tag.split(' ').next().unwrap().to_owned()
}

/// Commits what a rollback from one image to another one commits.
pub(super) fn roll_back(remote: &GitRemote, bad: &str, good: &str) -> String {
    let message = format!(
        "rollback(prod): x\n\nRunbook-Image: {REPOSITORY}:{good}\nRunbook-Rollback-Of: {REPOSITORY}:{bad}\n"
    );
    set(remote, good, &message)
}

#[test]
fn an_older_source_never_replaces_a_newer_one() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    deploy(&remote, &newer).run().expect_code(0);
    let pushes = remote.pushes();
    let command = deploy(&remote, &older);
    let run = command.run();
    run.expect_code(12);
    let line = first_line(&run, &remote);
    insta::assert_snapshot!(line, @"superseded: `infra/argocd/overlays/prod`: source COMMIT is older than COMMIT, which was deployed by COMMIT (on `main` at COMMIT) [stale-source]");
    assert!(
        run.stderr.contains(&older) && run.stderr.contains(&newer),
        "{run}"
    );
    assert_eq!((remote.pushes(), prod(&remote)), (pushes, tag_of(&newer)));
    let report = command.clone().args(["--format", "json"]).run().json();
    assert_eq!(
        (&report["reason"], &report["fault"]),
        (&"stale-source".into(), &"nobody".into())
    );
    assert_eq!(report["subjects"][0]["facts"]["newer_source"], newer);
    assert_eq!(
        (&report["facts"]["changed"], &report["facts"]["commit"]),
        (&false.into(), &"".into())
    );
    left_nothing(&command);
    command
        .clone()
        .args(["--accept", "superseded"])
        .run()
        .expect_code(0);
    command.arg("--force").run().expect_code(0);
    assert_eq!(prod(&remote), tag_of(&older));
}

#[test]
fn the_source_is_known_by_the_tag_alone() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    set(&remote, &tag_of(&newer), "chore: by hand\n");
    let write = |source: &str| {
        bump()
            .args(["--overlay", PROD, "--branch", "main", "--remote"])
            .arg(remote.path())
            .args(["--image", &image_of(source)])
            .run()
    };
    write(&older).expect_code(12);
    write(&source(&remote, "three")).expect_code(0);
}

#[test]
fn the_newest_source_counts_after_a_manual_revert() {
    let remote = remote();
    let sources = ["one", "two", "three"].map(|state| source(&remote, state));
    deploy(&remote, &sources[2]).run().expect_code(0);
    set(&remote, &tag_of(&sources[0]), "Revert \"deploy(prod)\"\n");
    deploy(&remote, &sources[1]).run().expect_code(12);
    deploy(&remote, &sources[2]).run().expect_code(0);
}

#[test]
fn the_source_may_be_in_another_repository() {
    let (overlays, code) = (remote(), GitRemote::new());
    let (older, newer) = (source(&code, "one"), source(&code, "two"));
    let http = code.http_open();
    let with = |source: &str| {
        let command = deploy(&overlays, source);
        command.args(["--source-repository", &http.url()])
    };
    with(&newer).run().expect_code(0);
    with(&older).run().expect_code(12);
    // `OWNER/NAME` is a repository on the server of `GITHUB_SERVER_URL`.
    let named = deploy(&overlays, &older).args(["--source-repository", "example/code.git"]);
    let named = named.env(
        "GITHUB_SERVER_URL",
        format!("http://{}", lab::closed_port()),
    );
    let run = named.args(["--format", "json", "--timeout", "2s"]).run();
    run.expect_code(20);
    assert_eq!(run.json()["reason"], "unreachable");
    assert!(
        run.json()["summary"]
            .as_str()
            .unwrap()
            .contains("/example/code.git"),
        "{run}"
    );
    // Without the flag the step cannot compare the sources.
    let run = deploy(&overlays, &older).run();
    run.expect_code(0);
    assert!(run.stderr.contains("(`--source-repository`)"), "{run}");
}

#[test]
fn an_unreachable_source_is_no_answer() {
    let (overlays, code) = (remote(), GitRemote::new());
    let (older, newer) = (source(&code, "one"), source(&code, "two"));
    let http = code.http_open();
    let with = |source: &str| {
        let command = deploy(&overlays, source).args(["--source-repository", &http.url()]);
        command.args(["--format", "json"])
    };
    with(&older).run().expect_code(0);
    http.answer_next([502, 503]);
    with(&newer).run().expect_code(0);
    http.answer_always(500);
    let run = with(&older).run();
    run.expect_code(20);
    assert_eq!(run.json()["reason"], "server-error");
    assert!(
        run.json()["hints"]
            .to_string()
            .contains("--source-repository"),
        "{run}"
    );
    assert_eq!((overlays.pushes(), prod(&overlays)), (2, tag_of(&newer)));
}

#[test]
fn without_a_source_the_guard_is_off() {
    let remote = remote();
    let write = |tag: &str| {
        let command = bump();
        let command = command
            .args(["--overlay", PROD, "--branch", "main", "--remote"])
            .arg(remote.path());
        command
            .args([
                "--image",
                &format!("{REPOSITORY}:{tag}"),
                "--format",
                "json",
            ])
            .run()
    };
    let run = write("v1.2.3");
    run.expect_code(0);
    assert!(
        run.json()["notices"]
            .to_string()
            .contains("its source is not known"),
        "{run}"
    );
    let newer = source(&remote, "one");
    let run = write(&tag_of(&newer));
    run.expect_code(0);
    assert!(
        run.json()["notices"]
            .to_string()
            .contains("does not have 9b04d52a, the source of an earlier image"),
        "{run}"
    );
}

#[test]
fn a_diverged_source_is_neither_older_nor_held() {
    let remote = remote();
    let main = source(&remote, "one");
    remote.commit(
        "feature",
        &[("src/app.rs", "feature", false)],
        "feat: feature\n",
    );
    let feature = remote.tip("feature");
    source(&remote, "two");
    deploy(&remote, &main).run().expect_code(0);
    deploy(&remote, &feature).run().expect_code(0);
    deploy(&remote, &source(&remote, "three"))
        .run()
        .expect_code(0);
}

#[test]
fn an_image_built_from_a_bump_changes_nothing() {
    let remote = remote();
    let first = source(&remote, "one");
    deploy(&remote, &first).run().expect_code(0);
    let tip = remote.tip("main");
    remote.commit(
        "main",
        &[(STAGE, &overlays::stage("sha-0000000"), false)],
        "deploy(stage): x\n",
    );
    for commit in [tip, remote.tip("main")] {
        let run = deploy(&remote, &commit).args(["--format", "json"]).run();
        run.expect_code(0);
        let report = run.json();
        assert_eq!(
            (&report["verdict"], &report["facts"]["changed"]),
            (&"unchanged".into(), &false.into())
        );
        assert!(
            report["summary"].as_str().unwrap().contains(&first),
            "{run}"
        );
        assert_eq!(report["facts"]["commit"], remote.tip("main"));
    }
    assert_eq!((remote.pushes(), prod(&remote)), (1, tag_of(&first)));
    let next = source(&remote, "two");
    deploy(&remote, &next).run().expect_code(0);
    assert_eq!(prod(&remote), tag_of(&next));
    // The same commit, built again, is another image.
    let rebuilt = format!("{REPOSITORY}:again@sha256:{}", "b".repeat(64));
    let command = bump()
        .args(["--overlay", PROD, "--branch", "main", "--remote"])
        .arg(remote.path());
    command
        .args(["--image", &rebuilt, "--source-commit", &next])
        .run()
        .expect_code(0);
    assert_eq!(prod(&remote), "again");
}

#[test]
fn an_image_called_bad_is_held() {
    let remote = remote();
    let (good, bad) = (source(&remote, "good"), source(&remote, "bad"));
    deploy(&remote, &good).run().expect_code(0);
    deploy(&remote, &bad).run().expect_code(0);
    let rollback = roll_back(&remote, &tag_of(&bad), &tag_of(&good));
    let run = deploy(&remote, &bad).run();
    run.expect_code(10);
    insta::assert_snapshot!(said(&run, &remote), @"
    refused: `infra/argocd/overlays/prod`: registry.example/example/dex:sha-COMMIT was called bad by the rollback COMMIT (on `main` at COMMIT) [held]
    hint: deploy an image that fixes it, or pass `--force` to deploy this one after all
    reproduce: bump-overlay --overlay infra/argocd/overlays/prod --branch main --remote REMOTE --image registry.example/example/dex:sha-COMMIT --source-commit COMMIT
    ");
    let report = deploy(&remote, &bad)
        .args(["--format", "json"])
        .run()
        .json();
    assert_eq!(
        (&report["reason"], &report["fault"]),
        (&"held".into(), &"configuration".into())
    );
    // The rollback's own commit contains the bad source again.
    let run = deploy(&remote, &rollback).args(["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "held");
    deploy(&remote, &source(&remote, "repaired"))
        .run()
        .expect_code(0);
    assert_eq!(remote.pushes(), 3);
}

#[test]
fn a_merge_commit_keeps_source_and_hold() {
    let remote = remote();
    let merged = |tag: &str, message: &str| {
        remote.commit(tag, &[(PROD, &overlays::prod(tag), false)], message);
        remote.merge(tag, "main", "Merge pull request #7");
    };
    let (older, bad) = (source(&remote, "one"), source(&remote, "bad"));
    // The tag does not say what it was built from.
    merged(
        "v2",
        &format!("deploy(prod): v2\n\nRunbook-Source: {bad}\n"),
    );
    let run = deploy(&remote, &older).run();
    run.expect_code(12);
    assert!(run.stderr.contains(&bad), "{run}");
    let rollback = format!("rollback(prod): x\n\nRunbook-Rollback-Of: {REPOSITORY}:v2\n");
    merged("v1", &rollback);
    let command = bump()
        .args(["--overlay", PROD, "--branch", "main", "--remote"])
        .arg(remote.path());
    let run = command
        .args(["--image", &format!("{REPOSITORY}:v2"), "--format", "json"])
        .run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "held", "{run}");
    deploy(&remote, &source(&remote, "repaired"))
        .run()
        .expect_code(0);
}

#[test]
fn forcing_a_held_image_clears_the_hold() {
    let remote = remote();
    set(&remote, "v1", "deploy: v1\n");
    set(&remote, "v2", "deploy: v2\n");
    roll_back(&remote, "v2", "v1");
    let write = |flags: &[&str]| {
        let command = bump();
        let command = command
            .args(["--overlay", PROD, "--branch", "main", "--remote"])
            .arg(remote.path());
        command
            .args(["--image", &format!("{REPOSITORY}:v2")])
            .args(flags)
            .run()
    };
    write(&[]).expect_code(10);
    write(&["--force"]).expect_code(0);
    set(&remote, "v3", "deploy: v3\n");
    write(&[]).expect_code(0);
}

#[test]
fn one_held_overlay_holds_all() {
    let remote = remote();
    set(&remote, "sha-51c0cc9c", "deploy: the new one\n");
    roll_back(&remote, "sha-51c0cc9c", OLD);
    let run = on(&remote, &["stage", "prod"])
        .args(["--format", "json"])
        .run();
    run.expect_code(10);
    let report = run.json();
    assert_eq!(report["subjects"][0]["verdict"], "passed");
    assert_eq!(
        (&report["subjects"][1]["reason"], remote.pushes()),
        (&"held".into(), 0)
    );
}

#[test]
fn a_dry_run_explains_both_decisions() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    deploy(&remote, &older).run().expect_code(0);
    let would = deploy(&remote, &newer).arg("--dry-run").run();
    would.expect_code(0);
    let would = said(&would, &remote);
    let why: Vec<&str> = would
        .lines()
        .skip_while(|line| !line.starts_with("why"))
        .take(4)
        .collect();
    insta::assert_snapshot!(why.join("\n"), @"
    why it may be written:
        `infra/argocd/overlays/prod/kustomization.yaml`: no rollback among its 2 values called the image bad
        `infra/argocd/overlays/prod/kustomization.yaml`: source COMMIT is older than none of its 2 sources
        `infra/argocd/overlays/prod/kustomization.yaml`: source COMMIT is another one than that of the deployed image
    ");
    deploy(&remote, &newer).run().expect_code(0);
    let would_not = deploy(&remote, &older).arg("--dry-run").run();
    would_not.expect_code(12);
    assert!(
        said(&would_not, &remote).contains("why nothing would be written:\n"),
        "{would_not}"
    );
    let same = deploy(&remote, &remote.tip("main")).arg("--dry-run").run();
    same.expect_code(0);
    assert!(
        same.stderr.contains("why nothing would be written:\n"),
        "{same}"
    );
}

#[test]
fn the_guards_judge_again_after_a_race() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    let (message, tag) = (
        format!("deploy\n\nRunbook-Source: {newer}\n"),
        tag_of(&newer),
    );
    let race = remote.on_next_push(move |remote| drop(set(remote, &tag, &message)));
    deploy(&remote, &older).run().expect_code(12);
    assert!(race.is_over());
    assert_eq!(prod(&remote), tag_of(&newer));
}

#[test]
fn the_guards_work_through_the_api() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    let [older, newer] = ["one", "two"].map(|state| source(&remote, state));
    through_the_api(&server, &newer).run().expect_code(0);
    let run = through_the_api(&server, &older).run();
    run.expect_code(12);
    assert!(
        run.stderr.contains(&older) && run.stderr.contains(&newer),
        "{run}"
    );
    // An image of the bump's own commit contains nothing new.
    let run = through_the_api(&server, &remote.tip("main"))
        .args(["--format", "json"])
        .run();
    run.expect_code(0);
    assert_eq!(run.json()["verdict"], "unchanged");
    let bad = source(&remote, "three");
    through_the_api(&server, &bad).run().expect_code(0);
    roll_back(&remote, &tag_of(&bad), &tag_of(&newer));
    let run = through_the_api(&server, &bad)
        .args(["--format", "json"])
        .run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "held");
    through_the_api(&server, &bad)
        .arg("--force")
        .run()
        .expect_code(0);
    assert_eq!(prod(&remote), tag_of(&bad));
}

#[test]
fn a_source_hidden_from_the_token_stops() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    set(&remote, "sha-1a2b3c4d", "chore: by hand\n");
    let elsewhere = ["--source-repository", "example/code", "--format", "json"];
    let run = through_the_api(&server, &source(&remote, "one"))
        .args(elsewhere)
        .run();
    run.expect_code(21);
    assert_eq!(run.json()["reason"], "permission-missing");
    assert!(
        run.json()["hints"]
            .to_string()
            .contains("--source-repository"),
        "{run}"
    );
    assert_eq!(prod(&remote), "sha-1a2b3c4d");
}

#[test]
fn ten_writers_leave_the_newest_image() {
    let remote = remote();
    race(&remote, |source| deploy(&remote, source));
}

#[test]
fn ten_api_writers_leave_the_newest_image() {
    let remote = ordinary();
    let server = FakeGitHub::new(&remote);
    race(&remote, |source| through_the_api(&server, source));
}

/// Lets ten writers deploy the images of ten sources at once, in a mixed order.
fn race(remote: &GitRemote, writer: impl Fn(&str) -> lab::HermeticCommand) {
    let sources: Vec<String> = (0..10)
        .map(|state| source(remote, &state.to_string()))
        .collect();
    let order = [3, 8, 1, 9, 0, 5, 7, 2, 6, 4];
    let writers: Vec<_> = order
        .iter()
        .map(|at| writer(&sources[*at]).spawn())
        .collect();
    for writer in writers {
        let run = writer.wait();
        assert!([0, 12].contains(&run.code), "{run}");
    }
    assert_eq!(prod(remote), tag_of(&sources[9]));
    let log = remote.log("main");
    let landed = log
        .iter()
        .filter_map(|commit| commit.trailer("Runbook-Source"));
    let landed: Vec<usize> = landed
        .map(|source| sources.iter().position(|other| other == source).unwrap())
        .collect();
    assert!(
        landed.is_sorted_by(|newer, older| newer > older),
        "{landed:?}"
    );
    assert!(log.iter().all(|commit| commit.parents.len() < 2));
    remote.fsck();
}

#[test]
fn no_message_skips_ci_unless_the_template_does() {
    let remote = remote();
    let first = source(&remote, "one");
    deploy(&remote, &first).run().expect_code(0);
    let skips = |message: &str| {
        ["skip ci", "ci skip", "no ci", "skip actions", "skip-checks"]
            .iter()
            .any(|words| message.contains(words))
    };
    assert!(!skips(&remote.log("main")[0].message));
    let second = source(&remote, "two");
    deploy(&remote, &second)
        .args(["--message", "deploy: {image} [skip ci]"])
        .run()
        .expect_code(0);
    let log = remote.log("main");
    assert!(log[0].title().ends_with(" [skip ci]"));
    assert_eq!(log[0].trailer("Runbook-Source"), Some(second.as_str()));
}

#[test]
fn guards_follow_a_value_through_its_history() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    deploy(&remote, &newer).run().expect_code(0);
    // The file is broken, then repaired without its new name.
    remote.commit("main", &[(PROD, "images: [\n", false)], "chore: oops\n");
    let text = format!("images:\n- name: {REPOSITORY}\n  newTag: v1\n");
    remote.commit("main", &[(PROD, &text, false)], "chore: repaired\n");
    deploy(&remote, &older).run().expect_code(12);
}

#[test]
fn the_history_of_a_large_repository_is_cheap() {
    let remote = GitRemote::with_files(20_000);
    remote.commit(
        "main",
        &[(PROD, &SampleOverlay::prod(OLD).text(), false)],
        "feat: start\n",
    );
    let sources: Vec<String> = (0..3)
        .map(|state| source(&remote, &state.to_string()))
        .collect();
    deploy(&remote, &sources[0]).run().expect_code(0);
    let http = remote.http_open();
    built(&http.url(), &sources[2]).run().expect_code(0);
    println!("{} bytes", http.bytes_sent());
    assert!(http.bytes_sent() < 1 << 20, "{} bytes", http.bytes_sent());
    at(&http.url(), &["prod"])
        .args(["--image", NEW])
        .run()
        .expect_code(0);
}

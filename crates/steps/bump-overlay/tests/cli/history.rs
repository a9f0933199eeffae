//! The guards and the history as people make it: merges, moves, gaps, and several images.

use super::guards::{REPOSITORY, built, deploy, image_of, roll_back, set, source};
use super::{OLD, PROD, bump, remote};
use lab::overlays;

/// A call judges each image and each overlay for itself.
#[test]
fn each_image_is_judged_for_itself() {
    for is_reversed in [false, true] {
        let remote = remote();
        let worker = format!("{REPOSITORY}-worker");
        let text = format!(
            "images:\n- name: {REPOSITORY}\n  newTag: v0\n- name: {worker}\n  newTag: v0\n"
        );
        remote.commit("main", &[(PROD, &text, false)], "feat: two images\n");
        let first = source(&remote, "one");
        let write = |images: &[String], source: &str| {
            let command = bump()
                .args(["--overlay", PROD, "--branch", "main", "--format", "json"])
                .args(["--source-commit", source, "--remote"])
                .arg(remote.path());
            images
                .iter()
                .fold(command, |command, image| command.args(["--image", image]))
                .run()
        };
        write(&[format!("{worker}:v1")], &first).expect_code(0);
        // The commit of the bump contains nothing new for the worker.
        let next = remote.tip("main");
        let mut images = vec![format!("{REPOSITORY}:b1"), format!("{worker}:b1")];
        if is_reversed {
            images.reverse();
        }
        let run = write(&images, &next);
        run.expect_code(0);
        let expected = text.replacen("v0", "b1", 1).replacen("v0", "v1", 1);
        assert_eq!(remote.file("main", PROD), Some(expected));
        let report = run.json();
        assert!(
            report["notices"].to_string().contains("not changed"),
            "{run}"
        );
        assert!(
            report["facts"]["image"].to_string().contains("worker:v1"),
            "{run}"
        );
    }
}

#[test]
fn the_same_line_is_held_whatever_the_bytes() {
    let remote = remote();
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    set(&remote, "v1", "deploy: v1\n");
    let message = format!(
        "deploy: v2\n\nRunbook-Image: {REPOSITORY}:v2@{}\n",
        digest("a")
    );
    set(&remote, "v2", &message);
    let message = format!(
        "rollback(prod): x\n\nRunbook-Image: {REPOSITORY}:v1\n\
         Runbook-Rollback-Of: {REPOSITORY}:v2@{}\n",
        digest("a")
    );
    set(&remote, "v1", &message);
    let write = |image: String, flags: &[&str]| {
        let command = bump()
            .args([
                "--overlay",
                PROD,
                "--branch",
                "main",
                "--dry-run",
                "--remote",
            ])
            .arg(remote.path());
        command.args(["--image", &image]).args(flags).run()
    };
    // The entry names no digest, so its line would be that of the bad image.
    let rebuilt = format!("{REPOSITORY}:v2@{}", digest("b"));
    let run = write(rebuilt.clone(), &[]);
    run.expect_code(10);
    assert!(run.stderr.contains("`--pin digest`"), "{run}");
    write(rebuilt, &["--pin", "digest"]).expect_code(0);
    // The bad bytes are bad under every name.
    let renamed = format!("{REPOSITORY}:v3@{}", digest("a"));
    write(renamed, &["--pin", "digest"]).expect_code(10);
}

#[test]
fn an_overlay_that_cannot_be_edited_hides_no_hold() {
    let remote = remote();
    set(&remote, "v2", "deploy: v2\n");
    roll_back(&remote, "v2", "v1");
    let command = bump()
        .args([
            "--overlay",
            PROD,
            "--overlay",
            "nowhere",
            "--branch",
            "main",
        ])
        .args([
            "--image",
            &format!("{REPOSITORY}:v2"),
            "--format",
            "json",
            "--remote",
        ])
        .arg(remote.path());
    let run = command.run();
    run.expect_code(10);
    let subjects = &run.json()["subjects"];
    assert_eq!(
        (&subjects[0]["reason"], &subjects[1]["reason"]),
        (&"held".into(), &"overlay-missing".into()),
        "{run}"
    );
}

#[test]
fn a_forced_step_back_moves_the_newest_source() {
    let remote = remote();
    let sources = ["one", "two", "three"].map(|state| source(&remote, state));
    deploy(&remote, &sources[2]).run().expect_code(0);
    deploy(&remote, &sources[0])
        .arg("--force")
        .run()
        .expect_code(0);
    assert_eq!(remote.log("main")[0].trailer("Runbook-Forced"), Some("yes"));
    deploy(&remote, &sources[1]).run().expect_code(0);
    assert_eq!(remote.log("main")[0].trailer("Runbook-Forced"), None);
    deploy(&remote, &sources[0]).run().expect_code(12);
}

#[test]
fn a_merge_a_move_and_a_gap_forget_nothing() {
    let remote = remote();
    let (older, bad) = (source(&remote, "one"), source(&remote, "bad"));
    deploy(&remote, &bad).run().expect_code(0);
    // The rollback comes by a merge, while the branch changes another line.
    let message = format!(
        "rollback(prod): x\n\nRunbook-Image: {REPOSITORY}:{OLD}\nRunbook-Rollback-Of: {}\n",
        image_of(&bad)
    );
    remote.commit("rollback", &[(PROD, &overlays::prod(OLD), false)], &message);
    let deployed = remote.file("main", PROD).unwrap();
    let commented = format!("# ours\n{deployed}");
    remote.commit("main", &[(PROD, &commented, false)], "docs: ours\n");
    remote.merge("rollback", "main", "Merge pull request #7");
    let held = |overlay: &str| {
        for (source, code) in [(&bad, 10), (&older, 12)] {
            let command = bump().args(["--overlay", overlay, "--branch", "main", "--remote"]);
            let command = command
                .arg(remote.path())
                .args(["--image", &image_of(source)]);
            command
                .args(["--source-commit", source])
                .run()
                .expect_code(code);
        }
    };
    held(PROD);
    // It is removed and put back, and then moved with a change.
    let text = remote.file("main", PROD).unwrap();
    remote.change(
        "main",
        &[lab::repo::TreeChange::delete(PROD)],
        "chore: oops\n",
    );
    remote.commit("main", &[(PROD, &text, false)], "Revert \"chore: oops\"\n");
    held(PROD);
    let moved = "deploy/prod/kustomization.yaml";
    let changes = [
        lab::repo::TreeChange::delete(PROD),
        lab::repo::TreeChange::file(moved, text.replace("# ours", "# theirs")),
    ];
    remote.change("main", &changes, "refactor: move\n");
    held(moved);
}

/// Sets other images by hand, so often that older changes are not among the newest.
fn bury(remote: &lab::GitRemote) {
    for number in 0..101 {
        set(remote, &format!("x{number}"), "by hand\n");
    }
}

#[test]
fn a_hold_below_a_hundred_changes_still_holds() {
    let remote = remote();
    set(&remote, "v2", "deploy: v2\n");
    roll_back(&remote, "v2", "v1");
    bury(&remote);
    let flags = |command: lab::HermeticCommand| {
        command
            .args(["--overlay", PROD, "--branch", "main"])
            .args(["--image", &format!("{REPOSITORY}:v2")])
    };
    let held = flags(bump()).arg("--remote").arg(remote.path()).run();
    held.expect_code(10);
    assert!(held.stderr.contains("[held]"), "{held}");
    let server = lab::FakeGitHub::new(&remote);
    let through_the_api = flags(bump()).args(["--repository", "example/dex"]);
    let run = server.environment(through_the_api, &server.token()).run();
    run.expect_code(10);
    assert!(run.stderr.contains("[held]"), "{run}");
}

#[test]
fn a_newer_source_below_a_hundred_changes_still_counts() {
    let remote = remote();
    let (older, newer) = (source(&remote, "one"), source(&remote, "two"));
    let next = source(&remote, "three");
    deploy(&remote, &newer).run().expect_code(0);
    bury(&remote);
    deploy(&remote, &older).run().expect_code(12);
    // A shallow remote does not have those changes.
    let folder = tempfile::tempdir().unwrap();
    let shallow = folder.path().join("shallow.git").display().to_string();
    remote.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--depth=102",
        &remote.url(),
        &shallow,
    ]);
    let run = built(&shallow, &older).run();
    run.expect_code(20);
    assert!(run.stderr.contains("[history-cut]"), "{run}");
    assert!(run.stderr.contains("`--force`"), "{run}");
    deploy(&remote, &next).run().expect_code(0);
}

#[test]
fn a_dropped_rollback_below_a_hundred_commits_holds() {
    let remote = remote();
    set(&remote, "v2", "deploy: v2\n");
    let rollback = format!(
        "rollback(prod): x\n\nRunbook-Image: {REPOSITORY}:v1\nRunbook-Rollback-Of: {REPOSITORY}:v2\n"
    );
    remote.commit(
        "rollback",
        &[(PROD, &overlays::prod("v1"), false)],
        &rollback,
    );
    set(&remote, "v3", "deploy: v3\n");
    // The merge keeps the file of the branch.
    let tree = remote.git(&["rev-parse", "main^{tree}"]);
    let merge = remote.git(&[
        "commit-tree",
        tree.trim_end(),
        "-p",
        "main",
        "-p",
        "rollback",
        "-m",
        "Merge",
    ]);
    remote.git(&["update-ref", "refs/heads/main", merge.trim_end()]);
    remote.pad(100);
    let checkout = remote.checkout("main");
    checkout.git(&["checkout", "--quiet", "-b", "topic"]);
    checkout.write("topic.txt", "x");
    checkout.git(&["add", "topic.txt"]);
    checkout.git(&["commit", "--quiet", "-m", "feat: topic"]);
    checkout.git(&["checkout", "--quiet", "main"]);
    checkout.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "topic"]);
    checkout.git(&["push", "--quiet", "origin", "main"]);
    let server = lab::FakeGitHub::new(&remote);
    let command = bump()
        .args(["--overlay", PROD, "--branch", "main"])
        .args(["--image", &format!("{REPOSITORY}:v2")])
        .args(["--repository", "example/dex"]);
    let run = server.environment(command, &server.token()).run();
    run.expect_code(10);
    assert!(run.stderr.contains("[held]"), "{run}");
}

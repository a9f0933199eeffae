//! The guards and the history as people make it: merges, moves, gaps, and several images.

use super::guards::{REPOSITORY, deploy, image_of, roll_back, set, source};
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
    deploy(&remote, &sources[1]).run().expect_code(0);
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

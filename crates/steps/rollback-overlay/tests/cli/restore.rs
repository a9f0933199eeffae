//! The restored value: as it was, in the file as it is now, and nothing else.

use super::{PROD, ProdWorld, STAGE, left_nothing};
use lab::overlays::SampleOverlay;

#[test]
fn one_commit_restores_the_previous_image_exactly() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let before = world.remote.tip("main");
    let command = world.roll_back(&[
        "--bad",
        &world.image("v2"),
        "--reason",
        "500s since the deployment",
    ]);
    let run = command.run();
    run.expect_code(0);
    insta::assert_snapshot!(world.said(&run), @"
    passed: committed COMMIT to `main`: `infra/argocd/overlays/prod/kustomization.yaml` from REGISTRY/acme/app:v2 back to REGISTRY/acme/app:v1
    note: without `--environment` the forge's deployments are not asked: the previous image counts as good, unless a rollback called it bad
    ");
    assert_eq!(world.file(), world.prod("v1"));
    let log = world.remote.log("main");
    assert_eq!(
        (log.len(), &log[0].parents, run.stdout.trim()),
        (3, &vec![before], log[0].id.as_str())
    );
    insta::assert_snapshot!(world.plain(&log[0].message), @"
    rollback(prod): REGISTRY/acme/app v2 -> v1

    500s since the deployment

    Runbook-Image: REGISTRY/acme/app:v1@sha256:3e5000ee276262c8057b05ea7675cf775bc911c37c0e967c47e93ac71b690c79
    Runbook-Rollback-Of: REGISTRY/acme/app:v2
    Runbook-Restores: COMMIT
    ");
    assert_eq!(log[0].trailer("Runbook-Restores"), Some(log[2].id.as_str()));
    world.remote.fsck();
    left_nothing(&command);
}

#[test]
fn the_report_has_every_fact() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let first = world.remote.log("main")[1].id.clone();
    let report = world.roll_back(&["--format", "json"]).run().json();
    let facts = &report["facts"];
    assert_eq!(
        (&report["verdict"], &facts["commit"]),
        (&"passed".into(), &world.remote.tip("main").into())
    );
    assert_eq!(
        (&facts["branch"], &facts["changed"], &facts["lines"]),
        (&"main".into(), &true.into(), &1.into())
    );
    assert_eq!(
        (&facts["overlays"], &facts["restores"]),
        (&serde_json::json!([PROD]), &serde_json::json!([first]))
    );
    assert!(
        facts["image"][0]
            .as_str()
            .unwrap()
            .starts_with(&format!("{}@sha256:", world.image("v1")))
    );
    assert_eq!(facts["bad"], serde_json::json!([world.image("v2")]));
    assert!(
        facts["diff"]
            .as_str()
            .unwrap()
            .contains("\n+    newTag: v1     ")
    );
    assert_eq!(facts["message"], world.remote.log("main")[0].message);
}

#[test]
fn other_changes_of_the_file_stay() {
    let world = ProdWorld::with(&["v1"]);
    world.push("v2");
    let bumped = world.prod("v2").replace("count: 3", "count: 7");
    world.commit(&[(PROD, bumped.clone())], "feat: more of them, and v2\n");
    let later = bumped
        .replace("# The same build", "# Not the same build")
        .replace("namespace: dex", "namespace: app");
    world.commit(&[(PROD, later.clone())], "chore: other things\n");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), later.replace("newTag: v2", "newTag: v1"));
}

#[test]
fn tag_digest_and_name_are_restored_together() {
    let world = ProdWorld::with(&[]);
    let digests = ["v1", "v2"].map(|tag| world.push(tag));
    let text = |name: &str, tag: &str, digest: Option<&str>| {
        let digest = digest
            .map(|digest| format!("    digest: {digest}\n"))
            .unwrap_or_default();
        format!("images:\n  - name: app\n    newName: {name}\n    newTag: {tag}\n{digest}")
    };
    let name = world.name();
    // The name changes, as when a registry moves; the digest comes and goes.
    let states = [
        text(&name, "v1", Some(&digests[0])),
        text("elsewhere.example/app", "v2", None),
        text("elsewhere.example/app", "v3", Some(&digests[1])),
    ];
    for state in &states {
        world.commit(&[(PROD, state.clone())], "deploy\n");
    }
    let command = ProdWorld::of("app", "main", &world.remote.url(), &["prod"]);
    command
        .args(["--to", &format!("{name}:v1@{}", digests[0])])
        .run()
        .expect_code(0);
    assert_eq!(world.file(), states[0]);
    // The bad image had a digest, the good one has none.
    let world = ProdWorld::with(&["v1"]);
    let digest = world.push("v2");
    let pinned = world
        .prod("v2")
        .replace("\n\npatches", &format!("\n    digest: {digest}\n\npatches"));
    world.commit(&[(PROD, pinned)], "deploy\n");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn one_commit_restores_each_overlays_own_image() {
    let world = ProdWorld::with(&[]);
    for tag in ["v1", "v2", "v3"] {
        world.push(tag);
    }
    world.commit(
        &[(STAGE, world.stage("v1")), (PROD, world.prod("v1"))],
        "feat: start\n",
    );
    world.commit(&[(STAGE, world.stage("v2"))], "deploy(stage)\n");
    world.commit(
        &[(STAGE, world.stage("v3")), (PROD, world.prod("v3"))],
        "deploy(stage,prod)\n",
    );
    let command = world.at(&world.remote.url(), &["stage", "prod"]);
    let run = command.clone().args(["--bad", &world.image("v3")]).run();
    run.expect_code(0);
    assert_eq!(world.remote.file("main", STAGE), Some(world.stage("v2")));
    assert_eq!(world.file(), world.prod("v1"));
    let log = world.remote.log("main");
    assert_eq!(log.len(), 4);
    insta::assert_snapshot!(world.plain(&log[0].message), @"
    rollback(stage,prod): REGISTRY/acme/app v3 -> v2, v3 -> v1

    Runbook-Image: REGISTRY/acme/app:v2@sha256:4dffe4a3df5aa6c703e1d3df1138ab958d4d3883a61889598cf857317dfe0df5
    Runbook-Image: REGISTRY/acme/app:v1@sha256:3e5000ee276262c8057b05ea7675cf775bc911c37c0e967c47e93ac71b690c79
    Runbook-Rollback-Of: REGISTRY/acme/app:v3
    Runbook-Restores: COMMIT
    Runbook-Restores: COMMIT
    ");
    // Stage has v2 and prod v1 now: the commit set neither of them.
    let run = command
        .args(["--undo", &log[2].id])
        .args(["--format", "json"])
        .run();
    run.expect_code(10);
    assert_eq!(
        (&run.json()["reason"], world.remote.log("main").len()),
        (&"not-in-history".into(), 4)
    );
}

#[test]
fn a_restored_image_is_left_alone() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let bad = world.image("v2");
    let first = world.roll_back(&["--bad", &bad]).run();
    for flags in [
        &["--bad", &bad][..],
        &[],
        &["--to", &world.image("v1")],
        &["--bad", &bad, "--allow-older"],
    ] {
        let again = world.roll_back(flags).run();
        again.expect_code(0);
        assert!(again.stderr.starts_with("unchanged: "), "{again}");
        assert_eq!(
            (&again.stdout, world.remote.log("main").len()),
            (&first.stdout, 3)
        );
    }
}

#[test]
fn a_newer_image_is_left_alone() {
    let world = ProdWorld::with(&["v1", "v2", "v3"]);
    let run = world.roll_back(&["--bad", &world.image("v2")]).run();
    run.expect_code(12);
    insta::assert_snapshot!(world.first_line(&run), @"superseded: `infra/argocd/overlays/prod`: deploys REGISTRY/acme/app:v3 since COMMIT, no longer REGISTRY/acme/app:v2 (on `main` at COMMIT) [newer-image]");
    let never = world
        .roll_back(&["--bad", &world.image("v9"), "--format", "json"])
        .run();
    never.expect_code(12);
    assert_eq!(
        (&never.json()["reason"], &never.json()["fault"]),
        (&"newer-image".into(), &"nobody".into())
    );
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn one_overlay_with_a_newer_image_stops_all() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.push("v3");
    world.commit(&[(STAGE, world.stage("v2"))], "deploy(stage)\n");
    world.commit(&[(STAGE, world.stage("v3"))], "deploy(stage)\n");
    let command = world.at(&world.remote.url(), &["stage", "prod"]);
    let run = command
        .args(["--bad", &world.image("v2"), "--format", "json"])
        .run();
    run.expect_code(12);
    let report = run.json();
    assert_eq!(
        (
            &report["subjects"][0]["verdict"],
            &report["subjects"][1]["verdict"]
        ),
        (&"superseded".into(), &"passed".into())
    );
    assert!(
        report["hints"]
            .to_string()
            .contains("leave out the `--overlay`"),
        "{run}"
    );
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn the_first_image_has_no_earlier_one() {
    let world = ProdWorld::with(&["v1"]);
    let run = world.roll_back(&[]).run();
    run.expect_code(10);
    insta::assert_snapshot!(world.first_line(&run), @"refused: `infra/argocd/overlays/prod/kustomization.yaml`: there is no image before REGISTRY/acme/app:v1 that is not known to be bad, the first one of this file came with COMMIT (on `main` at COMMIT) [no-earlier-image]");
    world.push("v0");
    world
        .roll_back(&["--to", &world.image("v0")])
        .run()
        .expect_code(0);
    assert_eq!(world.file(), world.prod("v0"));
}

/// Prod had v1 and v2 in another directory, and was moved here with this content.
fn moved(content: impl Fn(&ProdWorld) -> String) -> ProdWorld {
    let old = "overlays/prod/kustomization.yaml";
    let world = ProdWorld::with(&[]);
    for tag in ["v1", "v2"] {
        world.push(tag);
        world.commit(&[(old, world.prod(tag))], "deploy(prod): x\n");
    }
    let changes = [
        lab::repo::TreeChange::delete(old),
        lab::repo::TreeChange::file(PROD, content(&world)),
    ];
    world.remote.change("main", &changes, "refactor: move\n");
    world
}

#[test]
fn a_moved_file_is_followed() {
    let world = moved(|world| world.prod("v2"));
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_moved_and_changed_file_is_followed() {
    let more = |text: String| text.replace("count: 3", "count: 5");
    let world = moved(|world| more(world.prod("v2")));
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), more(world.prod("v1")));
}

#[test]
fn images_called_bad_are_passed_over() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.roll_back(&[]).run().expect_code(0);
    world.push("v3");
    world.deploy("v3");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
    // v2 was deployed again on purpose, so it counts again.
    world.commit(&[(PROD, world.prod("v2"))], "v2 after all\n");
    world.deploy("v3");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v2"));
}

#[test]
fn a_manual_revert_counts_as_a_rollback() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.commit(
        &[(PROD, world.prod("v1"))],
        "Revert \"deploy(prod): x\"\n\nThis reverts commit 1.\n",
    );
    let revert = world.remote.tip("main");
    for flags in [&[][..], &["--bad", &world.image("v2")]] {
        let run = world.roll_back(flags).run();
        run.expect_code(0);
        let first = run
            .stderr
            .lines()
            .find(|line| line.starts_with("unchanged"));
        assert!(first.is_some_and(|line| line.contains(&revert)), "{run}");
    }
    // It never goes forward to what was reverted.
    let bad = ["--bad", &world.image("v1"), "--format", "json"];
    let run = world.roll_back(&bad).run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "no-earlier-image", "{run}");
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn an_invalid_overlay_or_image_is_refused() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let twice = format!(
        "images:\n- name: a\n  newName: {0}\n- name: b\n  newName: {0}\n",
        world.name()
    );
    world.commit(
        &[
            ("twice/kustomization.yaml", twice),
            ("x/kustomization.yaml", "images: [\n".to_owned()),
        ],
        "x\n",
    );
    let other = SampleOverlay::prod("v1")
        .new_name("elsewhere.example/app")
        .text();
    world.commit(&[("other/kustomization.yaml", other)], "x\n");
    for (overlay, reason) in [
        ("nowhere", "overlay-missing"),
        ("../x", "overlay-missing"),
        ("twice", "ambiguous"),
        ("x", "unsupported-yaml"),
        ("other", "image-missing"),
    ] {
        let run = world
            .roll_back(&["--overlay", overlay, "--format", "json"])
            .run();
        run.expect_code(10);
        assert_eq!(run.json()["reason"], reason, "{run}");
    }
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn an_entry_without_a_version_is_rolled_back_once() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let unpinned = world.prod("v2");
    let unpinned: Vec<&str> = unpinned
        .lines()
        .filter(|line| !line.contains("newTag"))
        .collect();
    world.commit(&[(PROD, unpinned.join("\n") + "\n")], "chore: by hand\n");
    world.roll_back(&["--allow-older"]).run().expect_code(0);
    let rollback = world.remote.log("main")[0].clone();
    assert_eq!(
        rollback.trailer("Runbook-Rollback-Of"),
        Some(&*world.name())
    );
    let run = world.roll_back(&["--allow-older"]).run();
    run.expect_code(0);
    assert!(run.stderr.contains("unchanged: "), "{run}");
    assert!(world.file().contains("newTag: v2"), "{}", world.file());
}

#[test]
fn a_rerun_knows_the_image_by_its_earlier_name() {
    let world = ProdWorld::with(&["v1"]);
    world.push("v2");
    let mirror = format!("{}-mirror", world.name());
    let text = world.prod("v2").replace(&world.name(), &mirror);
    world.commit(&[(PROD, text)], "chore: a mirror\n");
    let url = world.remote.path().display().to_string();
    let command = ProdWorld::of(&mirror, "main", &url, &["prod"]);
    let command = command.args(["--bad", &format!("{mirror}:v2")]);
    for expected in ["passed: ", "unchanged: "] {
        let run = command.run();
        run.expect_code(0);
        assert!(run.stderr.contains(expected), "{run}");
        assert_eq!(world.file(), world.prod("v1"));
    }
}

#[test]
fn bad_bytes_are_restored_under_no_name() {
    let world = ProdWorld::with(&["v1"]);
    // The bad tag is pushed again under another name.
    world.push("v2");
    lab::Image::single("linux/amd64")
        .created("2025-01-01T00:00:02Z")
        .label("tag", "v2")
        .push(&world.registry, super::REPOSITORY, "copy");
    world.deploy("copy");
    world.deploy("v2");
    let run = world.roll_back(&[]).run();
    run.expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
    assert!(
        run.stderr.contains("is the very image that is bad"),
        "{run}"
    );
}

#[test]
fn the_bad_image_is_one_of_its_repository() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let run = world
        .roll_back(&["--bad", "quay.io/other/thing:v2", "--format", "json"])
        .run();
    run.expect_code(12);
    assert_eq!(run.json()["reason"], "newer-image", "{run}");
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn a_title_without_trailers_is_in_doubt() {
    let world = ProdWorld::with(&["v1", "v2"]);
    world.push("v0");
    world.commit(
        &[(PROD, world.prod("v0"))],
        "rollback(prod): x v2 -> v0 (#7)\n",
    );
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "rollback-in-doubt", "{run}");
    world
        .roll_back(&["--bad", &world.image("v0")])
        .run()
        .expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_shadowed_entry_restores_the_one_that_counts() {
    let world = ProdWorld::with(&[]);
    let text = |tag: &str| {
        let name = world.name();
        format!(
            "images:\n- name: dex\n  newName: {name}\n  newTag: v0\n- name: {name}\n  newTag: {tag}\n"
        )
    };
    for tag in ["v1", "v2"] {
        world.push(tag);
        world.commit(&[(PROD, text(tag))], "deploy\n");
    }
    let url = world.remote.path().display().to_string();
    let run = ProdWorld::of("dex", "main", &url, &["prod"]).run();
    run.expect_code(0);
    assert_eq!(world.file(), text("v1"));
    assert!(run.stderr.contains("since it takes effect"), "{run}");
}

#[test]
fn a_rollback_passes_a_freeze_and_says_so() {
    let all = "freezes:\n- { environments: ['*'], reason: r, by: b, until: 2999-01-01T00:00Z }\n";
    for text in [all, "freezes: ["] {
        let world = ProdWorld::with(&["v1", "v2"]);
        let freeze = [(".github/freeze.yaml", text.to_owned())];
        world.commit(&freeze, "chore: freeze\n");
        let run = world.roll_back(&["--bad", &world.image("v2")]).run();
        run.expect_code(0);
        let notice = "`.github/freeze.yaml` may freeze the environment; a rollback passes it";
        assert!(run.stderr.contains(notice), "{run}");
        assert_eq!(world.file(), world.prod("v1"));
    }
}

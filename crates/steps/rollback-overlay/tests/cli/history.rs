//! The history: which commit set the image, and what a dry run shows of it.

use super::{PROD, ProdWorld};

#[test]
fn a_commit_is_undone_by_any_name() {
    for length in [40, 8] {
        let world = ProdWorld::with(&["v1", "v2"]);
        let bad = world.remote.tip("main");
        world.commit(&[("README.md", "x".to_owned())], "docs: x\n");
        world
            .roll_back(&["--undo", &bad[..length]])
            .run()
            .expect_code(0);
        assert_eq!(world.file(), world.prod("v1"));
        let again = world.roll_back(&["--undo", &bad]).run();
        again.expect_code(0);
        assert!(again.stderr.starts_with("unchanged: "), "{again}");
        world.push("v3");
        world.deploy("v3");
        world.roll_back(&["--undo", &bad]).run().expect_code(12);
    }
}

#[test]
fn undoing_a_merged_commit_undoes_the_merges_image() {
    for by_merge in [false, true] {
        let world = ProdWorld::with(&["v1"]);
        world.push("v2");
        let message = format!("deploy(prod): x\n\nRunbook-Image: {}\n", world.image("v2"));
        let bad = world.commit_to("release", &[(PROD, world.prod("v2"))], &message);
        let merge = world
            .remote
            .merge("release", "main", "Merge pull request #7");
        world.commit(&[("README.md", "x".to_owned())], "docs: x\n");
        let undo = if by_merge { &merge } else { &bad };
        world.roll_back(&["--undo", undo]).run().expect_code(0);
        assert_eq!(world.file(), world.prod("v1"));
    }
}

#[test]
fn a_commit_beside_the_image_set_nothing() {
    let world = ProdWorld::with(&["v1"]);
    let more = |text: String| text.replace("count: 3", "count: 5");
    for tag in ["v2", "v3"] {
        world.push(tag);
    }
    let docs = world.commit_to("release", &[("README.md", "x".to_owned())], "docs: x\n");
    let earlier = world.commit_to("release", &[(PROD, world.prod("v2"))], "deploy(prod): x\n");
    let bad = world.commit_to("release", &[(PROD, world.prod("v3"))], "deploy(prod): x\n");
    let later = world.commit_to("release", &[(PROD, more(world.prod("v3")))], "feat: more\n");
    world
        .remote
        .merge("release", "main", "Merge pull request #7");
    for commit in [docs, earlier, later] {
        let run = world
            .roll_back(&["--undo", &commit, "--format", "json"])
            .run();
        run.expect_code(10);
        assert_eq!(run.json()["reason"], "not-in-history", "{run}");
    }
    world.roll_back(&["--undo", &bad]).run().expect_code(0);
    assert_eq!(world.file(), more(world.prod("v1")));
}

#[test]
fn trailers_count_through_a_merge() {
    let world = ProdWorld::with(&[]);
    let source = "1".repeat(40);
    let digest = world.push("v1");
    let message = format!(
        "deploy(prod): x\n\nRunbook-Source: {source}\nRunbook-Image: {}@{digest}\n",
        world.image("v1")
    );
    world.commit(&[(PROD, world.prod("v0"))], "feat: start\n");
    world.commit_to("deploy", &[(PROD, world.prod("v1"))], &message);
    let first = world
        .remote
        .merge("deploy", "main", "Merge pull request #7");
    world.push("v2");
    world.deploy("v2");
    world.roll_back(&[]).run().expect_code(0);
    let rollback = world.remote.log("main")[0].clone();
    assert_eq!(rollback.trailer("Runbook-Source"), Some(source.as_str()));
    assert_eq!(rollback.trailer("Runbook-Restores"), Some(first.as_str()));
    // The digest in the trailer tells that the tag was pushed again.
    world.push("v3");
    world.deploy("v3");
    world.push_built("v1", "2025-06-01T00:00:00Z");
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "tag-moved", "{run}");
}

#[test]
fn a_merged_rollback_counts_as_a_rollback() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let message = format!(
        "rollback(prod): x\n\nRunbook-Image: {}\nRunbook-Rollback-Of: {}\n",
        world.image("v1"),
        world.image("v2")
    );
    world.commit_to("rollback", &[(PROD, world.prod("v1"))], &message);
    world
        .remote
        .merge("rollback", "main", "Merge pull request #7");
    let again = world.roll_back(&[]).run();
    again.expect_code(0);
    assert!(again.stderr.starts_with("unchanged: "), "{again}");
    world.push("v3");
    world.deploy("v3");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_commit_that_set_no_image_is_refused() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let other = world.commit(&[("README.md", "x".to_owned())], "docs: x\n");
    let replicas = world.commit(
        &[(PROD, world.prod("v2").replace("count: 3", "count: 5"))],
        "feat: more\n",
    );
    for commit in [other, replicas, "0".repeat(40), "0000000".to_owned()] {
        let run = world
            .roll_back(&["--undo", &commit, "--format", "json"])
            .run();
        run.expect_code(10);
        assert_eq!(run.json()["reason"], "not-in-history", "{run}");
    }
    assert_eq!(world.remote.pushes(), 0);
}

#[test]
fn a_dry_run_shows_the_overlays_earlier_images() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let digest = world.push("v1");
    let (good, bad) = (format!("{}@{digest}", world.image("v1")), world.image("v2"));
    let message =
        format!("rollback(prod): x\n\nRunbook-Image: {good}\nRunbook-Rollback-Of: {bad}\n");
    world.commit(&[(PROD, world.prod("v1"))], &message);
    world.push("v3");
    world.deploy("v3");
    let run = world.roll_back(&["--dry-run"]).run();
    run.expect_code(0);
    insta::assert_snapshot!(world.said(&run), @"
    passed: dry run, nothing pushed; would commit onto COMMIT of `main`: `infra/argocd/overlays/prod/kustomization.yaml` from REGISTRY/acme/app:v3 back to REGISTRY/acme/app:v1
    --- a/infra/argocd/overlays/prod/kustomization.yaml
    +++ b/infra/argocd/overlays/prod/kustomization.yaml
    @@ -18,7 +18,7 @@
     images:
       - name: example/dex
         newName: REGISTRY/acme/app
    -    newTag: v3              # The same build that ran in stage
    +    newTag: v1              # The same build that ran in stage

     patches:
       - path: deployment.yaml    # Settings and limits of this environment

    message of the commit:
        rollback(prod): REGISTRY/acme/app v3 -> v1

        Runbook-Image: REGISTRY/acme/app:v1@sha256:3e5000ee276262c8057b05ea7675cf775bc911c37c0e967c47e93ac71b690c79
        Runbook-Rollback-Of: REGISTRY/acme/app:v3
        Runbook-Restores: COMMIT

    images of `infra/argocd/overlays/prod/kustomization.yaml`, newest first:
        COMMIT  2025-01-01  REGISTRY/acme/app:v3                      deployed, bad
        COMMIT  2025-01-01  REGISTRY/acme/app:v1@sha256:3e5000ee2762  to be restored
        COMMIT  2025-01-01  REGISTRY/acme/app:v2                      called bad by COMMIT
        COMMIT  2025-01-01  REGISTRY/acme/app:v1@sha256:3e5000ee2762
    note: without `--environment` the forge's deployments are not asked: the previous image counts as good, unless a rollback called it bad
    ");
    assert_eq!((world.remote.pushes(), run.stdout.as_str()), (0, ""));
    let never = world.roll_back(&["--dry-run", "--bad", &bad]).run();
    never.expect_code(12);
    assert!(never.stderr.contains("newest first:\n"), "{never}");
}

#[test]
fn a_deep_history_is_followed() {
    let world = ProdWorld::with(&["v1"]);
    for number in 0..260 {
        world.commit(&[("n", number.to_string())], "chore: other\n");
    }
    world.push("v2");
    world.deploy("v2");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn a_shallow_checkout_does_not_hide_the_history() {
    let world = ProdWorld::with(&["v1", "v2"]);
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    world.remote.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        &world.remote.url(),
        &clone.display().to_string(),
    ]);
    let command = super::rollback().current_dir(&clone);
    let command = command.args([
        "--image",
        &world.name(),
        "--branch",
        "main",
        "--overlay",
        PROD,
    ]);
    command.run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
    // As a remote, a shallow repository lacks its earlier history.
    let shallow = folder.path().join("shallow.git");
    world.remote.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        &world.remote.url(),
        &shallow.display().to_string(),
    ]);
    let run = world
        .at(&shallow.display().to_string(), &["prod"])
        .args(["--bad", &world.image("v1"), "--format", "json"])
        .run();
    run.expect_code(20);
    assert_eq!(run.json()["reason"], "history-cut");
}

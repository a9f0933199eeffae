//! One commit on a branch: its content, and races with other writers.

use super::{NEW, OLD, PROD, STAGE, both, first_line, left_nothing, on, remote, said, ten_writers};
use lab::{GitRemote, overlays, repo::TreeChange};

#[test]
fn stage_and_prod_change_in_one_commit() {
    let remote = remote();
    let before = remote.tip("main");
    let command = both(&remote).args(["--source-commit", &"51c0cc9c".repeat(5)]);
    let run = command.run();
    run.expect_code(0);
    insta::assert_snapshot!(said(&run, &remote), @"
    passed: committed COMMIT to `main`: registry.example/example/dex:sha-51c0cc9c in `infra/argocd/overlays/stage/kustomization.yaml`, `infra/argocd/overlays/prod/kustomization.yaml` (2 lines)
      infra/argocd/overlays/stage  passed: from registry.example/example/dex:sha-9b04d52a to registry.example/example/dex:sha-51c0cc9c
      infra/argocd/overlays/prod   passed: from registry.example/example/dex:sha-9b04d52a to registry.example/example/dex:sha-51c0cc9c
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c51c0cc9c51c0cc9c51c0cc9c51c0cc9c (`--source-repository`)
    note: `infra/argocd/overlays/stage/kustomization.yaml`: line 18: `example/dex` was found by its newName
    note: `infra/argocd/overlays/prod/kustomization.yaml`: line 19: `example/dex` was found by its newName
    ");
    let log = remote.log("main");
    assert_eq!(
        (log.len(), run.stdout.trim(), &log[0].parents),
        (2, log[0].id.as_str(), &vec![before])
    );
    insta::assert_snapshot!(log[0].message, @"
    deploy(stage,prod): registry.example/example/dex:sha-51c0cc9c

    Runbook-Source: 51c0cc9c51c0cc9c51c0cc9c51c0cc9c51c0cc9c
    Runbook-Image: registry.example/example/dex:sha-51c0cc9c
    ");
    assert_eq!(log[0].author, "runbook <runbook@localhost>");
    assert_eq!(
        remote.file("main", STAGE),
        Some(overlays::stage("sha-51c0cc9c"))
    );
    assert_eq!(
        remote.file("main", PROD),
        Some(overlays::prod("sha-51c0cc9c"))
    );
    assert_eq!(remote.mode("main", PROD).as_deref(), Some("100755"));
    remote.fsck();
    left_nothing(&command);
}

#[test]
fn the_second_run_names_the_existing_commit() {
    let remote = remote();
    let first = both(&remote).run();
    let again = both(&remote).run();
    again.expect_code(0);
    assert_eq!((again.stdout, remote.log("main").len()), (first.stdout, 2));
}

#[test]
fn a_dry_run_reads_and_pushes_nothing() {
    let remote = remote();
    let run = on(&remote, &["prod"]).arg("--dry-run").run();
    run.expect_code(0);
    insta::assert_snapshot!(said(&run, &remote), @"
    passed: dry run, nothing pushed; would commit onto COMMIT of `main`: registry.example/example/dex:sha-51c0cc9c into `infra/argocd/overlays/prod/kustomization.yaml` (1 line)
    --- a/infra/argocd/overlays/prod/kustomization.yaml
    +++ b/infra/argocd/overlays/prod/kustomization.yaml
    @@ -18,7 +18,7 @@
     images:
       - name: example/dex
         newName: registry.example/example/dex
    -    newTag: sha-9b04d52a    # The same build that ran in stage
    +    newTag: sha-51c0cc9c    # The same build that ran in stage

     patches:
       - path: deployment.yaml    # Settings and limits of this environment

    message of the commit:
        deploy(prod): registry.example/example/dex:sha-51c0cc9c

        Runbook-Image: registry.example/example/dex:sha-51c0cc9c

    why it may be written:
        `infra/argocd/overlays/prod/kustomization.yaml`: no rollback among its 1 values called the image bad
        `infra/argocd/overlays/prod/kustomization.yaml`: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    note: not checked whether registry.example/example/dex:sha-51c0cc9c is older: the source repository does not have 51c0cc9c (`--source-repository`)
    note: `infra/argocd/overlays/prod/kustomization.yaml`: line 19: `example/dex` was found by its newName
    ");
    assert_eq!(
        (
            run.stdout.as_str(),
            remote.log("main").len(),
            remote.pushes()
        ),
        ("", 1, 0)
    );
}

#[test]
fn the_report_has_every_fact() {
    let remote = remote();
    let digest = format!("sha256:{}", "a".repeat(64));
    let run = on(&remote, &["prod"])
        .args(["--format", "json"])
        .args(["--image", &format!("{NEW}@{digest}")]);
    let run = run
        .args(["--message", "chore: {overlays} to {image}"])
        .run();
    // The same image twice, once with its digest, is one edit: the entry has no digest.
    run.expect_code(0);
    let facts = &run.json()["facts"];
    assert_eq!(facts["commit"], remote.tip("main"));
    assert_eq!(facts["branch"], "main");
    assert_eq!(facts["overlays"], serde_json::json!([PROD]));
    assert_eq!(facts["changed"], true);
    assert_eq!(facts["image"], serde_json::json!([NEW]));
    assert_eq!(
        facts["before"],
        serde_json::json!([format!("registry.example/example/dex:{OLD}")])
    );
    assert_eq!(facts["lines"], 1);
    assert!(
        facts["diff"]
            .as_str()
            .unwrap()
            .contains("\n+    newTag: sha-51c0cc9c    # The same")
    );
    assert_eq!(facts["message"], remote.log("main")[0].message);
    assert!(
        remote.log("main")[0]
            .message
            .contains(&format!("Runbook-Image: {NEW}@{digest}\n"))
    );
}

#[test]
fn one_of_two_refused_pushes_nothing() {
    let remote = remote();
    let entry = "  - name: registry.example/example/dex\n    newTag: v1\n";
    let twice = format!("images:\n{entry}{entry}");
    remote.commit("main", &[(PROD, &twice, false)], "feat: twice\n");
    let run = both(&remote).run();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: `infra/argocd/overlays/prod/kustomization.yaml`: line 2: 2 entries for `registry.example/example/dex`: `registry.example/example/dex` on line 2, `registry.example/example/dex` on line 4 (on `main` at COMMIT) [ambiguous]");
    assert_eq!((remote.pushes(), run.stdout.as_str()), (0, ""));
}

#[test]
fn a_path_outside_the_repositorys_overlays_is_missing() {
    let remote = remote();
    let changes = [
        TreeChange::symlink("link", "infra"),
        TreeChange::submodule("module", &remote.tip("main")),
        TreeChange::file("two/kustomization.yaml", overlays::prod(OLD)),
        TreeChange::file("two/Kustomization", overlays::prod(OLD)),
        TreeChange::file("none/values.yaml", "a: 1\n"),
    ];
    remote.change("main", &changes, "chore: odd things\n");
    let cases = [
        (
            "link/argocd/overlays/prod",
            "overlay-missing",
            "`link` is a symbolic link",
        ),
        (
            "module/overlays",
            "overlay-missing",
            "`module` is a submodule",
        ),
        ("../elsewhere", "overlay-missing", "`..`"),
        ("/etc", "overlay-missing", "absolute"),
        ("nowhere", "overlay-missing", "no such"),
        ("none", "overlay-missing", "has no kustomization"),
        ("two", "ambiguous", "kustomization.yaml and Kustomization"),
        ("none/values.yaml", "image-missing", "values.yaml"),
    ];
    for (overlay, reason, word) in cases {
        let run = on(&remote, &["prod"])
            .args(["--overlay", overlay, "--format", "json"])
            .run();
        run.expect_code(10);
        let report = run.json();
        assert_eq!(
            (report["reason"].as_str(), report["fault"].as_str()),
            (Some(reason), Some("configuration"))
        );
        assert!(report["summary"].as_str().unwrap().contains(word), "{run}");
        assert_eq!(report["subjects"].as_array().unwrap().len(), 2);
    }
    assert_eq!(remote.pushes(), 0);
}

#[test]
fn another_writers_commit_is_kept() {
    let remote = remote();
    let race = remote.on_next_push(|remote| {
        remote.commit(
            "main",
            &[("human.txt", "me first\n", false)],
            "docs: human\n",
        );
    });
    both(&remote).run().expect_code(0);
    assert!(race.is_over());
    let titles: Vec<_> = remote
        .log("main")
        .iter()
        .map(|commit| commit.title().to_owned())
        .collect();
    assert_eq!(
        titles,
        [
            &format!("deploy(stage,prod): {NEW}"),
            "docs: human",
            "feat: start"
        ]
    );
    assert_eq!(
        remote.file("main", "human.txt").as_deref(),
        Some("me first\n")
    );
    remote.fsck();
}

#[test]
fn an_overlay_deleted_during_the_run_is_missing() {
    let remote = remote();
    let _race = remote.on_next_push(|remote| {
        remote.change("main", &[TreeChange::delete(PROD)], "chore: prod is gone\n");
    });
    let run = both(&remote).run();
    run.expect_code(10);
    insta::assert_snapshot!(first_line(&run, &remote), @"refused: `infra/argocd/overlays/prod`: there is no such directory or file (on `main` at COMMIT) [overlay-missing]");
    assert_eq!(remote.log("main")[0].title(), "chore: prod is gone");
}

#[test]
fn the_same_change_by_another_writer_is_enough() {
    let remote = remote();
    let _race = remote.on_next_push(|remote| {
        let files = [
            (STAGE, &*overlays::stage("sha-51c0cc9c"), false),
            (PROD, &overlays::prod("sha-51c0cc9c"), true),
        ];
        remote.commit("main", &files, "deploy: the same\n");
    });
    let run = both(&remote).run();
    run.expect_code(0);
    assert!(run.stderr.contains("unchanged: "), "{run}");
    assert_eq!(
        (run.stdout.trim(), remote.log("main").len()),
        (remote.tip("main").as_str(), 2)
    );
}

#[test]
fn permanent_contention_ends_at_the_deadline() {
    let remote = remote();
    let race = remote.on_every_push(|remote| {
        remote.commit(
            "main",
            &[("n", &remote.pushes().to_string(), false)],
            "chore: again\n",
        );
    });
    let command = both(&remote).args(["--timeout", "2s", "--format", "json"]);
    let run = command.run();
    drop(race);
    run.expect_code(22);
    assert_eq!(run.json()["reason"], "contended");
    assert_eq!(
        (
            &run.json()["facts"]["changed"],
            &run.json()["facts"]["commit"]
        ),
        (&false.into(), &"".into())
    );
    assert!(remote.pushes() > 0 && run.elapsed.as_secs() < 60, "{run}");
    assert!(
        remote
            .log("main")
            .iter()
            .all(|commit| !commit.title().starts_with("deploy"))
    );
    left_nothing(&command);
}

#[test]
fn ten_writers_all_land_in_a_linear_history() {
    let remote = GitRemote::new();
    ten_writers(&remote, |bump| bump.arg("--remote").arg(remote.path()));
}

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    let remote = remote();
    let race = remote.on_every_push(|remote| {
        remote.commit(
            "main",
            &[("n", &remote.pushes().to_string(), false)],
            "chore: again\n",
        );
    });
    let command = both(&remote);
    let mut running = command.spawn();
    running.wait_for("waiting for a turn");
    running.interrupt();
    let run = running.wait();
    drop(race);
    run.expect_code(130);
    left_nothing(&command);
}

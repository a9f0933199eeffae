//! Editing the files of a checkout in place.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{NEW, OLD, PROD, STAGE, bump, tidy};
use lab::overlays::{self, SampleOverlay};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (STAGE, SampleOverlay::stage(OLD).text()),
        (PROD, SampleOverlay::prod(OLD).text()),
    ] {
        write(folder.path(), path, &text);
    }
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn text(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap()
}

fn here(folder: &Path, overlays: &[&str]) -> lab::HermeticCommand {
    let command = bump().current_dir(folder).args(["--image", NEW]);
    overlays.iter().fold(command, |command, overlay| {
        command.args(["--overlay", overlay])
    })
}

#[test]
fn one_line_changes_and_everything_else_stays() {
    let folder = folder();
    let prod = folder.path().join(PROD);
    fs::set_permissions(&prod, fs::Permissions::from_mode(0o755)).unwrap();
    let run = here(folder.path(), &["infra/argocd/overlays/prod/"]).run();
    run.expect_code(0);
    insta::assert_snapshot!(tidy(&run.stderr), @"
    passed: wrote registry.example/example/dex:sha-51c0cc9c into `infra/argocd/overlays/prod/kustomization.yaml` (1 line)
    note: `infra/argocd/overlays/prod/kustomization.yaml`: line 19: `example/dex` was found by its newName
    ");
    assert_eq!(text(folder.path(), PROD), overlays::prod("sha-51c0cc9c"));
    assert_eq!(text(folder.path(), STAGE), overlays::stage(OLD));
    assert_eq!(
        fs::metadata(&prod).unwrap().permissions().mode() & 0o777,
        0o755
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn overrides_of_argo_cd_next_to_the_overlay_are_named() {
    let folder = folder();
    let overrides = "infra/argocd/overlays/prod/.argocd-source.yaml";
    let item = "kustomize:\n  images:\n    - registry.example/example/dex:v1\n";
    write(folder.path(), overrides, item);
    let run = here(folder.path(), &["infra/argocd/overlays/prod/"]).run();
    run.expect_code(0);
    assert!(run.stderr.contains(overrides), "{}", run.stderr);
    let other = "kustomize:\n  images:\n    - registry.example/example/other:v1\n";
    write(
        folder.path(),
        "infra/argocd/overlays/stage/.argocd-source.yaml",
        other,
    );
    let run = here(folder.path(), &[STAGE]).run();
    run.expect_code(0);
    assert!(!run.stderr.contains("argocd-source"), "{}", run.stderr);
}

#[test]
fn the_second_run_is_unchanged() {
    let folder = folder();
    here(folder.path(), &[STAGE]).run().expect_code(0);
    let modified = fs::metadata(folder.path().join(STAGE))
        .unwrap()
        .modified()
        .unwrap();
    let again = here(folder.path(), &[STAGE])
        .args(["--format", "json"])
        .run();
    assert_eq!(
        (again.code, again.json()["verdict"].as_str()),
        (0, Some("unchanged"))
    );
    assert_eq!(again.json()["facts"]["image"][0], NEW);
    assert_eq!(
        fs::metadata(folder.path().join(STAGE))
            .unwrap()
            .modified()
            .unwrap(),
        modified
    );
}

#[test]
fn a_dry_run_shows_the_diff_only() {
    let folder = folder();
    let run = here(folder.path(), &["infra/argocd/overlays/stage"])
        .arg("--dry-run")
        .run();
    run.expect_code(0);
    insta::assert_snapshot!(tidy(&run.stderr), @"
    passed: dry run, nothing written; would write registry.example/example/dex:sha-51c0cc9c into `infra/argocd/overlays/stage/kustomization.yaml` (1 line)
    --- a/infra/argocd/overlays/stage/kustomization.yaml
    +++ b/infra/argocd/overlays/stage/kustomization.yaml
    @@ -17,7 +17,7 @@
     images:
       - name: example/dex
         newName: registry.example/example/dex
    -    newTag: sha-9b04d52a    # Goes to prod once it has proven itself
    +    newTag: sha-51c0cc9c    # Goes to prod once it has proven itself

     patches:
       - path: deployment.yaml    # Settings and limits of this environment
    note: `infra/argocd/overlays/stage/kustomization.yaml`: line 18: `example/dex` was found by its newName
    ");
    assert_eq!(text(folder.path(), STAGE), overlays::stage(OLD));
}

#[test]
fn one_of_two_refused_leaves_both_unchanged() {
    let folder = folder();
    write(
        folder.path(),
        PROD,
        "images:\n  - name: other\n    newTag: v1\n",
    );
    let run = here(
        folder.path(),
        &["infra/argocd/overlays/stage", "infra/argocd/overlays/prod"],
    )
    .run();
    run.expect_code(10);
    insta::assert_snapshot!(tidy(&run.stderr), @"
    refused: `infra/argocd/overlays/prod/kustomization.yaml`: no entry for `registry.example/example/dex`; there are `other` [image-missing]
      infra/argocd/overlays/stage  passed: could be written, but is not, since another overlay cannot
      infra/argocd/overlays/prod   refused: `infra/argocd/overlays/prod/kustomization.yaml`: no entry for `registry.example/example/dex`; there are `other` [image-missing]
    hint: pass `--entry` with one of the names, or `--create` to add an entry
    reproduce: bump-overlay --image registry.example/example/dex:sha-51c0cc9c --overlay infra/argocd/overlays/stage --overlay infra/argocd/overlays/prod
    ");
    assert_eq!(text(folder.path(), STAGE), overlays::stage(OLD));
}

#[test]
fn a_failed_write_restores_the_other_files() {
    let folder = folder();
    // The temporary file, which is renamed into place, has a longer name: too long here.
    let long = format!("infra/{}", "x".repeat(250));
    write(folder.path(), &long, &overlays::prod(OLD));
    let run = here(folder.path(), &[STAGE, &long])
        .args(["--format", "json"])
        .run();
    run.expect_code(20);
    let report = run.json();
    assert_eq!(
        (report["reason"].as_str(), report["fault"].as_str()),
        (Some("not-written"), Some("environment"))
    );
    assert!(
        report["summary"]
            .as_str()
            .unwrap()
            .contains("the other files were restored"),
        "{run}"
    );
    assert_eq!(text(folder.path(), STAGE), overlays::stage(OLD));
    assert_eq!(text(folder.path(), &long), overlays::prod(OLD));
}

#[test]
fn links_and_nested_repositories_are_not_entered() {
    let folder = folder();
    std::os::unix::fs::symlink("infra/argocd/overlays", folder.path().join("link")).unwrap();
    write(folder.path(), "module/.git", "gitdir: elsewhere\n");
    write(
        folder.path(),
        "module/kustomization.yaml",
        &overlays::prod(OLD),
    );
    for (overlay, word) in [
        ("link/stage", "`link` is a symbolic link"),
        ("module", "`module` is a submodule"),
    ] {
        let run = here(folder.path(), &[overlay]).run();
        run.expect_code(10);
        assert!(
            run.stderr.contains(word) && run.stderr.contains("[overlay-missing]"),
            "{run}"
        );
    }
    assert_eq!(text(folder.path(), STAGE), overlays::stage(OLD));
}

#[test]
fn the_directory_and_its_file_are_one_overlay() {
    let folder = folder();
    let run = here(folder.path(), &[STAGE, "infra/argocd/overlays/stage"])
        .args(["--format", "json"])
        .run();
    run.expect_code(0);
    assert_eq!(run.json()["facts"]["overlays"], serde_json::json!([STAGE]));
    assert_eq!(run.json()["facts"]["lines"], 1);
}

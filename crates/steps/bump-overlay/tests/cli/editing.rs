//! Flags of the editor, and its refusals.

use std::fs;

use super::bump;

const IMAGE: &str = "ghcr.io/acme/app";

/// Edits a kustomization; returns the exit code, the report and the text afterwards.
fn edit(text: &str, flags: &[&str]) -> (i32, serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kustomization.yaml");
    fs::write(&file, text).unwrap();
    let run = bump()
        .current_dir(folder.path())
        .args(["--overlay", ".", "--format", "json"])
        .args(flags)
        .run();
    (run.code, run.json(), fs::read_to_string(file).unwrap())
}

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

/// A kustomization with one entry for the image, and the rest of this entry.
fn entry(rest: &str) -> String {
    format!("images:\n  - name: {IMAGE}\n{rest}")
}

const V1: &str = "    newTag: v1\n";
const V2: &str = "    newTag: v2\n";
const TAGGED: &str = "ghcr.io/acme/app:v2";

#[track_caller]
fn becomes(text: &str, flags: &[&str], expected: &str) {
    let (code, report, after) = edit(text, flags);
    assert_eq!((code, after.as_str()), (0, expected), "{flags:?}\n{report}");
}

#[test]
fn pin_decides_about_tag_and_digest() {
    let pinned = format!("{TAGGED}@{}", digest());
    let new_digest = format!("    digest: {}\n", digest());
    let old_digest = format!("    digest: sha256:{}\n", "b".repeat(64));
    let old_pinned = entry(&format!("{V1}{old_digest}"));
    let new_pinned = entry(&format!("{V2}{new_digest}"));
    becomes(&entry(V1), &["--image", &pinned], &entry(V2));
    becomes(&old_pinned, &["--image", &pinned], &new_pinned);
    let always = ["--image", &pinned, "--pin", "digest"];
    becomes(&entry(V1), &always, &new_pinned);
    let never = ["--image", TAGGED, "--pin", "tag"];
    becomes(&old_pinned, &never, &entry(V2));
}

#[test]
fn every_other_flag_reaches_the_editor() {
    becomes(
        "resources: []\n",
        &["--image", TAGGED, "--create"],
        &format!("resources: []\n{}", entry(V2)),
    );
    becomes(
        &entry(&format!("{V1}  - name: {IMAGE}\n{V1}")),
        &["--image", TAGGED, "--all"],
        &entry(&format!("{V2}  - name: {IMAGE}\n{V2}")),
    );
    becomes(
        "images:\n  - name: app\n    newName: old/app\n    newTag: v1\n",
        &["--image", TAGGED, "--entry", "app", "--rename"],
        &format!("images:\n  - name: app\n    newName: {IMAGE}\n    newTag: v2\n"),
    );
    becomes(
        &entry("    newTag: v1\n    tagSuffix: -x\n"),
        &["--image", TAGGED, "--drop-suffix"],
        &entry(V2),
    );
}

#[test]
fn of_two_images_only_the_outdated_one_changes() {
    let text = "images:\n  - name: acme/app\n    newTag: v2\n  - name: acme/web\n    newTag: v1\n";
    let (code, report, after) = edit(text, &["--image", "acme/app:v2", "--image", "acme/web:v2"]);
    assert_eq!((code, &report["facts"]["lines"]), (0, &1.into()));
    assert_eq!(after, text.replace("v1", "v2"));
}

#[track_caller]
fn refuses(text: &str, flags: &[&str], reason: &str, hint: &str) {
    let flags = [&["--image", TAGGED], flags].concat();
    let (code, report, after) = edit(text, &flags);
    assert_eq!(
        (code, report["reason"].as_str()),
        (10, Some(reason)),
        "{report}"
    );
    assert_eq!(report["fault"], "configuration");
    assert!(report["hints"].to_string().contains(hint), "{report}");
    let summary = report["summary"].as_str().unwrap();
    assert!(summary.contains("kustomization.yaml"), "{report}");
    assert_eq!(after, text);
}

#[test]
fn every_refusal_has_its_reason_and_hint() {
    refuses("resources: []\n", &[], "image-missing", "--create");
    let twice = entry(&format!("{V1}  - name: {IMAGE}\n{V1}"));
    refuses(&twice, &[], "ambiguous", "--all");
    let pinned = entry(&format!("{V1}    digest: {}\n", digest()));
    refuses(&pinned, &[], "incomplete-image", "--pin tag");
    let suffix = entry("    tagSuffix: -x\n");
    refuses(&suffix, &[], "ambiguous", "--drop-suffix");
    let shadowed = format!(
        "images:\n  - name: app\n    newName: {IMAGE}\n{V1}  - name: {IMAGE}\n    newTag: v0\n"
    );
    refuses(&shadowed, &["--entry", "app"], "shadowed", "");
}

#[test]
fn unsupported_yaml_is_refused() {
    let two_documents = format!("{}---\n{}", entry(V1), entry(V1));
    let large = "#".repeat(5 << 20);
    for text in [two_documents.as_str(), "images: {\n", &large] {
        refuses(text, &[], "unsupported-yaml", "");
    }
}

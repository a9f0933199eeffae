//! Every flag reaches the editor, and every refusal of the editor has its reason.

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

#[test]
fn every_flag_reaches_the_editor() {
    let (tagged, pinned) = (format!("{IMAGE}:v2"), format!("{IMAGE}:v2@{}", digest()));
    let entry = |rest: &str| format!("images:\n  - name: {IMAGE}\n{rest}");
    let digest_line = format!("    digest: {}\n", digest());
    let old_digest = format!("    digest: sha256:{}\n", "b".repeat(64));
    let v1 = "    newTag: v1\n";
    let v2 = "    newTag: v2\n";
    let cases: [(String, &[&str], String); 7] = [
        (entry(v1), &["--image", &pinned], entry(v2)),
        (
            entry(&format!("{v1}{old_digest}")),
            &["--image", &pinned],
            entry(&format!("{v2}{digest_line}")),
        ),
        (
            entry(v1),
            &["--image", &pinned, "--pin", "digest"],
            entry(&format!("{v2}{digest_line}")),
        ),
        (
            entry(&format!("{v1}{old_digest}")),
            &["--image", &tagged, "--pin", "tag"],
            entry(v2),
        ),
        (
            "resources: []\n".to_owned(),
            &["--image", &tagged, "--create"],
            format!("resources: []\nimages:\n  - name: {IMAGE}\n    newTag: v2\n"),
        ),
        (
            entry(&format!("{v1}  - name: {IMAGE}\n{v1}")),
            &["--image", &tagged, "--all"],
            entry(&format!("{v2}  - name: {IMAGE}\n{v2}")),
        ),
        (
            "images:\n  - name: app\n    newName: old/app\n    newTag: v1\n".to_owned(),
            &["--image", &tagged, "--entry", "app", "--rename"],
            format!("images:\n  - name: app\n    newName: {IMAGE}\n    newTag: v2\n"),
        ),
    ];
    for (text, flags, expected) in cases {
        let (code, report, after) = edit(&text, flags);
        assert_eq!(
            (code, after.as_str()),
            (0, expected.as_str()),
            "{flags:?}\n{report}"
        );
    }
    let suffix = entry("    newTag: v1\n    tagSuffix: -x\n");
    let (code, report, after) = edit(&suffix, &["--image", &tagged, "--drop-suffix"]);
    assert_eq!((code, after), (0, entry(v2)), "{report}");
}

#[test]
fn two_images_of_which_one_is_right_already_change_one_line() {
    let text = "images:\n  - name: acme/app\n    newTag: v2\n  - name: acme/web\n    newTag: v1\n";
    let (code, report, after) = edit(text, &["--image", "acme/app:v2", "--image", "acme/web:v2"]);
    assert_eq!((code, &report["facts"]["lines"]), (0, &1.into()));
    assert_eq!(after, text.replace("v1", "v2"));
}

#[test]
fn every_refusal_has_its_reason_and_leaves_the_file() {
    let entry = |rest: &str| format!("images:\n  - name: {IMAGE}\n{rest}");
    let v1 = "    newTag: v1\n";
    for (text, reason, word) in [
        ("resources: []\n".to_owned(), "image-missing", "--create"),
        (
            entry(&format!("{v1}  - name: {IMAGE}\n{v1}")),
            "ambiguous",
            "--all",
        ),
        (
            entry(&format!("{v1}    digest: {}\n", digest())),
            "incomplete-image",
            "--pin tag",
        ),
        (entry("    tagSuffix: -x\n"), "ambiguous", "--drop-suffix"),
        (
            format!("{}---\n{}", entry(v1), entry(v1)),
            "unsupported-yaml",
            "",
        ),
        ("images: {\n".to_owned(), "unsupported-yaml", ""),
        ("#".repeat(5 << 20), "unsupported-yaml", ""),
        (
            format!(
                "images:\n  - name: app\n    newName: {IMAGE}\n{v1}  - name: {IMAGE}\n    newTag: v0\n"
            ),
            "shadowed",
            "",
        ),
    ] {
        let entry = if reason == "shadowed" {
            &["--entry", "app"][..]
        } else {
            &[]
        };
        let flags = [&["--image", "ghcr.io/acme/app:v2"], entry].concat();
        let (code, report, after) = edit(&text, &flags);
        assert_eq!(
            (code, report["reason"].as_str()),
            (10, Some(reason)),
            "{report}"
        );
        assert_eq!(report["fault"], "configuration");
        assert!(report["hints"].to_string().contains(word), "{report}");
        assert!(
            report["summary"]
                .as_str()
                .unwrap()
                .contains("kustomization.yaml"),
            "{report}"
        );
        assert_eq!(after, text);
    }
}

//! `cargo xtask new-step` writes a step that passes every check, in a copy of the repository.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use xtask::{
    anatomy, circles,
    new_step::{NewStepOptions, write},
    repository::root,
};

const NAME: &str = "verify-sun";

/// Copies the tracked files to a fixed place below the target directory, where a second run finds
/// the first one's build. Unchanged files keep their times, or Cargo would build them again.
fn copy_of_the_repository() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-step");
    let listed = git(&["ls-files", "--cached", "--others", "--exclude-standard"]);
    let names: BTreeSet<PathBuf> = listed.lines().map(PathBuf::from).collect();
    let mut tracked = BTreeSet::new();
    for name in names {
        // A file that is deleted, but not committed yet, is listed too.
        if let Ok(content) = fs::read(root().join(&name)) {
            write_if_changed(&copy.join(&name), &content);
            tracked.insert(copy.join(&name));
        }
    }
    remove_others(&copy, &tracked);
    copy
}

fn write_if_changed(file: &Path, content: &[u8]) {
    if fs::read(file).is_ok_and(|existing| existing == content) {
        return;
    }
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, content).expect("a file");
}

/// Removes what an earlier run, or an earlier state of the repository, left in the copy.
fn remove_others(folder: &Path, tracked: &BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            remove_others(&path, tracked);
            // Fails where files remain.
            let _ = fs::remove_dir(&path);
        } else if !tracked.contains(&path) {
            fs::remove_file(&path).expect("a file of the copy");
        }
    }
}

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("names are text")
}

fn new_step(root: &Path, name: &str, sentence: &str) -> Result<(), String> {
    let options = NewStepOptions {
        name: name.to_owned(),
        sentence: sentence.to_owned(),
    };
    write(root, &options).map_err(|error| format!("{error:#}"))
}

fn cargo(root: &Path, arguments: &[&str]) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("a folder");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root)
        // The dependencies are those of the repository, which are built already.
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}\n{said}");
}

/// The lines that name the step outside of its folder.
const REGISTRATIONS: [(&str, &str); 8] = [
    (
        "Cargo.toml",
        "verify-sun = { path = \"crates/steps/verify-sun\" }",
    ),
    ("Cargo.lock", "name = \"verify-sun\""),
    ("crates/runbook/Cargo.toml", "verify-sun.workspace = true"),
    (
        "crates/runbook/src/steps.rs",
        "    Registration::of::<verify_sun::VerifySun>(),",
    ),
    (
        ".deny.toml",
        "  { crate = \"verify-sun\", wrappers = [\"runbook\", \"tests\"], reason = \"steps do not use each other\" },",
    ),
    (
        "crates/README.md",
        "| `steps/verify-sun` | verify that the sun is up | TODO |",
    ),
    ("CHANGELOG.md", "- `verify-sun`: verify that the sun is up."),
    (".github/workflows/selftest.yml", "  verify-sun:"),
];

#[test]
fn a_new_step_passes_every_check() {
    let copy = copy_of_the_repository();
    new_step(&copy, NAME, "Verify that the sun is up").unwrap();

    let src = copy.join("crates/steps").join(NAME).join("src");
    assert_eq!(anatomy::violations(&src).unwrap(), Vec::<String>::new());
    assert_eq!(circles::of_crate(&src, true).unwrap(), Vec::<String>::new());
    cargo(&copy, &["fmt", "--all", "--check"]);
    let structure = [
        "test",
        "--locked",
        "--offline",
        "-p",
        "xtask",
        "--no-default-features",
    ];
    cargo(&copy, &[&structure[..], &["--test", "arrows"]].concat());
    let clippy = [
        "clippy",
        "--locked",
        "--offline",
        "-p",
        NAME,
        // With it, Cargo chooses the features of the dependencies that they are built with.
        "-p",
        "xtask",
        "--all-targets",
    ];
    cargo(&copy, &[&clippy[..], &["--", "-D", "warnings"]].concat());

    for (file, line) in REGISTRATIONS {
        let text = fs::read_to_string(copy.join(file)).unwrap();
        assert!(text.lines().any(|found| found == line), "{file}: {line}");
    }
    let readme = fs::read_to_string(copy.join("README.md")).unwrap();
    assert!(
        readme.contains(
            "| [`verify-sun`](actions/verify-sun/README.md) | Verify that the sun is up."
        ),
        "{readme}"
    );
}

#[test]
fn a_wrong_name_or_sentence_changes_nothing() {
    let before = git(&["status", "--porcelain"]);
    let error = |name, sentence| new_step(&root(), name, sentence).unwrap_err();
    assert!(error("Check-Sun", "Check it").starts_with("invalid name `Check-Sun`"));
    assert!(error("check-sun", "check it.").starts_with("invalid --sentence"));
    assert!(error("check-image", "Check it").ends_with("already exists"));
    assert_eq!(git(&["status", "--porcelain"]), before);
}

//! `actions/.dex/run.sh` finds the binary: next to itself, then in `RUNBOOK_BIN_DIR`, then on
//! `PATH`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A release tree with the shim, and two other places for binaries.
struct ReleaseTree(TempDir);

impl ReleaseTree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir_all(tree.path("tree/.dex")).expect("a temporary folder");
        fs::copy(
            tests::root().join("actions/.dex/run.sh"),
            tree.path("tree/.dex/run.sh"),
        )
        .expect("a temporary folder");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a program that prints its folder.
    fn put(&self, folder: &str) {
        let file = self.path(folder).join("check-image");
        fs::create_dir_all(file.parent().expect("a temporary folder")).expect("a temporary folder");
        fs::write(&file, format!("#!/bin/sh\necho {folder} $#\nexit 22\n"))
            .expect("a temporary folder");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a temporary folder");
    }

    fn run(&self) -> lab::ProgramRun {
        let path = format!("{}:/usr/bin:/bin", self.path("path").display());
        let shim: &Path = &self.path("tree/.dex/run.sh");
        lab::HermeticCommand::new(shim)
            .arg("check-image")
            .env("PATH", path)
            .env("RUNBOOK_BIN_DIR", self.path("variable"))
            .run()
    }
}

#[test]
fn the_nearest_binary_runs() {
    let tree = ReleaseTree::new();
    let arch = std::env::consts::ARCH;
    let next_to_it = format!("tree/.dex/bin/{arch}-unknown-linux-gnu");
    for folder in ["path", "variable", &next_to_it] {
        tree.put(folder);
        let run = tree.run();
        assert_eq!(
            (run.stdout.trim(), run.code),
            (format!("{folder} 0").as_str(), 22),
            "{run}"
        );
    }
}

#[test]
fn without_a_binary_a_hint_says_how_to_build() {
    let run = ReleaseTree::new().run();
    run.expect_code(2);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(
        lines[0].starts_with("error: no binary of `check-image` for Linux "),
        "{run}"
    );
    assert!(
        lines[1].starts_with("hint: build it with `cargo build --release -p check-image`"),
        "{run}"
    );
}

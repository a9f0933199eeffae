//! `actions/.dex/run.sh` finds the binary: beside itself, then where it is told, then on `PATH`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A release tree with the shim, and two other places for binaries.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().expect("a folder of our own"));
        fs::create_dir_all(tree.path("tree/.dex")).expect("a folder of our own");
        fs::copy(
            tests::root().join("actions/.dex/run.sh"),
            tree.path("tree/.dex/run.sh"),
        )
        .expect("a folder of our own");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a program that says where it is.
    fn put(&self, folder: &str) {
        let file = self.path(folder).join("check-image");
        fs::create_dir_all(file.parent().expect("a folder of our own"))
            .expect("a folder of our own");
        fs::write(&file, format!("#!/bin/sh\necho {folder} $#\nexit 22\n"))
            .expect("a folder of our own");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a folder of our own");
    }

    fn run(&self) -> lab::Run {
        let path = format!("{}:/usr/bin:/bin", self.path("path").display());
        let shim: &Path = &self.path("tree/.dex/run.sh");
        lab::Command::new(shim)
            .arg("check-image")
            .env("PATH", path)
            .env("RUNBOOK_BIN_DIR", self.path("told"))
            .run()
    }
}

#[test]
fn a_binary_beside_it_wins_then_the_one_it_is_told_then_the_one_on_path() {
    let tree = Tree::new();
    let beside = format!("tree/.dex/bin/{}-unknown-linux-gnu", std::env::consts::ARCH);
    for folder in ["path", "told", &beside] {
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
fn without_a_binary_nothing_runs_and_the_way_out_is_told() {
    let run = Tree::new().run();
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

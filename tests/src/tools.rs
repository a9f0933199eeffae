//! The programs of the tests: those of the workspace are next to the test, all others on `PATH`.

use std::{path::PathBuf, process::Command};

/// Returns a binary of the workspace, from the target directory of the running test.
///
/// # Panics
///
/// If it has not been built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the running test");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("the test is in target/debug/deps");
    let binary = folder.join(name);
    assert!(
        binary.is_file(),
        "there is no `{}`: run `cargo xtask test`, or `cargo build --workspace --bins`",
        binary.display()
    );
    binary
}

/// Builds a program of the workspace as it is shipped, and returns its path.
///
/// # Panics
///
/// If it cannot be built.
#[must_use]
pub fn shipped(name: &str) -> PathBuf {
    let root = crate::root();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build-dist", "--quiet", "--locked", "-p", name];
    let status = Command::new(cargo)
        .args(arguments)
        .current_dir(&root)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "`{name}` cannot be built"
    );
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("dist").join(name)
}

/// Returns a program on `PATH`.
///
/// # Panics
///
/// If it is missing.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    found(name).unwrap_or_else(|| {
        panic!(
            "there is no `{name}` on PATH: run `cargo xtask test`, which installs the programs \
             that tests need"
        )
    })
}

/// Returns a program on `PATH`, if it exists.
#[must_use]
pub fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

//! Where the programs are: those of the workspace beside the test, all others on `PATH`.

use std::path::PathBuf;

/// Returns a binary of the workspace, from the target directory of the running test.
///
/// # Panics
///
/// If it has not been built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the running test");
    let folder = test.ancestors().nth(2).expect("the test is in target/debug/deps");
    let binary = folder.join(name);
    assert!(
        binary.is_file(),
        "there is no `{}`: run `cargo xtask test`, or `cargo build --workspace --bins`",
        binary.display()
    );
    binary
}

/// Returns a program on `PATH`.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("there is no `{name}` on PATH: run `cargo xtask test`, which sets up what the tests need")
    })
}

//! Whole pipelines over real systems: see `tests/`.

pub mod act;
pub mod tools;

use std::path::{Path, PathBuf};

/// Returns the root of the repository.
///
/// # Panics
///
/// If the repository is gone.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a package in the repository")
        .to_owned()
}

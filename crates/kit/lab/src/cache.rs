//! The user's cache, where `cargo xtask test` puts the tools of the tests.

use std::path::PathBuf;

/// Returns the folder of this project in it.
///
/// # Panics
///
/// If the environment has no home.
pub(crate) fn folder() -> PathBuf {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches =
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    caches
        .expect("`XDG_CACHE_HOME` or `HOME`, for the tools of the tests")
        .join("dex-actions")
}

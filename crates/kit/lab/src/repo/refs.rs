//! Refs, read from the repository's files: the tests resolve thousands, and a process for each took
//! a sixth of their time.

use std::fs;
use std::path::Path;

/// Returns the object that a full name (`HEAD`, `refs/heads/main`) refers to, if it exists (git:
/// `gitrepository-layout`, `git pack-refs`).
pub(super) fn resolve(repository: &Path, name: &str) -> Option<String> {
    let Ok(content) = fs::read_to_string(repository.join(name)) else {
        return packed(repository, name);
    };
    match content.trim_end().strip_prefix("ref: ") {
        Some(target) => resolve(repository, target),
        None => Some(content.trim_end().to_owned()),
    }
}

fn packed(repository: &Path, name: &str) -> Option<String> {
    let refs = fs::read_to_string(repository.join("packed-refs")).ok()?;
    refs.lines().find_map(|line| {
        let (id, packed_name) = line.split_once(' ')?;
        (packed_name == name).then(|| id.to_owned())
    })
}

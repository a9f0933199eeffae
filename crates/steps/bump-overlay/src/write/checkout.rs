//! Writes the files of this checkout, all or none.

use std::path::Path;

use branch::NOT_WRITTEN;
use contract::{Failure, World};

use crate::{
    judge::{BumpDecision, Judgement, edits::FileEdit},
    request::Request,
};

/// Writes every file; when one cannot be written, restores those that were written before it.
///
/// # Errors
/// `unavailable` when a file cannot be written.
pub(crate) fn write(
    request: &Request,
    judgement: &Judgement,
    world: &World,
) -> Result<(), Failure> {
    if request.dry_run {
        return Ok(());
    }
    if world.var("GITHUB_ACTIONS").as_deref() == Some("true") {
        // An empty variable counts as absent, so a workflow may mean to commit.
        world.notice("no `--branch`: only this checkout is edited, nothing is committed");
    }
    if judgement.decision != BumpDecision::Write {
        return Ok(());
    }
    let mut written: Vec<&FileEdit> = Vec::new();
    for file in judgement.edits.changed() {
        if let Err(error) = world.write(Path::new(&file.path), &file.edited.text) {
            let after = restore(world, &written);
            let error = anyhow::Error::from(error)
                .context(format!("could not write `{}`, {after}", file.path));
            return Err(Failure::unavailable(NOT_WRITTEN, error)
                .hinted("free some space, or let this user write in the folder"));
        }
        written.push(file);
    }
    Ok(())
}

/// Restores the files that were written, and returns what became of them.
fn restore(world: &World, written: &[&FileEdit]) -> String {
    let stuck: Vec<String> = written
        .iter()
        .filter(|file| world.write(Path::new(&file.path), &file.old).is_err())
        .map(|file| format!("`{}`", file.path))
        .collect();
    if written.is_empty() {
        "nothing was changed".to_owned()
    } else if stuck.is_empty() {
        "the other files were restored".to_owned()
    } else {
        format!("and could not restore {}", stuck.join(", "))
    }
}

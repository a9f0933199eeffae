//! Editing the files of this checkout in place.

use std::{io, path::Path};

use branch::{MAX_FILE_SIZE, NOT_WRITTEN, TreeEntries, TreeEntry};
use contract::{Failure, Report, World, asking, world::FileKind};

use crate::{
    edits::{Edits, FileEdit},
    guards::Findings,
    request::Request,
    say::{self, Place},
};

/// Edits the files, all or none.
pub(crate) fn bump(request: &Request, world: &World) -> Result<Report, Failure> {
    let mut entries = TreeEntries::new();
    for path in request.paths() {
        let entry = entry(world, &path).map_err(|error| not_read(&path, error))?;
        entries.insert(path, entry);
    }
    let edits = Edits::of(request, &entries);
    if edits.is_refused() {
        return Ok(say::refused(request, &edits, &Place::Checkout));
    }
    if edits.changed().next().is_none() {
        return Ok(say::unchanged(request, &edits, &Place::Checkout));
    }
    if request.dry_run {
        return Ok(say::dry_run(
            request,
            &edits,
            &Place::Checkout,
            &Findings::default(),
        ));
    }
    write(world, &edits)?;
    Ok(say::written(request, &edits))
}

/// Returns what is at a path; neither links nor repositories within this one are entered.
fn entry(world: &World, path: &str) -> io::Result<TreeEntry> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for end in 1..=parts.len() {
        let at = parts[..end].join("/");
        match world.kind(Path::new(&at))? {
            None => return Ok(TreeEntry::Missing),
            Some(FileKind::Link) => return Ok(TreeEntry::Link { at }),
            Some(FileKind::Directory) if world.kind(&Path::new(&at).join(".git"))?.is_some() => {
                return Ok(TreeEntry::Submodule { at });
            }
            Some(FileKind::File) if end == parts.len() => {
                return match world.read(Path::new(path), MAX_FILE_SIZE as u64) {
                    Ok(content) => Ok(TreeEntry::File {
                        content,
                        executable: false,
                    }),
                    Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                        Ok(TreeEntry::TooLarge)
                    }
                    Err(error) => Err(error),
                };
            }
            Some(FileKind::Directory) => {}
            Some(FileKind::File | FileKind::Other) => return Ok(TreeEntry::Missing),
        }
    }
    Ok(TreeEntry::Directory)
}

/// Writes every file, and puts those back that were written when one cannot be.
fn write(world: &World, edits: &Edits) -> Result<(), Failure> {
    let mut written: Vec<&FileEdit> = Vec::new();
    for file in edits.changed() {
        if let Err(error) = world.write(Path::new(&file.path), &file.edited.text) {
            let after = put_back(world, &written);
            let error = anyhow::Error::from(error)
                .context(format!("could not write `{}`, {after}", file.path));
            return Err(Failure::unavailable(NOT_WRITTEN, error)
                .hinted("free some space, or let this user write in the folder"));
        }
        written.push(file);
    }
    Ok(())
}

/// Returns what became of the files that had been written.
fn put_back(world: &World, written: &[&FileEdit]) -> String {
    let stuck = written
        .iter()
        .filter(|file| world.write(Path::new(&file.path), &file.old).is_err());
    let stuck: Vec<String> = stuck.map(|file| format!("`{}`", file.path)).collect();
    match (written.len(), stuck.is_empty()) {
        (0, _) => "nothing was changed".to_owned(),
        (_, true) => "the other files were put back".to_owned(),
        (_, false) => format!("and could not put back {}", stuck.join(", ")),
    }
}

fn not_read(path: &str, error: io::Error) -> Failure {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let error = anyhow::Error::from(error).context(format!("could not read `{path}`"));
    if denied {
        return Failure::denied(asking::PERMISSION_MISSING, error)
            .hinted("let this user read the file");
    }
    Failure::unavailable(NOT_WRITTEN, error)
}

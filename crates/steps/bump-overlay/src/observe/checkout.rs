//! Reads the files of this checkout.

use std::{io, path::Path};

use branch::{MAX_FILE_SIZE, NOT_WRITTEN, TreeEntries, TreeEntry};
use contract::{Failure, World, asking, world::FileKind};

use crate::request::Request;

/// Returns what lies at every path that may be an overlay's file.
///
/// # Errors
/// `denied` or `unavailable` when a path cannot be read.
pub(crate) fn read(request: &Request, world: &World) -> Result<TreeEntries, Failure> {
    let mut entries = TreeEntries::new();
    for path in request.paths() {
        let entry = entry(world, &path).map_err(|error| not_read(&path, error))?;
        entries.insert(path, entry);
    }
    Ok(entries)
}

/// Returns what lies at a path; the step enters neither links nor repositories within this one.
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
            Some(FileKind::File) if end == parts.len() => return file(world, path),
            Some(FileKind::Directory) => {}
            Some(FileKind::File | FileKind::Other) => return Ok(TreeEntry::Missing),
        }
    }
    Ok(TreeEntry::Directory)
}

fn file(world: &World, path: &str) -> io::Result<TreeEntry> {
    match world.read(Path::new(path), MAX_FILE_SIZE as u64) {
        Ok(content) => Ok(TreeEntry::File {
            content,
            executable: false,
        }),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(TreeEntry::TooLarge),
        Err(error) => Err(error),
    }
}

fn not_read(path: &str, error: io::Error) -> Failure {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    let error = anyhow::Error::from(error).context(format!("could not read `{path}`"));
    if is_denied {
        return Failure::denied(asking::PERMISSION_MISSING, error)
            .hinted("let this user read the file");
    }
    Failure::unavailable(NOT_WRITTEN, error)
}

//! The edits of all overlays together: all or none.

use branch::TreeEntries;
use overlay::{Diff, EditResult, EntryResult, OverlayRefusal, environment};

use crate::request::Request;

/// The edit of each overlay, in the order given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edits(pub(crate) Vec<OverlayEdit>);

/// The edit of one overlay, or why there is none.
#[derive(Debug, Clone)]
pub(crate) struct OverlayEdit {
    /// The overlay as the flag names it.
    pub(crate) name: String,
    pub(crate) result: Result<FileEdit, OverlayRefusal>,
}

/// A file, before and after.
#[derive(Debug, Clone)]
pub(crate) struct FileEdit {
    pub(crate) path: String,
    pub(crate) old: Vec<u8>,
    pub(crate) edited: EditResult,
    pub(crate) diff: Diff,
    /// Why the step leaves the file unchanged although it could write it.
    pub(crate) kept: Option<String>,
}

impl Edits {
    /// Edits the files in memory.
    pub(crate) fn of(request: &Request, entries: &TreeEntries) -> Self {
        let mut edits = Self::default();
        for overlay in &request.overlays {
            let result = overlay
                .file(entries)
                .and_then(|(path, old)| edit(request, path, old));
            // A directory and its file are the same overlay.
            let is_repeated = result
                .as_ref()
                .is_ok_and(|file| edits.files().any(|known| known.path == file.path));
            if !is_repeated {
                edits.0.push(OverlayEdit {
                    name: overlay.name.clone(),
                    result,
                });
            }
        }
        edits
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.0.iter().any(|edit| edit.result.is_err())
    }

    /// Returns the files that can be edited, changed or not.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileEdit> {
        self.0.iter().filter_map(|edit| edit.result.as_ref().ok())
    }

    /// Returns the files that differ.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &FileEdit> {
        self.files().filter(|file| file.is_changed())
    }

    /// Leaves a file unchanged.
    pub(crate) fn keep(&mut self, path: &str, why: &str) {
        for file in self.0.iter_mut().flat_map(|edit| &mut edit.result) {
            if file.path == path {
                file.kept = Some(why.to_owned());
            }
        }
    }

    /// Returns the message of the commit.
    pub(crate) fn message(&self, request: &Request) -> String {
        let environments: Vec<&str> = self.changed().map(|file| environment(&file.path)).collect();
        request.message.text(&environments)
    }
}

impl FileEdit {
    pub(crate) fn is_changed(&self) -> bool {
        self.edited.changed && self.kept.is_none()
    }

    /// Returns the entries that get another value; a new entry has no history.
    pub(crate) fn changed_entries(&self) -> impl Iterator<Item = &EntryResult> {
        self.edited
            .entries
            .iter()
            .filter(|entry| entry.line.is_some() && entry.before != entry.after)
    }

    /// Returns the images that the entries deploy after the edit.
    pub(crate) fn after(&self) -> Vec<String> {
        if self.kept.is_some() {
            return self.before();
        }
        self.edited
            .entries
            .iter()
            .map(|entry| entry.after.image(&entry.name))
            .collect()
    }

    /// Returns the images that the entries deployed before; a new entry deployed none.
    pub(crate) fn before(&self) -> Vec<String> {
        self.edited
            .entries
            .iter()
            .filter(|entry| entry.line.is_some())
            .map(|entry| entry.before.image(&entry.name))
            .collect()
    }
}

fn edit(request: &Request, path: String, old: &[u8]) -> Result<FileEdit, OverlayRefusal> {
    match overlay::edit(old, &request.updates, &request.options) {
        Ok(edited) => Ok(FileEdit {
            diff: Diff::between(&path, old, &edited.text),
            path,
            old: old.to_vec(),
            edited,
            kept: None,
        }),
        Err(refusal) => Err(OverlayRefusal::of_edit(&path, &refusal)),
    }
}

//! The edits of all overlays together: all or none.

use branch::{FileContent, TreeEntries};
use overlay::{Diff, EditResult, OverlayRefusal, environment};

use crate::{Facts, request::Request};

/// What becomes of each overlay, in the order given.
pub(crate) struct Edits(pub(crate) Vec<OverlayEdit>);

/// What becomes of one overlay.
pub(crate) struct OverlayEdit {
    /// The overlay as it was named.
    pub(crate) name: String,
    pub(crate) result: Result<FileEdit, OverlayRefusal>,
}

/// A file, before and after.
pub(crate) struct FileEdit {
    pub(crate) path: String,
    pub(crate) old: Vec<u8>,
    pub(crate) edited: EditResult,
    pub(crate) diff: Diff,
    /// Why it stays as it is although it could be written.
    pub(crate) kept: Option<String>,
}

impl Edits {
    /// Edits the files in memory.
    pub(crate) fn of(request: &Request, entries: &TreeEntries) -> Self {
        let mut edits: Vec<OverlayEdit> = Vec::new();
        for overlay in &request.overlays {
            let result = overlay
                .file(entries)
                .and_then(|(path, old)| edit(request, path, old));
            let path = result.as_ref().ok().map(|edit| edit.path.clone());
            let again = edits
                .iter()
                .any(|other| path.is_some() && other.path() == path.as_deref());
            // A directory and its file are the same overlay.
            if !again {
                edits.push(OverlayEdit {
                    name: overlay.name.clone(),
                    result,
                });
            }
        }
        Self(edits)
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.0.iter().any(|edit| edit.result.is_err())
    }

    /// Returns the files that differ.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &FileEdit> {
        self.files().filter(|file| file.is_changed())
    }

    /// Leaves a file as it is.
    pub(crate) fn keep(&mut self, path: &str, why: &str) {
        let files = self
            .0
            .iter_mut()
            .filter_map(|edit| edit.result.as_mut().ok());
        files
            .filter(|file| file.path == path)
            .for_each(|file| file.kept = Some(why.to_owned()));
    }

    /// Returns the files with what is to be in them.
    pub(crate) fn file_changes(&self) -> Vec<FileContent> {
        self.changed()
            .map(|file| FileContent {
                path: file.path.clone(),
                content: file.edited.text.clone(),
            })
            .collect()
    }

    /// Returns the message of the commit.
    pub(crate) fn message(&self, request: &Request) -> String {
        request.message.text(&self.environments())
    }

    /// Returns the names of the environments that change.
    pub(crate) fn environments(&self) -> Vec<&str> {
        self.changed().map(|file| environment(&file.path)).collect()
    }

    /// Returns the facts, but for the commit.
    pub(crate) fn facts(&self, request: &Request) -> Facts {
        let changed = self.changed().next().is_some();
        Facts {
            branch: request
                .branch
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            overlays: self.files().map(|file| file.path.clone()).collect(),
            changed: changed && !self.is_refused(),
            image: unique(self.files().flat_map(FileEdit::after)),
            before: unique(self.files().flat_map(FileEdit::before)),
            lines: self.changed().map(|file| file.diff.lines).sum(),
            diff: self.changed().map(|file| file.diff.text.as_str()).collect(),
            message: if changed {
                self.message(request)
            } else {
                String::new()
            },
            ..Facts::default()
        }
    }

    /// Returns the facts as they are before anything was written, for a run that fails.
    pub(crate) fn facts_before(&self, request: &Request) -> Facts {
        let Facts {
            branch,
            overlays,
            before,
            ..
        } = self.facts(request);
        Facts {
            branch,
            overlays,
            before: before.clone(),
            image: before,
            ..Facts::default()
        }
    }

    fn files(&self) -> impl Iterator<Item = &FileEdit> {
        self.0.iter().filter_map(|edit| edit.result.as_ref().ok())
    }
}

impl OverlayEdit {
    fn path(&self) -> Option<&str> {
        self.result.as_ref().ok().map(|edit| edit.path.as_str())
    }
}

impl FileEdit {
    pub(crate) fn is_changed(&self) -> bool {
        self.edited.changed && self.kept.is_none()
    }

    /// Returns what the entries deploy after the edit.
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

    /// Returns what the entries deployed before; a new one did not deploy anything.
    pub(crate) fn before(&self) -> Vec<String> {
        let there = self
            .edited
            .entries
            .iter()
            .filter(|entry| entry.line.is_some());
        there.map(|entry| entry.before.image(&entry.name)).collect()
    }
}

fn edit(request: &Request, path: String, old: &[u8]) -> Result<FileEdit, OverlayRefusal> {
    match overlay::edit(old, &request.updates, &request.options) {
        Ok(edited) => {
            let diff = Diff::between(&path, old, &edited.text);
            Ok(FileEdit {
                path,
                old: old.to_vec(),
                edited,
                diff,
                kept: None,
            })
        }
        Err(refusal) => Err(OverlayRefusal::of_edit(&path, &refusal)),
    }
}

fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut unique = Vec::new();
    for text in texts {
        if !unique.contains(&text) {
            unique.push(text);
        }
    }
    unique
}

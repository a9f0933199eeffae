//! The edits of all overlays together: all or none.

use branch::FileChange;
use contract::Reason;
use overlay::{Edited, EditedEntry, Refusal, RefusalKind, Value};
use similar::{DiffOp, TextDiff};

use crate::{
    Facts,
    overlays::{Entries, environment},
    request::Request,
    say,
};

/// What becomes of each overlay, in the order given.
pub(crate) struct Edits(pub(crate) Vec<OverlayEdit>);

/// What becomes of one overlay.
pub(crate) struct OverlayEdit {
    /// The overlay as it was named.
    pub(crate) name: String,
    pub(crate) result: Result<FileEdit, Refused>,
}

/// A file, before and after.
pub(crate) struct FileEdit {
    pub(crate) path: String,
    pub(crate) old: Vec<u8>,
    pub(crate) edited: Edited,
    /// How many lines differ: a line that is replaced counts once.
    pub(crate) lines: usize,
    /// What differs, as a unified diff.
    diff: String,
}

/// Why an overlay is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    /// What is there, file and line included where they are known.
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Refused {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn by_the_editor(path: &str, refusal: &Refusal) -> Self {
        let reason = match refusal.kind {
            RefusalKind::ImageMissing => say::IMAGE_MISSING,
            RefusalKind::IncompleteImage => say::INCOMPLETE_IMAGE,
            RefusalKind::Ambiguous => say::AMBIGUOUS,
            RefusalKind::Shadowed => say::SHADOWED,
            RefusalKind::UnsupportedYaml => say::UNSUPPORTED_YAML,
        };
        Self { reason, message: format!("`{path}`: {refusal}"), hint: refusal.hint.clone() }
    }
}

impl Edits {
    /// Edits the files in memory.
    pub(crate) fn of(request: &Request, entries: &Entries) -> Self {
        let mut edits: Vec<OverlayEdit> = Vec::new();
        for overlay in &request.overlays {
            let result = overlay.file(entries).and_then(|(path, old)| edit(request, path, old));
            let path = result.as_ref().ok().map(|edit| edit.path.clone());
            let again = edits.iter().any(|other| path.is_some() && other.path() == path.as_deref());
            // A directory and its file are the same overlay.
            if !again {
                edits.push(OverlayEdit { name: overlay.name.clone(), result });
            }
        }
        Self(edits)
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.0.iter().any(|edit| edit.result.is_err())
    }

    /// Returns the files that differ.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &FileEdit> {
        self.files().filter(|file| file.edited.changed)
    }

    /// Returns the files with what is to be in them.
    pub(crate) fn file_changes(&self) -> Vec<FileChange> {
        self.changed()
            .map(|file| FileChange { path: file.path.clone(), content: file.edited.text.clone() })
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
            branch: request.branch.as_ref().map(ToString::to_string).unwrap_or_default(),
            overlays: self.files().map(|file| file.path.clone()).collect(),
            changed: changed && !self.is_refused(),
            image: unique(self.files().flat_map(FileEdit::after)),
            before: unique(self.files().flat_map(FileEdit::before)),
            lines: self.changed().map(|file| file.lines).sum(),
            diff: self.changed().map(|file| file.diff.as_str()).collect(),
            message: if changed { self.message(request) } else { String::new() },
            ..Facts::default()
        }
    }

    /// Returns the facts as they are before anything was written, for a run that fails.
    pub(crate) fn facts_before(&self, request: &Request) -> Facts {
        let Facts { branch, overlays, before, .. } = self.facts(request);
        Facts { branch, overlays, before: before.clone(), image: before, ..Facts::default() }
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
    /// Returns what the entries deploy after the edit.
    pub(crate) fn after(&self) -> Vec<String> {
        self.edited.entries.iter().map(|entry| written(entry, &entry.after)).collect()
    }

    /// Returns what the entries deployed before; a new one did not deploy anything.
    pub(crate) fn before(&self) -> Vec<String> {
        let there = self.edited.entries.iter().filter(|entry| entry.line.is_some());
        there.map(|entry| written(entry, &entry.before)).collect()
    }
}

fn edit(request: &Request, path: String, old: &[u8]) -> Result<FileEdit, Refused> {
    match overlay::edit(old, &request.changes, &request.options) {
        Ok(edited) => {
            let (lines, diff) = compare(&path, old, &edited.text);
            Ok(FileEdit { path, old: old.to_vec(), edited, lines, diff })
        }
        Err(refusal) => Err(Refused::by_the_editor(&path, &refusal)),
    }
}

/// Returns how many lines differ, and the diff; the editor has refused what is no UTF-8.
fn compare(path: &str, old: &[u8], new: &[u8]) -> (usize, String) {
    if old == new {
        return (0, String::new());
    }
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let lines = diff.ops().iter().map(|op| match op {
        DiffOp::Equal { .. } => 0,
        _ => op.old_range().len().max(op.new_range().len()),
    });
    let (from, to) = (format!("a/{path}"), format!("b/{path}"));
    (lines.sum(), diff.unified_diff().context_radius(3).header(&from, &to).to_string())
}

/// Returns the reference that kustomize makes of an entry.
fn written(entry: &EditedEntry, value: &Value) -> String {
    let mut text = value.new_name.clone().unwrap_or_else(|| entry.name.clone());
    if let Some(tag) = &value.tag {
        text = format!("{text}:{tag}");
    }
    if let Some(digest) = &value.digest {
        text = format!("{text}@{digest}");
    }
    text
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

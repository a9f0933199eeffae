//! The edits of all overlays together: all or none.

use branch::TreeEntries;
use overlay::{
    Diff, EditResult, EntryResult, ImageUpdate, Overlay, OverlayRefusal, environment, unique,
};

use crate::{observe::EntryKey, request::Request};

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
    /// The entries that the step leaves unchanged although it could write them.
    pub(crate) kept: Vec<KeptEntry>,
}

/// An entry that the step leaves unchanged, and why.
#[derive(Debug, Clone)]
pub(crate) struct KeptEntry {
    name: String,
    update: usize,
    /// The image that it deploys.
    image: String,
    pub(crate) why: String,
}

impl Edits {
    /// Edits the files in memory.
    pub(crate) fn of(request: &Request, entries: &TreeEntries) -> Self {
        let mut edits = Self::default();
        for overlay in &request.overlays {
            let result = overlay
                .file(entries)
                .and_then(|(path, old)| edit(request, path, old))
                .map(|file| file.noting_overrides(overlay, entries));
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

    /// Leaves these entries unchanged, each with the reason.
    pub(crate) fn without<'k>(
        mut self,
        request: &Request,
        kept: impl Iterator<Item = (&'k EntryKey, &'k str)>,
    ) -> Self {
        for (key, why) in kept {
            for file in self.0.iter_mut().flat_map(|edit| &mut edit.result) {
                if file.path == key.path {
                    file.keep(key, why);
                }
            }
        }
        for edit in &mut self.0 {
            let result = edit.result.as_mut().map(|file| file.edit_again(request));
            if let Ok(Err(refusal)) = result {
                edit.result = Err(refusal);
            }
        }
        self
    }

    /// Returns the message of the commit.
    pub(crate) fn message(&self, request: &Request) -> String {
        let environments: Vec<&str> = self.changed().map(|file| environment(&file.path)).collect();
        request.message.text(&environments)
    }
}

impl FileEdit {
    pub(crate) fn is_changed(&self) -> bool {
        self.edited.changed
    }

    /// Adds a notice where Argo CD takes one of the images from another file.
    fn noting_overrides(mut self, overlay: &Overlay, entries: &TreeEntries) -> Self {
        let names = self.edited.entries.iter().flat_map(|entry| {
            let made = entry.after.new_name.as_deref();
            made.into_iter().chain([entry.name.as_str()])
        });
        let notice = overlay.argocd_notice(entries, names);
        if let Some(entry) = self.edited.entries.first_mut() {
            entry.notices.extend(notice);
        }
        self
    }

    fn keep(&mut self, key: &EntryKey, why: &str) {
        let mut entries = self.edited.entries.iter();
        let kept = entries.find(|entry| entry.update == key.update && entry.name == key.name);
        self.kept.extend(kept.map(|entry| KeptEntry {
            name: entry.name.clone(),
            update: entry.update,
            image: entry.before.image(&entry.name),
            why: why.to_owned(),
        }));
    }

    fn is_kept(&self, entry: &EntryResult) -> bool {
        let mut kept = self.kept.iter();
        kept.any(|kept| kept.update == entry.update && kept.name == entry.name)
    }

    /// Edits the file again, without the entries that are kept.
    fn edit_again(&mut self, request: &Request) -> Result<(), OverlayRefusal> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let mut others: Vec<(usize, ImageUpdate)> = Vec::new();
        for (at, update) in request.updates.iter().enumerate() {
            if self.kept.iter().all(|kept| kept.update != at) {
                others.push((at, update.clone()));
                continue;
            }
            let entries = self.edited.entries.iter();
            let rest = entries.filter(|entry| entry.update == at && !self.is_kept(entry));
            let names = unique(rest.map(|entry| entry.name.clone()));
            others.extend(names.into_iter().map(|name| {
                let entry = Some(name);
                (
                    at,
                    ImageUpdate {
                        entry,
                        ..update.clone()
                    },
                )
            }));
        }
        let (places, updates): (Vec<usize>, Vec<ImageUpdate>) = others.into_iter().unzip();
        let mut edited = overlay::edit(&self.old, &updates, &request.options)
            .map_err(|refusal| OverlayRefusal::of_edit(&self.path, &refusal))?;
        for entry in &mut edited.entries {
            entry.update = places[entry.update];
        }
        self.diff = Diff::between(&self.path, &self.old, &edited.text);
        self.edited = edited;
        Ok(())
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
        let entries = self.edited.entries.iter();
        let edited = entries.map(|entry| (entry.update, entry.after.image(&entry.name)));
        self.with_kept(edited)
    }

    /// Returns the images that the entries deployed before; a new entry deployed none.
    pub(crate) fn before(&self) -> Vec<String> {
        let entries = self.edited.entries.iter();
        let old = entries.filter(|entry| entry.line.is_some());
        self.with_kept(old.map(|entry| (entry.update, entry.before.image(&entry.name))))
    }

    /// Returns images in the order of the request, with those of the entries that are kept.
    fn with_kept(&self, images: impl Iterator<Item = (usize, String)>) -> Vec<String> {
        let kept = self.kept.iter();
        let kept = kept.map(|kept| (kept.update, kept.image.clone()));
        let mut images: Vec<(usize, String)> = images.chain(kept).collect();
        images.sort_by_key(|(update, _)| *update);
        images.into_iter().map(|(_, image)| image).collect()
    }
}

fn edit(request: &Request, path: String, old: &[u8]) -> Result<FileEdit, OverlayRefusal> {
    match overlay::edit(old, &request.updates, &request.options) {
        Ok(edited) => Ok(FileEdit {
            diff: Diff::between(&path, old, &edited.text),
            path,
            old: old.to_vec(),
            edited,
            kept: Vec::new(),
        }),
        Err(refusal) => Err(OverlayRefusal::of_edit(&path, &refusal)),
    }
}

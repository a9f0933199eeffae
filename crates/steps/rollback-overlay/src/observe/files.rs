//! Finds the file and the entry of each overlay.

use branch::{FileHistory, ImageValues, TreeEntries};
use overlay::{EditRefusal, EffectiveEntry, ImageUpdate, Overlay, OverlayRefusal, reasons};

use crate::request::Request;

/// The file of an overlay at the tip.
#[derive(Debug)]
pub(crate) struct OverlayFile {
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    /// The `name` of the only entry for the image, or of the one that takes effect in its place.
    pub(crate) entry: String,
    /// The `name` of an entry whose result it changes again.
    pub(crate) shadows: Option<String>,
}

impl OverlayFile {
    /// Returns the image that a version of the file names.
    pub(crate) fn image_in(&self, text: &[u8], update: &ImageUpdate) -> Option<String> {
        overlay::image_in(text, &self.entry, update)
    }
}

/// Why an overlay has no file or no entry.
#[derive(Debug)]
pub(crate) struct NotFound {
    pub(crate) refusal: OverlayRefusal,
    /// Path and content of the file that has no entry for the image.
    pub(crate) file: Option<Box<(String, Vec<u8>)>>,
}

impl From<OverlayRefusal> for NotFound {
    fn from(refusal: OverlayRefusal) -> Self {
        Self {
            refusal,
            file: None,
        }
    }
}

/// Finds the file and the entry of each overlay; a directory and its file are the same overlay.
pub(crate) fn find<'r>(
    request: &'r Request,
    entries: &TreeEntries,
) -> Vec<(&'r Overlay, Result<OverlayFile, NotFound>)> {
    let mut found: Vec<(&Overlay, Result<OverlayFile, NotFound>)> = Vec::new();
    for overlay in &request.overlays {
        let file = file(request, overlay, entries);
        let is_repeated = file
            .as_ref()
            .is_ok_and(|file| found.iter().any(|(_, known)| is_at(known, &file.path)));
        if !is_repeated {
            found.push((overlay, file));
        }
    }
    found
}

fn is_at(known: &Result<OverlayFile, NotFound>, path: &str) -> bool {
    known.as_ref().is_ok_and(|known| known.path == path)
}

fn file(
    request: &Request,
    overlay: &Overlay,
    entries: &TreeEntries,
) -> Result<OverlayFile, NotFound> {
    let (path, content) = overlay.file(entries)?;
    match entry(&path, content, &request.entry) {
        Ok(entry) => Ok(OverlayFile {
            entry: entry.name,
            shadows: entry.shadows,
            path,
            content: content.to_vec(),
        }),
        Err(refusal) if refusal.reason == reasons::IMAGE_MISSING => Err(NotFound {
            refusal,
            file: Some(Box::new((path, content.to_vec()))),
        }),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Finds the entry of an image that a rollback has replaced by that of another repository: nothing
/// in the file names the image any more.
pub(crate) fn rolled_back(
    request: &Request,
    (path, content): &(String, Vec<u8>),
    history: &FileHistory,
) -> Option<OverlayFile> {
    let wanted = request.image.name();
    let entries = overlay::read(content).ok()?.into_iter();
    let mut files = entries.map(|entry| OverlayFile {
        path: path.clone(),
        content: content.clone(),
        entry: entry.name,
        shadows: None,
    });
    files.find(|file| {
        let values = ImageValues::read(history, |text| file.image_in(text, &request.entry));
        let undone = values.list.first().map(|deployed| &deployed.undone);
        let mut undone = undone.into_iter().flatten();
        undone.any(|image| image.name() == wanted)
    })
}

/// Returns the only entry for the image, or the one that takes effect in its place.
fn entry(
    path: &str,
    content: &[u8],
    update: &ImageUpdate,
) -> Result<EffectiveEntry, OverlayRefusal> {
    let found = overlay::find(content, update)
        .map_err(|refusal: EditRefusal| OverlayRefusal::of_edit(path, &refusal))?;
    let name = &update.names[0];
    match &found[..] {
        [entry] => Ok(
            overlay::taking_effect(content, &entry.name).unwrap_or_else(|| EffectiveEntry {
                name: entry.name.clone(),
                shadows: None,
            }),
        ),
        [] => Err(OverlayRefusal::new(
            reasons::IMAGE_MISSING,
            format!("`{path}`: there is no entry for `{name}`"),
        )
        .hint("check the repository of `--image`")),
        several => {
            let lines: Vec<String> = several.iter().map(|entry| entry.line.to_string()).collect();
            let message = format!(
                "`{path}`: {} entries for `{name}`, on lines {}",
                several.len(),
                lines.join(", ")
            );
            Err(OverlayRefusal::new(reasons::AMBIGUOUS, message).hint("remove all but one"))
        }
    }
}

//! Finds the file and the entry of each overlay.

use branch::TreeEntries;
use overlay::{EditRefusal, ImageUpdate, Overlay, OverlayRefusal, reasons};

use crate::request::Request;

/// The file of an overlay at the tip.
#[derive(Debug)]
pub(crate) struct OverlayFile {
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    /// The `name` of the only entry for the image.
    pub(crate) entry: String,
}

impl OverlayFile {
    /// Returns the image that a version of the file names.
    pub(crate) fn image_in(&self, text: &[u8], update: &ImageUpdate) -> Option<String> {
        overlay::image_in(text, &self.entry, update)
    }
}

/// Finds the file and the entry of each overlay; a directory and its file are the same overlay.
pub(crate) fn find<'r>(
    request: &'r Request,
    entries: &TreeEntries,
) -> Vec<(&'r Overlay, Result<OverlayFile, OverlayRefusal>)> {
    let mut found: Vec<(&Overlay, Result<OverlayFile, OverlayRefusal>)> = Vec::new();
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

fn is_at(known: &Result<OverlayFile, OverlayRefusal>, path: &str) -> bool {
    known.as_ref().is_ok_and(|known| known.path == path)
}

fn file(
    request: &Request,
    overlay: &Overlay,
    entries: &TreeEntries,
) -> Result<OverlayFile, OverlayRefusal> {
    let (path, content) = overlay.file(entries)?;
    Ok(OverlayFile {
        entry: entry(&path, content, &request.entry)?,
        path,
        content: content.to_vec(),
    })
}

/// Returns the name of the only entry for the image.
fn entry(path: &str, content: &[u8], update: &ImageUpdate) -> Result<String, OverlayRefusal> {
    let found = overlay::find(content, update)
        .map_err(|refusal: EditRefusal| OverlayRefusal::of_edit(path, &refusal))?;
    let name = &update.names[0];
    match &found[..] {
        [entry] => Ok(entry.name.clone()),
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

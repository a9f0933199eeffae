//! Reading the entries of a kustomization, without editing it.

use crate::document::YamlDocument;
use crate::images::{self, FoundEntry, Images};
use crate::locate;
use crate::refusal::EditRefusal;
use crate::{ImageEntry, ImageUpdate};

/// Returns the entries of a kustomization, none if it has no `images`.
///
/// # Errors
/// [`UnsupportedYaml`](crate::EditRefusalKind::UnsupportedYaml) for a text that
/// [`edit`](crate::edit()) refuses as well.
pub fn read(text: &[u8]) -> Result<Vec<ImageEntry>, EditRefusal> {
    let document = YamlDocument::parse(text)?;
    let images = images::find(&document)?;
    Ok(images.entries().iter().map(ImageEntry::of).collect())
}

/// Returns the entries that an update selects, without any check: several if it is ambiguous.
///
/// # Errors
/// [`UnsupportedYaml`](crate::EditRefusalKind::UnsupportedYaml) for a text that
/// [`edit`](crate::edit()) refuses as well.
pub fn find(text: &[u8], update: &ImageUpdate) -> Result<Vec<ImageEntry>, EditRefusal> {
    let document = YamlDocument::parse(text)?;
    Ok(selected(&images::find(&document)?, update))
}

/// Returns the image of the entry of this name in an earlier or later text; without such an entry,
/// the image of the entry that the update selects.
///
/// `None` when the text has no such entry, or the editor cannot read it.
pub fn image_in(text: &[u8], name: &str, update: &ImageUpdate) -> Option<String> {
    let document = YamlDocument::parse(text).ok()?;
    let images = images::find(&document).ok()?;
    let named = ImageUpdate {
        entry: Some(name.to_owned()),
        ..update.clone()
    };
    let mut entries = selected(&images, &named);
    entries.extend(selected(&images, update));
    let entry = entries.first()?;
    Some(entry.value.image(&entry.name))
}

/// The entry that takes effect in place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveEntry {
    /// Its `name`.
    pub name: String,
    /// The `name` of an earlier entry whose result it changes again, if there is one.
    pub shadows: Option<String>,
}

/// Returns the entry that takes effect where the one of this name is: kustomize applies the entries
/// in order, so a later one may change the result of an earlier one again.
///
/// `None` when the text has no such entry, or the editor cannot read it.
pub fn taking_effect(text: &[u8], name: &str) -> Option<EffectiveEntry> {
    let document = YamlDocument::parse(text).ok()?;
    let images = images::find(&document).ok()?;
    let entries = images.entries();
    let mut at = entries.iter().position(|entry| entry.name == name)?;
    let feeds = |entry: &&FoundEntry<'_>| entry.name != name && entry.output() == name;
    let earlier = entries[..at].iter().find(feeds);
    let mut shadows = earlier.map(|entry| entry.name.to_owned());
    let changes_again = |later: &FoundEntry<'_>, at: usize| {
        later.name != entries[at].name && later.name == entries[at].output()
    };
    while let Some(later) =
        (at + 1..entries.len()).find(|later| changes_again(&entries[*later], at))
    {
        shadows = Some(entries[at].name.to_owned());
        at = later;
    }
    Some(EffectiveEntry {
        name: entries[at].name.to_owned(),
        shadows,
    })
}

fn selected(images: &Images<'_>, update: &ImageUpdate) -> Vec<ImageEntry> {
    let entries = images.entries();
    locate::candidates(entries, update, false)
        .into_iter()
        .map(|at| ImageEntry::of(&entries[at]))
        .collect()
}

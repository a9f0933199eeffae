//! Kustomization text in, edited text out: the smallest change, proven before it is returned.
//!
//! ```
//! use overlay::{EditOptions, ImageUpdate, edit};
//!
//! let text = "images:\n  - name: app\n    newTag: v1    # set by the pipeline\n";
//! let update = ImageUpdate { names: vec!["app".into()], tag: Some("v2".into()), ..ImageUpdate::default() };
//! let edited = edit(text.as_bytes(), &[update], &EditOptions::default())?;
//! assert_eq!(edited.text, b"images:\n  - name: app\n    newTag: v2    # set by the pipeline\n");
//! # Ok::<(), overlay::EditRefusal>(())
//! ```
//!
//! How it is done: a parser that knows the bytes of every value finds what to replace, the bytes
//! around stay as they are, and a second parser reads both texts and must find exactly the asked
//! difference. What cannot be proven is refused, and no text is returned.

mod anchors;
mod create;
mod diff;
mod document;
mod images;
mod lines;
mod locate;
mod overlays;
mod plan;
mod prove;
mod quote;
pub mod reasons;
mod refusal;
mod splice;
mod wanted;

pub use diff::Diff;
use document::YamlDocument;
use images::{FoundEntry, Images, Key};
pub use overlays::{Overlay, OverlayRefusal, directory_of, environment, is_kustomization, unique};
use plan::{Actions, NewEntry};
pub use refusal::{EditRefusal, EditRefusalKind};

/// One image that is wanted in an overlay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageUpdate {
    /// The repository as given, then as normalised: `["ghcr.io/data-literate/dex"]`.
    ///
    /// Compared with each entry's `name`, then with each `newName`. The first is what `rename`
    /// and `create` write. Docker Hub's `docker.io/library/` may be there or not.
    pub names: Vec<String>,
    /// `sha-1a2b3c4d`: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    pub tag: Option<String>,
    /// `sha256:` and 64 lowercase hexadecimal digits.
    pub digest: Option<String>,
    /// The entry with exactly this `name`, whatever its `newName` (`--entry NAME`).
    pub entry: Option<String>,
}

/// What is written (`--pin`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pin {
    /// An entry without digest gets `newTag` only, one with both gets both as a unit, one with a
    /// digest alone gets the digest only: kustomize writes `name@digest`, a tag would be a second
    /// line without effect.
    #[default]
    Keep,
    /// The digest is set, and inserted where it is missing; `newTag` too, if the image has a tag.
    Digest,
    /// `newTag` is set, and a `digest` is deleted, which nothing else ever does.
    Tag,
}

impl Pin {
    /// Returns the word of the flag: `keep`, `digest` or `tag`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Digest => "digest",
            Self::Tag => "tag",
        }
    }
}

/// What an edit may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditOptions {
    /// What is written.
    pub pin: Pin,
    /// Allows another `newName` (`--rename`).
    pub rename: bool,
    /// Adds an entry where there is none (`--create`).
    pub create: bool,
    /// Sets every entry for the image instead of refusing several (`--all`).
    pub all: bool,
    /// Removes a `tagSuffix`, which a tag or digest leaves without effect (`--drop-suffix`).
    pub drop_suffix: bool,
}

/// The result of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditResult {
    /// The whole text; the old one, byte for byte, if nothing is to be done.
    pub text: Vec<u8>,
    /// What each change hit, in the order of the changes.
    pub entries: Vec<EntryResult>,
    /// Whether `text` differs from the old one.
    pub changed: bool,
}

/// An entry that a change means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryResult {
    /// Which of the changes, counted from 0.
    pub update: usize,
    /// The entry's `name`.
    pub name: String,
    /// The line of its first key, counted from 1; of the old text, `None` for a new entry.
    pub line: Option<usize>,
    /// What was done.
    pub outcome: EntryOutcome,
    /// Its value in the old text; empty for a new entry.
    pub before: EntryValue,
    /// Its value in the new text.
    pub after: EntryValue,
    /// Sentences for people, each with its line: found by newName, another entry not changed, ….
    pub notices: Vec<String>,
}

/// What was done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryOutcome {
    /// It deploys the image already.
    Unchanged,
    /// Values were replaced (or removed), no line was added.
    Replaced,
    /// At least one key was added to the entry.
    Inserted,
    /// The entry is new.
    Created,
}

/// What an entry makes of the image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryValue {
    /// `newName`
    pub new_name: Option<String>,
    /// `newTag`, without the digest of the form `tag@sha256:…`.
    pub tag: Option<String>,
    /// `digest`, or the one in `newTag`.
    pub digest: Option<String>,
}

/// An entry of `images:` as it is in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageEntry {
    /// `name`, as it is written: `app:latest` is legal.
    pub name: String,
    /// The rest.
    pub value: EntryValue,
    /// `tagSuffix`
    pub tag_suffix: Option<String>,
    /// The line of its first key, counted from 1.
    pub line: usize,
}

impl EntryValue {
    /// Returns the reference that kustomize makes of an entry of this name.
    pub fn image(&self, name: &str) -> String {
        let mut image = self.new_name.clone().unwrap_or_else(|| name.to_owned());
        for (mark, version) in [(':', &self.tag), ('@', &self.digest)] {
            image.extend(version.iter().map(|version| format!("{mark}{version}")));
        }
        image
    }
}

/// Returns the entries of a kustomization, none if it has no `images`.
///
/// # Errors
/// [`EditRefusalKind::UnsupportedYaml`] for a text that [`edit`] would not touch either.
pub fn read(text: &[u8]) -> Result<Vec<ImageEntry>, EditRefusal> {
    let document = YamlDocument::parse(text)?;
    let images = images::find(&document)?;
    Ok(found(&images).iter().map(read_entry).collect())
}

/// Returns the entries that a change means, several if it may mean several; nothing is checked.
///
/// # Errors
/// [`EditRefusalKind::UnsupportedYaml`] for a text that [`edit`] would not touch either.
pub fn find(text: &[u8], update: &ImageUpdate) -> Result<Vec<ImageEntry>, EditRefusal> {
    let document = YamlDocument::parse(text)?;
    Ok(meant(&images::find(&document)?, update))
}

/// Returns what the entry of this name made of the image in a text of another time; where there was
/// none, the entry that the change means. `None` when the text names no such image, or cannot be read.
pub fn image_in(text: &[u8], name: &str, update: &ImageUpdate) -> Option<String> {
    let document = YamlDocument::parse(text).ok()?;
    let images = images::find(&document).ok()?;
    let named = ImageUpdate {
        entry: Some(name.to_owned()),
        ..update.clone()
    };
    let entry = meant(&images, &named)
        .into_iter()
        .chain(meant(&images, update))
        .next()?;
    Some(entry.value.image(&entry.name))
}

fn meant(images: &Images<'_>, update: &ImageUpdate) -> Vec<ImageEntry> {
    let found = found(images);
    locate::candidates(found, update, false)
        .into_iter()
        .map(|at| read_entry(&found[at]))
        .collect()
}

/// Returns the text with every change done, or refuses them all.
///
/// Editing an edited text again changes nothing.
///
/// # Errors
/// A [`EditRefusal`] of any kind; nothing is to be written then.
pub fn edit(
    text: &[u8],
    updates: &[ImageUpdate],
    options: &EditOptions,
) -> Result<EditResult, EditRefusal> {
    updates.iter().try_for_each(wanted::is_safe)?;
    let document = YamlDocument::parse(text)?;
    let images = images::find(&document)?;
    let mut work = Work::default();
    for (at, update) in updates.iter().enumerate() {
        work.plan(&images, at, update, options)?;
    }
    let new = work.write(&document, &images)?;
    Ok(EditResult {
        changed: new.as_bytes() != text,
        text: new.into_bytes(),
        entries: work.entries,
    })
}

/// What there is to do, for all changes together.
#[derive(Default)]
struct Work {
    edited: std::collections::BTreeMap<usize, Actions>,
    created: Vec<NewEntry>,
    entries: Vec<EntryResult>,
}

impl Work {
    fn plan(
        &mut self,
        images: &Images<'_>,
        at: usize,
        update: &ImageUpdate,
        options: &EditOptions,
    ) -> Result<(), EditRefusal> {
        let found = found(images);
        let hits = locate::locate(found, update, options)?;
        for hit in &hits {
            let entry = &found[hit.entry];
            let actions = plan::plan(entry, update, options)?;
            self.entries
                .push(report(at, entry, &actions, hit.notices.clone()));
            let known = self
                .edited
                .entry(hit.entry)
                .or_insert_with(|| actions.clone());
            if *known != actions {
                return Err(contradiction(entry));
            }
        }
        match hits.is_empty() {
            true if options.create => self.create(found, at, update, options),
            true => Err(locate::missing(found, update)),
            false => Ok(()),
        }
    }

    fn create(
        &mut self,
        found: &[FoundEntry<'_>],
        at: usize,
        update: &ImageUpdate,
        options: &EditOptions,
    ) -> Result<(), EditRefusal> {
        let keys = plan::new_entry(update, options)?;
        let name = &keys[0].1;
        locate::overrides_none(found, name)?;
        let clash = |other: &&NewEntry| {
            other[0].1 == *name
                || other
                    .iter()
                    .any(|(key, value)| *key == Key::NewName && value == name)
        };
        match self.created.iter().find(clash) {
            Some(other) if *other != keys => {
                let message = format!("two changes add the entry `{name}` with different values");
                Err(EditRefusalKind::Ambiguous
                    .because(message)
                    .hint("pass one of them only"))
            }
            known => {
                self.entries.push(report_new(at, &keys));
                if known.is_none() {
                    self.created.push(keys);
                }
                Ok(())
            }
        }
    }

    fn write(
        &self,
        document: &YamlDocument<'_>,
        images: &Images<'_>,
    ) -> Result<String, EditRefusal> {
        let found = found(images);
        let busy = || {
            self.edited
                .iter()
                .filter(|(_, actions)| !actions.is_empty())
        };
        let edited: Vec<_> = busy().map(|(at, actions)| (&found[*at], actions)).collect();
        let followed = anchors::follow(document, images, &edited)?;
        let follows = |node: &document::YamlNode<'_>| followed.contains(node);
        let mut token_edits = Vec::new();
        for (entry, actions) in &edited {
            token_edits.extend(splice::token_edits(
                document.text,
                entry,
                actions,
                &follows,
            )?);
        }
        if !self.created.is_empty() {
            token_edits.extend(create::token_edits(document, images, &self.created)?);
        }
        if token_edits.is_empty() {
            return Ok(document.text.to_owned());
        }
        let new = splice::apply(document.text, token_edits)?;
        let created = self.created.iter().map(Vec::as_slice).collect();
        let asked = prove::ExpectedEdits {
            edited: busy().map(|(at, actions)| (*at, actions)).collect(),
            created,
        };
        prove::prove(document.text, &new, &asked)?;
        Ok(new)
    }
}

fn found<'i, 'd>(images: &'i Images<'d>) -> &'i [FoundEntry<'d>] {
    match images {
        Images::List(_, entries) => entries,
        Images::Absent | Images::Empty(..) => &[],
    }
}

fn read_entry(entry: &FoundEntry<'_>) -> ImageEntry {
    ImageEntry {
        name: entry.name.to_owned(),
        value: plan::value_of(entry),
        tag_suffix: entry.value(Key::TagSuffix).map(str::to_owned),
        line: entry.line(),
    }
}

fn report(
    update: usize,
    entry: &FoundEntry<'_>,
    actions: &Actions,
    notices: Vec<String>,
) -> EntryResult {
    let inserts = actions.iter().any(|(key, _)| entry.field(*key).is_none());
    EntryResult {
        update,
        name: entry.name.to_owned(),
        line: Some(entry.line()),
        outcome: match (actions.is_empty(), inserts) {
            (true, _) => EntryOutcome::Unchanged,
            (_, true) => EntryOutcome::Inserted,
            (_, false) => EntryOutcome::Replaced,
        },
        before: plan::value_of(entry),
        after: plan::value_after(entry, actions),
        notices,
    }
}

fn report_new(update: usize, keys: &NewEntry) -> EntryResult {
    let value = |wanted| {
        keys.iter()
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| value.clone())
    };
    let (new_name, tag, digest) = (value(Key::NewName), value(Key::NewTag), value(Key::Digest));
    EntryResult {
        update,
        name: value(Key::Name).unwrap_or_default(),
        line: None,
        outcome: EntryOutcome::Created,
        before: EntryValue::default(),
        after: EntryValue {
            new_name,
            tag,
            digest,
        },
        notices: Vec::new(),
    }
}

fn contradiction(entry: &FoundEntry<'_>) -> EditRefusal {
    let message = format!(
        "two changes want different values for the entry `{}`",
        entry.name
    );
    EditRefusalKind::Ambiguous
        .because(message)
        .at(entry.line())
        .hint("pass one of them only")
}

//! The changes that make an entry deploy the wanted image: the pin, the suffix, the rename.

use crate::actions::{Action, Actions, NewEntry};
use crate::document::NodeKind;
use crate::entry::tag_and_digest;
use crate::images::{FoundEntry, Key, split_version};
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::update::is_same_repository;
use crate::validate::is_name;
use crate::{EditOptions, EntryValue, ImageUpdate, Pin};

/// Returns the actions for an existing entry, empty if it already deploys the image.
pub(crate) fn plan(
    entry: &FoundEntry<'_>,
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<Actions, EditRefusal> {
    let mut actions = rename(entry, update);
    actions.extend(pin(entry, update, options)?);
    actions.extend(suffix(entry, options)?);
    actions.retain(|(key, action)| !is_done(entry, *key, action));
    for (key, _) in &actions {
        editable(entry, *key)?;
    }
    Ok(actions)
}

/// Returns the keys of a new entry; refuses an image that would pin nothing.
pub(crate) fn new_entry(
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<NewEntry, EditRefusal> {
    let repository = update.repository();
    let name = update.entry_name();
    if !is_name(name) {
        let message = format!("{name:?} is not a valid name for a new entry");
        return Err(EditRefusalKind::IncompleteImage.because(message));
    }
    let (tag, digest) = new_version(update, options)?;
    let mut keys = vec![(Key::Name, name.to_owned())];
    if !is_same_repository(split_version(name).0, repository) {
        keys.push((Key::NewName, repository.to_owned()));
    }
    if let Some(tag) = tag {
        keys.push((Key::NewTag, tag));
    }
    if let Some(digest) = digest {
        keys.push((Key::Digest, digest));
    }
    Ok(keys)
}

/// Returns the value that the entry has after the actions.
pub(crate) fn value_after(entry: &FoundEntry<'_>, actions: &Actions) -> EntryValue {
    let mut value = EntryValue::of(entry);
    for (key, action) in actions {
        let text = match action {
            Action::Set(text) => Some(text.clone()),
            Action::Delete => None,
        };
        match key {
            Key::NewName => value.new_name = text,
            Key::NewTag => set_tag(&mut value, text, entry),
            Key::Digest => value.digest = text,
            Key::Name | Key::TagSuffix => {}
        }
    }
    value
}

fn set_tag(value: &mut EntryValue, text: Option<String>, entry: &FoundEntry<'_>) {
    match text.as_deref().and_then(|text| text.split_once('@')) {
        Some((tag, digest)) => {
            value.tag = Some(tag.to_owned());
            value.digest = Some(digest.to_owned());
        }
        // A digest inside the old `newTag` is gone too.
        None => {
            value.tag = text;
            value.digest = entry.value(Key::Digest).map(str::to_owned);
        }
    }
}

/// Returns the tag and the digest of a new entry, at least one of them.
fn new_version(
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(Option<String>, Option<String>), EditRefusal> {
    let tag = update.tag.clone();
    let version = match options.pin {
        Pin::Keep if tag.is_some() => (tag, None),
        Pin::Keep => (None, update.digest.clone()),
        Pin::Tag => (tag, None),
        Pin::Digest => {
            let asks = "a new entry with `--pin digest`";
            (tag, Some(required_digest(update, asks)?))
        }
    };
    match version {
        (None, None) => Err(incomplete("a new entry", VersionPart::Tag)),
        version => Ok(version),
    }
}

/// Sets another `newName`; `locate` has already checked that the options allow it.
fn rename(entry: &FoundEntry<'_>, update: &ImageUpdate) -> Actions {
    match update.names.first() {
        Some(name) if !update.names_repository(entry.output()) => {
            vec![(Key::NewName, Action::Set(name.clone()))]
        }
        _ => Vec::new(),
    }
}

/// Tag and digest are one unit: an edit never leaves half of an older image behind.
fn pin(
    entry: &FoundEntry<'_>,
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<Actions, EditRefusal> {
    let (tag, inline_digest) = tag_and_digest(entry);
    let is_inline = inline_digest.is_some();
    if is_inline && entry.value(Key::Digest).is_some() {
        return Err(two_digests(entry));
    }
    let has_digest = is_inline || entry.value(Key::Digest).is_some();
    let needs_digest = options.pin == Pin::Digest || (options.pin == Pin::Keep && has_digest);
    // An entry with a digest alone keeps that form: kustomize writes `name@digest`.
    let needs_tag = match options.pin {
        Pin::Keep => tag.is_some() || !has_digest,
        Pin::Digest => tag.is_some() || update.tag.is_some(),
        Pin::Tag => true,
    };
    let asks = format!(
        "the entry `{}` with `--pin {}`",
        entry.name,
        options.pin.as_str()
    );
    let at_the_entry = |refusal: EditRefusal| refusal.at(entry.line());
    let mut new_digest = None;
    if needs_digest {
        new_digest = Some(required_digest(update, &asks).map_err(at_the_entry)?);
    }
    let mut new_tag = None;
    if needs_tag {
        new_tag = Some(required_tag(update, &asks).map_err(at_the_entry)?);
    }
    Ok(in_their_keys(entry, new_tag, new_digest, is_inline))
}

fn two_digests(entry: &FoundEntry<'_>) -> EditRefusal {
    let message = format!(
        "the entry `{}` has a digest in newTag and one in digest",
        entry.name
    );
    EditRefusalKind::Ambiguous
        .because(message)
        .at(entry.line())
        .hint("remove one of the two")
}

/// Distributes tag and digest over `newTag` and `digest`.
fn in_their_keys(
    entry: &FoundEntry<'_>,
    tag: Option<String>,
    digest: Option<String>,
    is_inline: bool,
) -> Actions {
    if is_inline && let Some(digest) = digest {
        let both = format!("{}@{digest}", tag.unwrap_or_default());
        return vec![(Key::NewTag, Action::Set(both))];
    }
    let mut actions = Actions::new();
    if let Some(tag) = tag {
        actions.push((Key::NewTag, Action::Set(tag)));
    }
    match digest {
        Some(digest) => actions.push((Key::Digest, Action::Set(digest))),
        None if entry.value(Key::Digest).is_some() => actions.push((Key::Digest, Action::Delete)),
        None => {}
    }
    actions
}

/// A part of an image's version.
enum VersionPart {
    Tag,
    Digest,
}

fn required_tag(update: &ImageUpdate, asks: &str) -> Result<String, EditRefusal> {
    let tag = update.tag.clone();
    tag.ok_or_else(|| incomplete(asks, VersionPart::Tag))
}

fn required_digest(update: &ImageUpdate, asks: &str) -> Result<String, EditRefusal> {
    let digest = update.digest.clone();
    digest.ok_or_else(|| incomplete(asks, VersionPart::Digest))
}

fn incomplete(asks: &str, part: VersionPart) -> EditRefusal {
    let (part, hint) = match part {
        VersionPart::Tag => (
            "tag",
            "pass `--image REPOSITORY:TAG`, or `--pin digest` with a digest",
        ),
        VersionPart::Digest => (
            "digest",
            "pass `--image REPOSITORY:TAG@sha256:…`, or `--pin tag` to drop the digest",
        ),
    };
    EditRefusalKind::IncompleteImage
        .because(format!("{asks} needs a {part}, the image has none"))
        .hint(hint)
}

/// kustomize uses `tagSuffix` only without newTag and digest: an edit would leave it without
/// effect.
fn suffix(entry: &FoundEntry<'_>, options: &EditOptions) -> Result<Actions, EditRefusal> {
    match entry.field(Key::TagSuffix) {
        None => Ok(Vec::new()),
        Some(_) if options.drop_suffix => Ok(vec![(Key::TagSuffix, Action::Delete)]),
        Some(field) => {
            let message = "the entry has a tagSuffix, which newTag and digest leave without effect";
            let refusal = EditRefusalKind::Ambiguous
                .because(message)
                .at(field.token.line);
            Err(refusal.hint("pass `--drop-suffix` to remove it"))
        }
    }
}

fn is_done(entry: &FoundEntry<'_>, key: Key, action: &Action) -> bool {
    match (entry.field(key), action) {
        (Some(field), Action::Set(value)) => field.is_text && field.value == Some(value.as_str()),
        (field, Action::Delete) => field.is_none(),
        (None, Action::Set(_)) => false,
    }
}

/// Refuses a key that the entry does not write out itself.
fn editable(entry: &FoundEntry<'_>, key: Key) -> Result<(), EditRefusal> {
    let is_merged = entry.field(key).is_some_and(|field| field.pair.is_none());
    let through = match entry.node.kind {
        NodeKind::Alias { .. } => "an alias",
        _ if is_merged => "the merge key `<<`",
        _ => return Ok(()),
    };
    let message = format!(
        "the `{}` of `{}` comes through {through}",
        key.as_str(),
        entry.name
    );
    Err(EditRefusalKind::UnsupportedYaml
        .because(message)
        .at(entry.line())
        .hint("write it out in the entry"))
}

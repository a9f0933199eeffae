//! What an entry needs so that it deploys the wanted image: the pin, the suffix, the rename.

use crate::images::{FoundEntry, Key, split_version};
use crate::locate::same_repository;
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::wanted::is_name;
use crate::{EditOptions, EntryValue, ImageUpdate, Pin};

/// What becomes of one key of an entry; keys without an action stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Set(String),
    Delete,
}

pub(crate) type Actions = Vec<(Key, Action)>;

/// The keys of a new entry, `name` first.
pub(crate) type NewEntry = Vec<(Key, String)>;

/// Returns the actions for an existing entry, empty if it deploys the image already.
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
    let wanted = update.names.first().map_or("", String::as_str);
    let name = update.entry.as_deref().unwrap_or(wanted);
    if !is_name(name) {
        return Err(EditRefusalKind::IncompleteImage
            .because(format!("{name:?} is no name for a new entry")));
    }
    let tag = update
        .tag
        .clone()
        .filter(|_| options.pin != Pin::Digest || update.digest.is_some());
    let digest = match options.pin {
        Pin::Keep => update.digest.clone().filter(|_| tag.is_none()),
        Pin::Digest => Some(needed(
            &update.digest,
            "digest",
            "a new entry with `--pin digest`",
            None,
        )?),
        Pin::Tag => None,
    };
    if tag.is_none() && digest.is_none() {
        needed(&None, "tag", "a new entry", None)?;
    }
    let mut keys = vec![(Key::Name, name.to_owned())];
    keys.extend(
        (!same_repository(split_version(name).0, wanted))
            .then(|| (Key::NewName, wanted.to_owned())),
    );
    keys.extend(tag.map(|tag| (Key::NewTag, tag)));
    keys.extend(digest.map(|digest| (Key::Digest, digest)));
    Ok(keys)
}

/// Returns the value that the entry has now: `newTag: tag@digest` is taken apart.
pub(crate) fn value_of(entry: &FoundEntry<'_>) -> EntryValue {
    let (tag, inline) = tag_and_digest(entry);
    EntryValue {
        new_name: entry.value(Key::NewName).map(str::to_owned),
        tag: tag.map(str::to_owned),
        digest: entry.value(Key::Digest).or(inline).map(str::to_owned),
    }
}

/// Returns the value that the entry has once the actions are done.
pub(crate) fn value_after(entry: &FoundEntry<'_>, actions: &Actions) -> EntryValue {
    let mut value = value_of(entry);
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
        // A digest that stood in the old `newTag` has gone with it.
        None => {
            value.tag = text;
            value.digest = entry.value(Key::Digest).map(str::to_owned);
        }
    }
}

/// Takes Renovate's form `newTag: tag@sha256:…` apart.
fn tag_and_digest<'e>(entry: &'e FoundEntry<'_>) -> (Option<&'e str>, Option<&'e str>) {
    match entry.value(Key::NewTag) {
        None => (None, None),
        Some(value) => match value.split_once('@') {
            None => (Some(value), None),
            Some((tag, digest)) => (Some(tag).filter(|tag| !tag.is_empty()), Some(digest)),
        },
    }
}

/// That renaming is allowed was asked when the entry was located.
fn rename(entry: &FoundEntry<'_>, update: &ImageUpdate) -> Actions {
    let keeps = update
        .names
        .iter()
        .any(|name| same_repository(name, entry.output()));
    match update.names.first() {
        Some(wanted) if !keeps => vec![(Key::NewName, Action::Set(wanted.clone()))],
        _ => Vec::new(),
    }
}

/// Tag and digest are one unit: what is written never leaves half of an older image standing.
fn pin(
    entry: &FoundEntry<'_>,
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<Actions, EditRefusal> {
    let (tag, inline) = tag_and_digest(entry);
    let digest = entry.value(Key::Digest);
    if inline.is_some() && digest.is_some() {
        let message = format!(
            "the entry `{}` has a digest in newTag and one in digest",
            entry.name
        );
        return Err(EditRefusalKind::Ambiguous
            .because(message)
            .at(entry.line())
            .hint("remove one of the two"));
    }
    let has_digest = inline.is_some() || digest.is_some();
    let needs_digest = options.pin == Pin::Digest || (options.pin == Pin::Keep && has_digest);
    // An entry that lives by its digest alone keeps doing so: kustomize writes `name@digest`.
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
    let line = Some(entry.line());
    let new_digest = needs_digest
        .then(|| needed(&update.digest, "digest", &asks, line))
        .transpose()?;
    let new_tag = needs_tag
        .then(|| needed(&update.tag, "tag", &asks, line))
        .transpose()?;
    Ok(in_their_keys(entry, new_tag, new_digest, inline.is_some()))
}

fn in_their_keys(
    entry: &FoundEntry<'_>,
    tag: Option<String>,
    digest: Option<String>,
    inline: bool,
) -> Actions {
    if inline && let Some(digest) = digest {
        let both = format!("{}@{digest}", tag.unwrap_or_default());
        return vec![(Key::NewTag, Action::Set(both))];
    }
    let mut actions: Actions = tag
        .map(|tag| (Key::NewTag, Action::Set(tag)))
        .into_iter()
        .collect();
    match digest {
        Some(digest) => actions.push((Key::Digest, Action::Set(digest))),
        None if entry.value(Key::Digest).is_some() => actions.push((Key::Digest, Action::Delete)),
        None => {}
    }
    actions
}

fn needed(
    value: &Option<String>,
    what: &str,
    asks: &str,
    line: Option<usize>,
) -> Result<String, EditRefusal> {
    let hint = match what {
        "tag" => "pass `--image REPOSITORY:TAG`, or `--pin digest` with a digest",
        _ => "pass `--image REPOSITORY:TAG@sha256:…`, or `--pin tag` to drop the digest",
    };
    let missing = || {
        EditRefusalKind::IncompleteImage
            .because(format!("{asks} needs a {what}, the image has none"))
    };
    value.clone().ok_or_else(|| EditRefusal {
        line,
        ..missing().hint(hint)
    })
}

/// kustomize uses `tagSuffix` only where neither newTag nor digest is set: it would become dead.
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

fn editable(entry: &FoundEntry<'_>, key: Key) -> Result<(), EditRefusal> {
    let aliased = matches!(entry.node.kind, crate::document::NodeKind::Alias { .. });
    let merged = entry.field(key).is_some_and(|field| field.pair.is_none());
    if !aliased && !merged {
        return Ok(());
    }
    let through = if aliased {
        "an alias"
    } else {
        "the merge key `<<`"
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

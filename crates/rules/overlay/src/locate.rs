//! Finding the entries that an update selects, and checking that an edit of them has an effect.

use crate::images::{FoundEntry, Key, split_version};
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::{EditOptions, ImageUpdate};

/// A refusal lists at most this many entries.
const MAX_LISTED_ENTRIES: usize = 20;

/// An entry that an update selects.
pub(crate) struct Hit {
    /// The entry's position.
    pub(crate) entry: usize,
    pub(crate) notices: Vec<String>,
}

/// Returns the entries to edit, none if the image is missing; refuses an ambiguous update.
///
/// The order: exactly this `--entry`; else `name` equal to a wanted name; else `newName` equal.
pub(crate) fn locate(
    entries: &[FoundEntry<'_>],
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<Vec<Hit>, EditRefusal> {
    let found = candidates(entries, update, options.all);
    if found.len() > 1 && !options.all {
        return Err(several(entries, &found, update));
    }
    for at in &found {
        no_version_in_new_name(&entries[*at])?;
        deploys_the_image(&entries[*at], update, options)?;
        not_overridden(entries, *at, &found, update, options)?;
    }
    let mut hits = Vec::new();
    for at in &found {
        hits.push(Hit {
            entry: *at,
            notices: notices(entries, *at, &found, update),
        });
    }
    Ok(hits)
}

/// Returns the positions of the entries that an update selects.
pub(crate) fn candidates(
    entries: &[FoundEntry<'_>],
    update: &ImageUpdate,
    all: bool,
) -> Vec<usize> {
    if let Some(name) = &update.entry {
        return positions(entries, |entry| entry.name == *name);
    }
    let by_name = positions(entries, |entry| update.names_repository(entry.name));
    if !by_name.is_empty() && !all {
        return by_name;
    }
    let mut found = positions(entries, |entry| writes_the_image(entry, update));
    found.extend(by_name);
    found.sort_unstable();
    found.dedup();
    found
}

fn positions(
    entries: &[FoundEntry<'_>],
    is_wanted: impl Fn(&FoundEntry<'_>) -> bool,
) -> Vec<usize> {
    (0..entries.len())
        .filter(|at| is_wanted(&entries[*at]))
        .collect()
}

/// Whether the entry's `newName` is the repository of the update.
fn writes_the_image(entry: &FoundEntry<'_>, update: &ImageUpdate) -> bool {
    let new_name = entry.value(Key::NewName);
    new_name.is_some_and(|name| update.names_repository(name))
}

/// Refuses because the image is missing, and lists the entries.
pub(crate) fn missing(entries: &[FoundEntry<'_>], update: &ImageUpdate) -> EditRefusal {
    let wanted = update.entry_name();
    if entries.is_empty() {
        let message = format!("no entry for `{wanted}`, the overlay lists no images");
        return EditRefusalKind::ImageMissing
            .because(message)
            .hint("pass `--create` to add an entry");
    }
    let message = format!("no entry for `{wanted}`; there are {}", listed(entries));
    EditRefusalKind::ImageMissing
        .because(message)
        .hint("pass `--entry` with one of the names, or `--create` to add an entry")
}

fn listed(entries: &[FoundEntry<'_>]) -> String {
    let shown = entries.iter().take(MAX_LISTED_ENTRIES);
    let names: Vec<_> = shown.map(entry_and_new_name).collect();
    let mut list = names.join(", ");
    if entries.len() > MAX_LISTED_ENTRIES {
        list += &format!(" and {} more", entries.len() - MAX_LISTED_ENTRIES);
    }
    list
}

fn entry_and_new_name(entry: &FoundEntry<'_>) -> String {
    match entry.value(Key::NewName) {
        Some(new_name) => format!("`{}` (newName `{new_name}`)", entry.name),
        None => format!("`{}`", entry.name),
    }
}

/// Refuses a new entry that would also override an existing one.
pub(crate) fn overrides_none(entries: &[FoundEntry<'_>], name: &str) -> Result<(), EditRefusal> {
    let Some(earlier) = entries.iter().find(|entry| entry.output() == name) else {
        return Ok(());
    };
    let message = format!(
        "the entry `{}` makes `{name}`, which a new entry would change again",
        earlier.name
    );
    let hint = format!(
        "pass `--entry {}` to set that one, or remove it",
        earlier.name
    );
    Err(EditRefusalKind::Shadowed
        .because(message)
        .at(earlier.line())
        .hint(hint))
}

fn several(entries: &[FoundEntry<'_>], found: &[usize], update: &ImageUpdate) -> EditRefusal {
    let found: Vec<_> = found.iter().map(|at| &entries[*at]).collect();
    let lines: Vec<_> = found
        .iter()
        .map(|entry| format!("`{}` on line {}", entry.name, entry.line()))
        .collect();
    let message = format!(
        "{} entries for `{}`: {}",
        found.len(),
        update.entry_name(),
        lines.join(", ")
    );
    let hint = if found.iter().all(|entry| entry.name == found[0].name) {
        "remove all but one, or pass `--all` to set every one (the last takes effect)"
    } else {
        "pass `--entry NAME` for one of them, or `--all` to set every one"
    };
    EditRefusalKind::Ambiguous
        .because(message)
        .at(found[0].line())
        .hint(hint)
}

fn no_version_in_new_name(entry: &FoundEntry<'_>) -> Result<(), EditRefusal> {
    let (Some(new_name), Some(field)) = (entry.value(Key::NewName), entry.field(Key::NewName))
    else {
        return Ok(());
    };
    let (repository, version) = split_version(new_name);
    if version.is_empty() {
        return Ok(());
    }
    let message = format!("the newName `{new_name}` has a version of its own");
    let hint = format!("write `newName: {repository}` and put the version into newTag or digest");
    Err(EditRefusalKind::Ambiguous
        .because(message)
        .at(field.token.line)
        .hint(hint))
}

fn deploys_the_image(
    entry: &FoundEntry<'_>,
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(), EditRefusal> {
    if options.rename || update.names_repository(entry.output()) {
        return Ok(());
    }
    let message = format!(
        "the entry `{}` deploys `{}`, not `{}`",
        entry.name,
        entry.output(),
        update.repository()
    );
    let hint = format!(
        "pass `--rename` to write another newName, or `--image` with `{}`",
        entry.output()
    );
    Err(EditRefusalKind::Ambiguous
        .because(message)
        .at(entry.line())
        .hint(hint))
}

/// kustomize applies the entries in order, so a later one can change the result of this one.
fn not_overridden(
    entries: &[FoundEntry<'_>],
    at: usize,
    found: &[usize],
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(), EditRefusal> {
    let entry = &entries[at];
    let output = output_after(entry, update, options);
    for (later, other) in entries.iter().enumerate().skip(at + 1) {
        if applies_to(other, output, update) && found.binary_search(&later).is_err() {
            return Err(shadowed(entry, output, other));
        }
    }
    // `--entry` selects exactly this entry, and it is the one that takes effect.
    if update.entry.is_some() {
        return Ok(());
    }
    for (earlier, other) in entries[..at].iter().enumerate() {
        let feeds = other.output() == entry.name && other.name != entry.name;
        if feeds && found.binary_search(&earlier).is_err() {
            return Err(shadowed(other, other.output(), entry));
        }
    }
    Ok(())
}

/// Whether a later entry changes the image. A name with a tag, `app:v2`, applies to that tag only.
fn applies_to(later: &FoundEntry<'_>, output: &str, update: &ImageUpdate) -> bool {
    let (repository, version) = split_version(later.name);
    let tag = version.strip_prefix(':');
    repository == output && (version.is_empty() || (tag.is_some() && tag == update.tag.as_deref()))
}

/// Returns the repository that the entry deploys after the edit.
fn output_after<'e>(
    entry: &'e FoundEntry<'_>,
    update: &'e ImageUpdate,
    options: &EditOptions,
) -> &'e str {
    if options.rename && !update.names_repository(entry.output()) {
        update.names.first().map_or(entry.output(), String::as_str)
    } else {
        entry.output()
    }
}

fn shadowed(earlier: &FoundEntry<'_>, output: &str, later: &FoundEntry<'_>) -> EditRefusal {
    let message = format!(
        "the entry `{}` makes `{output}`, which the entry on line {} changes again: \
         that one takes effect",
        earlier.name,
        later.line()
    );
    let hint = format!(
        "remove one of the two, or pass `--entry {}` for the one that takes effect",
        later.name
    );
    EditRefusalKind::Shadowed
        .because(message)
        .at(earlier.line())
        .hint(hint)
}

fn notices(
    entries: &[FoundEntry<'_>],
    at: usize,
    found: &[usize],
    update: &ImageUpdate,
) -> Vec<String> {
    let entry = &entries[at];
    let mut notices = Vec::new();
    if update.entry.is_none() && !update.names_repository(entry.name) {
        notices.push(format!(
            "line {}: `{}` was found by its newName",
            entry.line(),
            entry.name
        ));
    }
    for (other, sibling) in entries.iter().enumerate() {
        let (line, name) = (sibling.line(), sibling.name);
        if found.binary_search(&other).is_ok() {
            continue;
        }
        if writes_the_image(sibling, update) {
            notices.push(format!("line {line}: `{name}` deploys it too, not changed"));
        } else if other > at && is_pattern(name) {
            notices.push(format!("line {line}: the pattern `{name}` may override it"));
        }
    }
    notices.extend(renaming_patterns(&entries[..at]));
    notices
}

/// Returns a notice for each pattern that may rename the image before a later entry could match it.
pub(crate) fn renaming_patterns(earlier: &[FoundEntry<'_>]) -> Vec<String> {
    let is_renaming =
        |entry: &&FoundEntry<'_>| is_pattern(entry.name) && entry.value(Key::NewName).is_some();
    let notice = |entry: &FoundEntry<'_>| {
        let (line, name) = (entry.line(), entry.name);
        format!("line {line}: the pattern `{name}` may rename it first")
    };
    earlier.iter().filter(is_renaming).map(notice).collect()
}

/// Whether a name is a regular expression to kustomize.
pub(crate) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '+', '?', '(', '[', '{', '|', '^', '$', '\\'])
}

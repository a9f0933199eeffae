//! Which entries a change means, and whether editing them has an effect.

use crate::images::{FoundEntry, Key, split_version};
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::{EditOptions, ImageUpdate};

/// An entry that a change means.
pub(crate) struct Hit {
    pub(crate) entry: usize,
    pub(crate) notices: Vec<String>,
}

/// Returns the entries to edit, none if there is no such image; refuses what has two readings.
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
        deploys_what_is_wanted(&entries[*at], update, options)?;
        not_overridden(entries, *at, &found, update, options)?;
    }
    Ok(found
        .iter()
        .map(|at| Hit {
            entry: *at,
            notices: notices(entries, *at, &found, update),
        })
        .collect())
}

/// Says that the image is missing, and which entries there are.
pub(crate) fn missing(entries: &[FoundEntry<'_>], update: &ImageUpdate) -> EditRefusal {
    let wanted = update
        .entry
        .as_deref()
        .or(update.names.first().map(String::as_str))
        .unwrap_or("");
    let message = match entries {
        [] => format!("no entry for `{wanted}`, the overlay lists no images"),
        _ => format!("no entry for `{wanted}`; there are {}", listed(entries)),
    };
    let hint = "pass `--entry` with one of the names, or `--create` to add an entry";
    let hint = if entries.is_empty() {
        "pass `--create` to add an entry"
    } else {
        hint
    };
    EditRefusalKind::ImageMissing.because(message).hint(hint)
}

/// Refuses a new entry that would also change what an existing one makes.
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

/// Whether two names are one repository: Docker Hub's may be written in three ways.
pub(crate) fn same_repository(left: &str, right: &str) -> bool {
    short(left) == short(right)
}

fn short(name: &str) -> &str {
    let hub = name
        .strip_prefix("docker.io/")
        .or_else(|| name.strip_prefix("index.docker.io/"));
    let name = hub.unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

fn wants(update: &ImageUpdate, repository: &str) -> bool {
    update
        .names
        .iter()
        .any(|name| same_repository(name, repository))
}

/// Returns where the entries are that a change means.
pub(crate) fn candidates(
    entries: &[FoundEntry<'_>],
    update: &ImageUpdate,
    all: bool,
) -> Vec<usize> {
    let positions = |wanted: &dyn Fn(&FoundEntry<'_>) -> bool| -> Vec<usize> {
        (0..entries.len())
            .filter(|at| wanted(&entries[*at]))
            .collect()
    };
    if let Some(name) = &update.entry {
        return positions(&|entry| entry.name == *name);
    }
    let by_name = |entry: &FoundEntry<'_>| wants(update, entry.name);
    let by_new_name = |entry: &FoundEntry<'_>| {
        entry
            .value(Key::NewName)
            .is_some_and(|name| wants(update, name))
    };
    if all {
        return positions(&|entry| by_name(entry) || by_new_name(entry));
    }
    let found = positions(&by_name);
    if found.is_empty() {
        positions(&by_new_name)
    } else {
        found
    }
}

fn several(entries: &[FoundEntry<'_>], found: &[usize], update: &ImageUpdate) -> EditRefusal {
    let lines: Vec<_> = found
        .iter()
        .map(|at| format!("`{}` on line {}", entries[*at].name, entries[*at].line()))
        .collect();
    let wanted = update
        .entry
        .as_ref()
        .or(update.names.first())
        .map_or("", String::as_str);
    let message = format!(
        "{} entries for `{wanted}`: {}",
        found.len(),
        lines.join(", ")
    );
    let same_name = found
        .iter()
        .all(|at| entries[*at].name == entries[found[0]].name);
    let hint = if same_name {
        "remove all but one, or pass `--all` to set every one (the last takes effect)"
    } else {
        "pass `--entry NAME` for one of them, or `--all` to set every one"
    };
    EditRefusalKind::Ambiguous
        .because(message)
        .at(entries[found[0]].line())
        .hint(hint)
}

fn no_version_in_new_name(entry: &FoundEntry<'_>) -> Result<(), EditRefusal> {
    let Some(new_name) = entry.value(Key::NewName) else {
        return Ok(());
    };
    let (repository, version) = split_version(new_name);
    if version.is_empty() {
        return Ok(());
    }
    let line = entry
        .field(Key::NewName)
        .map_or(entry.line(), |field| field.token.line);
    let message = format!("the newName `{new_name}` has a version of its own");
    let hint = format!("write `newName: {repository}` and put the version into newTag or digest");
    Err(EditRefusalKind::Ambiguous
        .because(message)
        .at(line)
        .hint(hint))
}

fn deploys_what_is_wanted(
    entry: &FoundEntry<'_>,
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(), EditRefusal> {
    if options.rename || wants(update, entry.output()) {
        return Ok(());
    }
    let wanted = update.names.first().map_or("", String::as_str);
    let message = format!(
        "the entry `{}` deploys `{}`, not `{wanted}`",
        entry.name,
        entry.output()
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

/// kustomize applies the entries in their order, so a later one can change the result of this one.
fn not_overridden(
    entries: &[FoundEntry<'_>],
    at: usize,
    found: &[usize],
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(), EditRefusal> {
    let entry = &entries[at];
    let output = output_after(entry, update, options);
    let others =
        |range: std::ops::Range<usize>| range.filter(|other| found.binary_search(other).is_err());
    if let Some(later) =
        others(at + 1..entries.len()).find(|later| applies_to(&entries[*later], output, update))
    {
        return Err(shadowed(entry, output, &entries[later]));
    }
    let feeds = |earlier: &usize| {
        entries[*earlier].output() == entry.name && entries[*earlier].name != entry.name
    };
    match others(0..at).find(feeds) {
        // Whoever names the entry means this one, and it is the one that takes effect.
        Some(earlier) if update.entry.is_none() => Err(shadowed(
            &entries[earlier],
            entries[earlier].output(),
            entry,
        )),
        _ => Ok(()),
    }
}

/// A name with a tag, `app:v2`, applies to exactly that image.
fn applies_to(later: &FoundEntry<'_>, output: &str, update: &ImageUpdate) -> bool {
    let (repository, version) = split_version(later.name);
    let tag = version.strip_prefix(':');
    repository == output && (version.is_empty() || (tag.is_some() && tag == update.tag.as_deref()))
}

fn output_after<'e>(
    entry: &'e FoundEntry<'_>,
    update: &'e ImageUpdate,
    options: &EditOptions,
) -> &'e str {
    let keeps = !options.rename || wants(update, entry.output());
    if keeps {
        entry.output()
    } else {
        update.names.first().map_or(entry.output(), String::as_str)
    }
}

fn shadowed(earlier: &FoundEntry<'_>, output: &str, later: &FoundEntry<'_>) -> EditRefusal {
    let message = format!(
        "the entry `{}` makes `{output}`, which the entry on line {} changes again: that one takes effect",
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
    if update.entry.is_none() && !wants(update, entry.name) {
        notices.push(format!(
            "line {}: `{}` was found by its newName",
            entry.line(),
            entry.name
        ));
    }
    for (other, sibling) in entries
        .iter()
        .enumerate()
        .filter(|(other, _)| found.binary_search(other).is_err())
    {
        if sibling
            .value(Key::NewName)
            .is_some_and(|name| wants(update, name))
        {
            notices.push(format!(
                "line {}: `{}` deploys it too, not changed",
                sibling.line(),
                sibling.name
            ));
        } else if other > at
            && sibling
                .name
                .contains(['*', '+', '?', '(', '[', '{', '|', '^', '$', '\\'])
        {
            let name = &sibling.name;
            notices.push(format!(
                "line {}: the pattern `{name}` may override it",
                sibling.line()
            ));
        }
    }
    notices
}

fn listed(entries: &[FoundEntry<'_>]) -> String {
    const SHOWN: usize = 20;
    let names: Vec<_> = entries.iter().take(SHOWN).map(shown).collect();
    let more = entries.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    names.join(", ") + &rest
}

fn shown(entry: &FoundEntry<'_>) -> String {
    match entry.value(Key::NewName) {
        Some(new_name) => format!("`{}` (newName `{new_name}`)", entry.name),
        None => format!("`{}`", entry.name),
    }
}

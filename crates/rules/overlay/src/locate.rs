//! Which entries a change means, and whether editing them has an effect.

use crate::images::{Entry, Key, split_version};
use crate::refusal::{Refusal, RefusalKind};
use crate::{Change, Options};

/// An entry that a change means.
pub(crate) struct Hit {
    pub(crate) entry: usize,
    pub(crate) notices: Vec<String>,
}

/// Returns the entries to edit, none if there is no such image; refuses what has two readings.
///
/// The order: exactly this `--entry`; else `name` equal to a wanted name; else `newName` equal.
pub(crate) fn locate(
    entries: &[Entry<'_>],
    change: &Change,
    options: &Options,
) -> Result<Vec<Hit>, Refusal> {
    let found = candidates(entries, change, options.all);
    if found.len() > 1 && !options.all {
        return Err(several(entries, &found, change));
    }
    for at in &found {
        no_version_in_new_name(&entries[*at])?;
        deploys_what_is_wanted(&entries[*at], change, options)?;
        not_overridden(entries, *at, &found, change, options)?;
    }
    Ok(found
        .iter()
        .map(|at| Hit {
            entry: *at,
            notices: notices(entries, *at, &found, change),
        })
        .collect())
}

/// Says that the image is missing, and which entries there are.
pub(crate) fn missing(entries: &[Entry<'_>], change: &Change) -> Refusal {
    let wanted = change
        .entry
        .as_deref()
        .or(change.names.first().map(String::as_str))
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
    RefusalKind::ImageMissing.because(message).hint(hint)
}

/// Refuses a new entry that would also change what an existing one makes.
pub(crate) fn overrides_none(entries: &[Entry<'_>], name: &str) -> Result<(), Refusal> {
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
    Err(RefusalKind::Shadowed
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

fn wants(change: &Change, repository: &str) -> bool {
    change
        .names
        .iter()
        .any(|name| same_repository(name, repository))
}

/// Returns where the entries are that a change means.
pub(crate) fn candidates(entries: &[Entry<'_>], change: &Change, all: bool) -> Vec<usize> {
    let positions = |wanted: &dyn Fn(&Entry<'_>) -> bool| -> Vec<usize> {
        (0..entries.len())
            .filter(|at| wanted(&entries[*at]))
            .collect()
    };
    if let Some(name) = &change.entry {
        return positions(&|entry| entry.name == *name);
    }
    let by_name = |entry: &Entry<'_>| wants(change, entry.name);
    let by_new_name = |entry: &Entry<'_>| {
        entry
            .value(Key::NewName)
            .is_some_and(|name| wants(change, name))
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

fn several(entries: &[Entry<'_>], found: &[usize], change: &Change) -> Refusal {
    let lines: Vec<_> = found
        .iter()
        .map(|at| format!("`{}` on line {}", entries[*at].name, entries[*at].line()))
        .collect();
    let wanted = change
        .entry
        .as_ref()
        .or(change.names.first())
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
    RefusalKind::Ambiguous
        .because(message)
        .at(entries[found[0]].line())
        .hint(hint)
}

fn no_version_in_new_name(entry: &Entry<'_>) -> Result<(), Refusal> {
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
    Err(RefusalKind::Ambiguous.because(message).at(line).hint(hint))
}

fn deploys_what_is_wanted(
    entry: &Entry<'_>,
    change: &Change,
    options: &Options,
) -> Result<(), Refusal> {
    if options.rename || wants(change, entry.output()) {
        return Ok(());
    }
    let wanted = change.names.first().map_or("", String::as_str);
    let message = format!(
        "the entry `{}` deploys `{}`, not `{wanted}`",
        entry.name,
        entry.output()
    );
    let hint = format!(
        "pass `--rename` to write another newName, or `--image` with `{}`",
        entry.output()
    );
    Err(RefusalKind::Ambiguous
        .because(message)
        .at(entry.line())
        .hint(hint))
}

/// kustomize applies the entries in their order, so a later one can change the result of this one.
fn not_overridden(
    entries: &[Entry<'_>],
    at: usize,
    found: &[usize],
    change: &Change,
    options: &Options,
) -> Result<(), Refusal> {
    let entry = &entries[at];
    let output = output_after(entry, change, options);
    let others =
        |range: std::ops::Range<usize>| range.filter(|other| found.binary_search(other).is_err());
    if let Some(later) =
        others(at + 1..entries.len()).find(|later| applies_to(&entries[*later], output, change))
    {
        return Err(shadowed(entry, output, &entries[later]));
    }
    let feeds = |earlier: &usize| {
        entries[*earlier].output() == entry.name && entries[*earlier].name != entry.name
    };
    match others(0..at).find(feeds) {
        // Whoever names the entry means this one, and it is the one that takes effect.
        Some(earlier) if change.entry.is_none() => Err(shadowed(
            &entries[earlier],
            entries[earlier].output(),
            entry,
        )),
        _ => Ok(()),
    }
}

/// A name with a tag, `app:v2`, applies to exactly that image.
fn applies_to(later: &Entry<'_>, output: &str, change: &Change) -> bool {
    let (repository, version) = split_version(later.name);
    let tag = version.strip_prefix(':');
    repository == output && (version.is_empty() || (tag.is_some() && tag == change.tag.as_deref()))
}

fn output_after<'e>(entry: &'e Entry<'_>, change: &'e Change, options: &Options) -> &'e str {
    let keeps = !options.rename || wants(change, entry.output());
    if keeps {
        entry.output()
    } else {
        change.names.first().map_or(entry.output(), String::as_str)
    }
}

fn shadowed(earlier: &Entry<'_>, output: &str, later: &Entry<'_>) -> Refusal {
    let message = format!(
        "the entry `{}` makes `{output}`, which the entry on line {} changes again: that one takes effect",
        earlier.name,
        later.line()
    );
    let hint = format!(
        "remove one of the two, or pass `--entry {}` for the one that takes effect",
        later.name
    );
    RefusalKind::Shadowed
        .because(message)
        .at(earlier.line())
        .hint(hint)
}

fn notices(entries: &[Entry<'_>], at: usize, found: &[usize], change: &Change) -> Vec<String> {
    let entry = &entries[at];
    let mut notices = Vec::new();
    if change.entry.is_none() && !wants(change, entry.name) {
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
            .is_some_and(|name| wants(change, name))
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

fn listed(entries: &[Entry<'_>]) -> String {
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

fn shown(entry: &Entry<'_>) -> String {
    match entry.value(Key::NewName) {
        Some(new_name) => format!("`{}` (newName `{new_name}`)", entry.name),
        None => format!("`{}`", entry.name),
    }
}

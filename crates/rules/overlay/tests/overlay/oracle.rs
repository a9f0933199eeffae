//! The oracle: claims about every edit, checked from outside and with a third parser.
//!
//! The tests ask it about generated texts, the fuzz target (`fuzz/`) about mutated ones.

use std::ops::Range;

use overlay::{
    EditOptions, EditResult, EntryOutcome, EntryResult, ImageEntry, ImageUpdate, Pin, edit, read,
};
use yaml_serde::Value;

/// Edits the text, and returns the violated claim, if any. A refusal violates none.
pub(crate) fn check(
    text: &[u8],
    update: &ImageUpdate,
    options: &EditOptions,
) -> Result<(), String> {
    let Ok(edited) = edit(text, std::slice::from_ref(update), options) else {
        return Ok(());
    };
    let old = read(text).map_err(|refusal| format!("edited, but it cannot be read: {refusal}"))?;
    let new = read(&edited.text)
        .map_err(|refusal| format!("the edited text cannot be read: {refusal}"))?;
    settles(&edited, update, options)?;
    only_the_hits_differ(&old, &new, &edited)?;
    if edited.changed {
        bytes_outside_stay(text, &old, &edited)?;
        if let Some(entry) = only_value(update, options, &edited) {
            one_stretch_of_one_line(text, &edited.text, entry)?;
        }
    }
    libyaml_agrees(text, &old, &edited)
}

/// A second edit changes nothing.
fn settles(edited: &EditResult, update: &ImageUpdate, options: &EditOptions) -> Result<(), String> {
    let again = edit(&edited.text, std::slice::from_ref(update), options);
    holds(again.as_ref().is_ok_and(|again| !again.changed), || {
        format!("a second edit gives {again:?}")
    })
}

/// Every hit entry has the reported value, every other one its old value, in the old order.
fn only_the_hits_differ(
    old: &[ImageEntry],
    new: &[ImageEntry],
    edited: &EditResult,
) -> Result<(), String> {
    let created = edited
        .entries
        .iter()
        .filter(|entry| entry.outcome == EntryOutcome::Created)
        .count();
    holds(new.len() == old.len() + created, || {
        format!("{} entries became {}", old.len(), new.len())
    })?;
    for (was, is) in old.iter().zip(new) {
        let same =
            (&was.name, &was.value, &was.tag_suffix) == (&is.name, &is.value, &is.tag_suffix);
        let as_reported =
            hit(edited, was).is_some_and(|hit| is.name == was.name && is.value == hit.after);
        holds(same || as_reported, || format!("{was:?} became {is:?}"))?;
    }
    let said = |entry: &EntryResult| {
        let mut named = new.iter().filter(|is| is.name == entry.name);
        named.any(|is| is.value == entry.after)
    };
    holds(edited.entries.iter().all(said), || {
        format!("{:?} is not what is there", edited.entries)
    })
}

fn hit<'e>(edited: &'e EditResult, entry: &ImageEntry) -> Option<&'e EntryResult> {
    edited
        .entries
        .iter()
        .find(|hit| hit.line == Some(entry.line) && hit.name == entry.name)
}

/// No byte above the first hit entry differs, and none below the entry after the last one.
fn bytes_outside_stay(text: &[u8], old: &[ImageEntry], edited: &EditResult) -> Result<(), String> {
    if edited
        .entries
        .iter()
        .any(|entry| entry.outcome == EntryOutcome::Created)
    {
        return Ok(());
    }
    let touched: Vec<usize> = (0..old.len())
        .filter(|at| hit(edited, &old[*at]).is_some())
        .collect();
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else {
        return Ok(());
    };
    let starts = line_starts(text);
    let front = &text[..starts[old[*first].line - 1]];
    holds(edited.text.starts_with(front), || {
        "bytes before the entry changed".to_owned()
    })?;
    // The next entry may begin on the line where this one ends.
    let behind = old[last + 1..]
        .iter()
        .find(|next| next.line > old[*last].line);
    let back = behind
        .and_then(|next| starts.get(next.line))
        .map_or(&[][..], |start| &text[*start..]);
    holds(edited.text.ends_with(back), || {
        "bytes after the entry changed".to_owned()
    })
}

/// Returns the starts of the lines, in the sense of YAML.
fn line_starts(text: &[u8]) -> Vec<usize> {
    let ends =
        |at: &usize| text[*at] == b'\n' || text[*at] == b'\r' && text.get(at + 1) != Some(&b'\n');
    std::iter::once(0)
        .chain((0..text.len()).filter(ends).map(|at| at + 1))
        .collect()
}

/// Returns the entry if only its tag may differ.
fn only_value<'e>(
    update: &ImageUpdate,
    options: &EditOptions,
    edited: &'e EditResult,
) -> Option<&'e EntryResult> {
    let plain = update.digest.is_none()
        && options.pin == Pin::Keep
        && !options.rename
        && !options.drop_suffix;
    match &edited.entries[..] {
        [entry] if plain && entry.outcome != EntryOutcome::Created => Some(entry),
        _ => None,
    }
}

fn one_stretch_of_one_line(old: &[u8], new: &[u8], entry: &EntryResult) -> Result<(), String> {
    let (gone, came) = differing(old, new);
    let [gone, came] = [&old[gone], &new[came]].map(String::from_utf8_lossy);
    let of_the_value = entry
        .before
        .tag
        .as_ref()
        .is_some_and(|tag| tag.contains('#'));
    holds(of_the_value || !gone.contains('#'), || {
        format!("a comment went: {gone:?}")
    })?;
    holds(!gone.contains(['\n', '\r']), || {
        format!("more than a line went: {gone:?}")
    })?;
    holds(came.trim().lines().count() <= 1, || {
        format!("more than a line came: {came:?}")
    })
}

/// Returns the ranges between the common start and the common end.
fn differing(old: &[u8], new: &[u8]) -> (Range<usize>, Range<usize>) {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let front = old.iter().zip(new).take_while(same).count();
    let back = old[front..]
        .iter()
        .rev()
        .zip(new[front..].iter().rev())
        .take_while(same)
        .count();
    (front..old.len() - back, front..new.len() - back)
}

/// libyaml, whose family kustomize's parser belongs to, reads the new text wherever it reads the
/// old one, and sees no other difference.
fn libyaml_agrees(text: &[u8], old: &[ImageEntry], edited: &EditResult) -> Result<(), String> {
    // libyaml counts a byte order mark as a column.
    let read =
        |text: &[u8]| yaml_serde::from_slice(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text));
    let Ok(Value::Mapping(mut before)) = read(text) else {
        return Ok(());
    };
    let after = read(&edited.text).map_err(|error| format!("libyaml: {error}"))?;
    let Value::Mapping(mut after) = after else {
        return Err("libyaml: no mapping any more".to_owned());
    };
    let lists = [&mut before, &mut after].map(|root| root.remove("images"));
    holds(before == after, || {
        format!("libyaml sees {before:?} become {after:?}")
    })?;
    let [Some(Value::Sequence(before)), Some(Value::Sequence(after))] = lists else {
        return Ok(());
    };
    holds(before.len() == old.len(), || {
        format!("libyaml sees {} entries", before.len())
    })?;
    for ((was, is), entry) in before.iter().zip(&after).zip(old) {
        match hit(edited, entry) {
            None => holds(was == is, || format!("libyaml sees {was:?} become {is:?}"))?,
            Some(hit) => is_the_value(is, hit)?,
        }
    }
    Ok(())
}

/// To libyaml, the written value is the intended text.
fn is_the_value(entry: &Value, hit: &EntryResult) -> Result<(), String> {
    let Some(tag) = &hit.after.tag else {
        return Ok(());
    };
    let Some(read) = entry.get("newTag") else {
        return Ok(());
    };
    let is_it = read
        .as_str()
        .is_some_and(|read| read.split('@').next() == Some(tag));
    holds(is_it, || {
        format!("libyaml sees newTag {read:?}, not {tag:?}")
    })
}

fn holds(condition: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    condition.then_some(()).ok_or_else(complaint)
}

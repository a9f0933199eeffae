//! The edit itself: plan every update, write the bytes, prove the result.

use std::collections::BTreeMap;

use crate::actions::{Actions, EditedEntry, NewEntry};
use crate::document::YamlDocument;
use crate::images::{self, FoundEntry, Images, Key};
use crate::prove::{self, ExpectedEdits};
use crate::refusal::{EditRefusal, EditRefusalKind};
use crate::{EditOptions, EditResult, EntryOutcome, EntryResult, EntryValue, ImageUpdate};
use crate::{anchors, create, locate, plan, splice, token_edit, transformers, validate};

/// Returns the text with every update applied, or refuses them all.
///
/// A second edit with the same updates changes nothing.
///
/// # Errors
/// An [`EditRefusal`] of any kind; the caller then writes nothing.
pub fn edit(
    text: &[u8],
    updates: &[ImageUpdate],
    options: &EditOptions,
) -> Result<EditResult, EditRefusal> {
    updates.iter().try_for_each(validate::validate)?;
    let document = YamlDocument::parse(text)?;
    let images = images::find(&document)?;
    transformers::overrides_none(&document, updates)?;
    let mut planned = PlannedEdits::default();
    for (at, update) in updates.iter().enumerate() {
        planned.add(&images, at, update, options)?;
    }
    let new = planned.write(&document, &images)?;
    planned.notify(transformers::notices(&document));
    Ok(EditResult {
        changed: new.as_bytes() != text,
        text: new.into_bytes(),
        entries: planned.entries,
    })
}

/// The changes of all updates together.
#[derive(Default)]
struct PlannedEdits {
    /// Existing entries by their position.
    edited: BTreeMap<usize, Actions>,
    created: Vec<NewEntry>,
    entries: Vec<EntryResult>,
}

impl PlannedEdits {
    fn add(
        &mut self,
        images: &Images<'_>,
        at: usize,
        update: &ImageUpdate,
        options: &EditOptions,
    ) -> Result<(), EditRefusal> {
        let found = images.entries();
        let hits = locate::locate(found, update, options)?;
        if hits.is_empty() {
            if !options.create {
                return Err(locate::missing(found, update));
            }
            return self.create(found, at, update, options);
        }
        for hit in hits {
            let entry = &found[hit.entry];
            let actions = plan::plan(entry, update, options)?;
            self.entries
                .push(existing_entry(at, entry, &actions, hit.notices));
            match self.edited.get(&hit.entry) {
                Some(earlier) if *earlier != actions => return Err(contradiction(entry)),
                _ => self.edited.insert(hit.entry, actions),
            };
        }
        Ok(())
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
        let earlier = self.created.iter().find(|other| clashes(other, name));
        if earlier.is_some_and(|earlier| *earlier != keys) {
            let message = format!("two changes add the entry `{name}` with different values");
            return Err(EditRefusalKind::Ambiguous
                .because(message)
                .hint("pass one of them only"));
        }
        self.entries.push(EntryResult {
            notices: locate::renaming_patterns(found),
            ..new_entry(at, &keys)
        });
        if earlier.is_none() {
            self.created.push(keys);
        }
        Ok(())
    }

    fn write(
        &self,
        document: &YamlDocument<'_>,
        images: &Images<'_>,
    ) -> Result<String, EditRefusal> {
        let expected = self.expected();
        let mut edited: Vec<EditedEntry<'_>> = Vec::new();
        for (at, actions) in &expected.edited {
            edited.push((&images.entries()[*at], actions));
        }
        let followed = anchors::follow(document, images, &edited)?;
        let mut token_edits = Vec::new();
        for (entry, actions) in edited {
            token_edits.extend(splice::token_edits(
                document.text,
                entry,
                actions,
                &followed,
            )?);
        }
        if !self.created.is_empty() {
            token_edits.extend(create::token_edits(document, images, &self.created)?);
        }
        if token_edits.is_empty() {
            return Ok(document.text.to_owned());
        }
        let new = token_edit::apply(document.text, token_edits)?;
        prove::prove(document.text, &new, &expected)?;
        Ok(new)
    }

    /// Adds notices about the whole file to the first entry that changes.
    fn notify(&mut self, notices: Vec<String>) {
        let mut entries = self.entries.iter_mut();
        if let Some(changed) = entries.find(|entry| entry.outcome != EntryOutcome::Unchanged) {
            changed.notices.extend(notices);
        }
    }

    fn expected(&self) -> ExpectedEdits<'_> {
        let edited = self.edited.iter().map(|(at, actions)| (*at, actions));
        ExpectedEdits {
            edited: edited.filter(|(_, actions)| !actions.is_empty()).collect(),
            created: self.created.iter().map(Vec::as_slice).collect(),
        }
    }
}

/// Whether a new entry has this name, or writes it as its `newName`.
fn clashes(entry: &NewEntry, name: &str) -> bool {
    let mut names = entry
        .iter()
        .filter(|(key, _)| matches!(key, Key::Name | Key::NewName));
    names.any(|(_, value)| value == name)
}

fn existing_entry(
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
        before: EntryValue::of(entry),
        after: plan::value_after(entry, actions),
        notices,
    }
}

fn new_entry(update: usize, keys: &NewEntry) -> EntryResult {
    let mut result = EntryResult {
        update,
        name: String::new(),
        line: None,
        outcome: EntryOutcome::Created,
        before: EntryValue::default(),
        after: EntryValue::default(),
        notices: Vec::new(),
    };
    for (key, value) in keys {
        match key {
            Key::Name => result.name.clone_from(value),
            Key::NewName => result.after.new_name = Some(value.clone()),
            Key::NewTag => result.after.tag = Some(value.clone()),
            Key::Digest => result.after.digest = Some(value.clone()),
            Key::TagSuffix => {}
        }
    }
    result
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

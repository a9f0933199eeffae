//! The result of an edit.

use crate::EntryValue;

/// The result of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditResult {
    /// The whole text; the old one, byte for byte, if there is nothing to change.
    pub text: Vec<u8>,
    /// The entries of each update, in the order of the updates.
    pub entries: Vec<EntryResult>,
    /// Whether `text` differs from the old one.
    pub changed: bool,
}

/// The result for one entry that an update selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryResult {
    /// The update's position, counted from 0.
    pub update: usize,
    /// The entry's `name`.
    pub name: String,
    /// The line of its first key in the old text, counted from 1; `None` for a new entry.
    pub line: Option<usize>,
    /// How the edit changed the entry.
    pub outcome: EntryOutcome,
    /// Its value in the old text; empty for a new entry.
    pub before: EntryValue,
    /// Its value in the new text.
    pub after: EntryValue,
    /// Sentences for people, each with its line: found by newName, another entry not changed, ….
    pub notices: Vec<String>,
}

/// How an edit changed an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryOutcome {
    /// The entry already deploys the image.
    Unchanged,
    /// The edit replaced or removed values, and added no line.
    Replaced,
    /// The edit added at least one key to the entry.
    Inserted,
    /// The edit added the entry.
    Created,
}

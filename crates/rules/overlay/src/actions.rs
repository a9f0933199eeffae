//! The changes to the keys of an entry.

use crate::images::{FoundEntry, Key};

/// The change to one key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Set(String),
    Delete,
}

/// The changes to an entry; keys without an action stay as they are.
pub(crate) type Actions = Vec<(Key, Action)>;

/// The keys of a new entry, `name` first.
pub(crate) type NewEntry = Vec<(Key, String)>;

/// An existing entry and the changes to it.
pub(crate) type EditedEntry<'a> = (&'a FoundEntry<'a>, &'a Actions);

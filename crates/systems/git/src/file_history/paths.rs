//! Looks up one path in many trees; most commits share most of their folders.

use std::collections::HashMap;

use gix_hash::ObjectId;

use crate::{
    error::GitAnswer,
    objects::{self, ObjectStore},
};

/// The file at a path in many trees.
pub(super) struct PathLookup<'s> {
    store: &'s ObjectStore,
    /// The file below a folder, by the folder's tree and the rest of the path.
    known: HashMap<(ObjectId, String), Option<ObjectId>>,
}

impl<'s> PathLookup<'s> {
    pub(super) fn new(store: &'s ObjectStore) -> Self {
        Self {
            store,
            known: HashMap::new(),
        }
    }

    /// Returns the file at a path of a commit; follows neither links nor submodules.
    pub(super) fn file(&mut self, commit: ObjectId, path: &str) -> GitAnswer<Option<ObjectId>> {
        let tree = objects::tree_id(self.store, commit)?;
        self.below(tree, path)
    }

    fn below(&mut self, tree: ObjectId, path: &str) -> GitAnswer<Option<ObjectId>> {
        let key = (tree, path.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let (name, rest) = match path.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let read = objects::read_tree(self.store, tree)?;
        let mut entries = read.entries.iter();
        let entry = entries.find(|entry| entry.filename == name.as_bytes());
        let file = match (entry, rest) {
            (Some(entry), Some(rest)) if entry.mode.is_tree() => self.below(entry.oid, rest)?,
            (Some(entry), None) if entry.mode.is_blob() => Some(entry.oid),
            _ => None,
        };
        self.known.insert(key, file);
        Ok(file)
    }
}

//! Where two commits differ: their trees are compared, no file's content is fetched.

use std::collections::BTreeMap;

use contract::Commit;
use gix_hash::ObjectId;
use gix_object::{Tree, tree::EntryMode};

use crate::{
    answers::Answer,
    file_history,
    objects::{self, Objects},
    program::Call,
};

/// Returns the paths at which two commits differ, as many as are asked for.
pub(crate) async fn differences(
    call: &Call<'_>,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> Answer<Vec<String>> {
    let mut absent = Vec::new();
    for commit in [one, other] {
        if !objects::is_here(&call.folder.objects()?, objects::id(commit)?) {
            absent.push(commit);
        }
    }
    if !absent.is_empty() {
        file_history::fetch(call, "--depth=1", &absent).await?;
    }
    let store = call.folder.objects()?;
    let differences = between(&store, one, other, most)?;
    Ok(differences
        .into_iter()
        .map(|difference| difference.path)
        .collect())
}

/// Compares the trees of two commits that are here.
pub(crate) fn between(
    store: &Objects,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> Answer<Vec<Difference>> {
    let mut comparison = Comparison {
        store,
        most,
        found: Vec::new(),
    };
    let (one, other) = (objects::root(store, one)?, objects::root(store, other)?);
    comparison.trees(&one, &other, "")?;
    Ok(comparison.found)
}

/// A path, and what is there on both sides.
pub(crate) struct Difference {
    pub(crate) path: String,
    sides: [Option<Item>; 2],
}

impl Difference {
    /// Returns whether the one side had this file here, and the other one has none.
    pub(crate) fn is_left(&self, file: ObjectId) -> bool {
        self.sides[0].is_some_and(|(mode, id)| mode.is_blob() && id == file)
            && self.sides[1].is_none_or(|(mode, _)| !mode.is_blob())
    }
}

struct Comparison<'r> {
    store: &'r Objects,
    most: usize,
    found: Vec<Difference>,
}

/// What is under a name: mode and object.
type Item = (EntryMode, ObjectId);

impl Comparison<'_> {
    fn trees(&mut self, one: &Tree, other: &Tree, folder: &str) -> Answer<()> {
        let mut names: BTreeMap<&[u8], [Option<Item>; 2]> = BTreeMap::new();
        for (side, tree) in [one, other].into_iter().enumerate() {
            for entry in &tree.entries {
                names.entry(&entry.filename).or_default()[side] = Some((entry.mode, entry.oid));
            }
        }
        for (name, sides) in names.into_iter().filter(|(_, [one, other])| one != other) {
            if self.found.len() >= self.most {
                break;
            }
            let name = String::from_utf8_lossy(name);
            let path = if folder.is_empty() {
                name.into_owned()
            } else {
                format!("{folder}/{name}")
            };
            self.items(sides, path)?;
        }
        Ok(())
    }

    /// A folder on one side only is as different as all that is in it.
    fn items(&mut self, sides: [Option<Item>; 2], path: String) -> Answer<()> {
        let is_tree = |side: &Option<Item>| side.is_none_or(|(mode, _)| mode.is_tree());
        if !sides.iter().all(is_tree) {
            self.found.push(Difference { path, sides });
            return Ok(());
        }
        let tree = |side: Option<Item>| match side {
            Some((_, id)) => objects::read_tree(self.store, id),
            None => Ok(Tree::empty()),
        };
        let (one, other) = (tree(sides[0])?, tree(sides[1])?);
        self.trees(&one, &other, &path)
    }
}

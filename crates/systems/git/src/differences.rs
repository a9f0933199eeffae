//! The paths at which two commits differ: only trees are compared, so no file content is fetched.

use std::collections::BTreeMap;

use branch::{ChangedPaths, MAX_CHANGED_PATHS};
use contract::Commit;
use gix_hash::ObjectId;
use gix_object::{Tree, tree::EntryMode};

use crate::{
    error::GitAnswer,
    fetch::fetch_commits,
    objects::{self, ObjectStore},
    program::GitCall,
};

/// How deep folders are compared: git itself checks out no path of more than 4096 bytes, and each
/// level costs stack. A folder below that differs as a whole.
const MAX_DEPTH: usize = 512;

/// Returns the paths at which two commits differ, at most `most` of them.
pub(crate) async fn differences(
    call: &GitCall<'_>,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> GitAnswer<Vec<String>> {
    let store = call.repository.objects()?;
    let mut missing = Vec::new();
    for commit in [one, other] {
        if !objects::exists(&store, objects::id(commit)?) {
            missing.push(commit);
        }
    }
    if !missing.is_empty() {
        fetch_commits(call, "--depth=1", &missing).await?;
    }
    let store = call.repository.objects()?;
    let differences = between(&store, one, other, most)?;
    Ok(differences
        .into_iter()
        .map(|difference| difference.path)
        .collect())
}

/// Returns the paths that a commit changed against its first parent; `None` when the remote does
/// not have the commit.
pub(crate) async fn changed_paths(
    call: &GitCall<'_>,
    commit: &Commit,
) -> GitAnswer<Option<ChangedPaths>> {
    match fetch_commits(call, "--depth=2", &[commit]).await {
        Err(error) if error.is_missing_commit(commit) => return Ok(None),
        fetched => fetched?,
    }
    let store = call.repository.objects()?;
    let parents = objects::parents(&store, objects::id(commit)?)?.unwrap_or_default();
    let before = match parents.first() {
        Some(parent) => objects::root(&store, &objects::commit(*parent)?)?,
        None => Tree::empty(),
    };
    let after = objects::root(&store, commit)?;
    // One more than fits tells whether these are all.
    let found = compare(&store, &before, &after, MAX_CHANGED_PATHS + 1)?;
    let paths = found.into_iter().map(|difference| difference.path);
    let mut paths: Vec<String> = paths.collect();
    let is_complete = paths.len() <= MAX_CHANGED_PATHS;
    paths.truncate(MAX_CHANGED_PATHS);
    Ok(Some(ChangedPaths { paths, is_complete }))
}

/// Compares the trees of two commits that are in the store.
pub(crate) fn between(
    store: &ObjectStore,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> GitAnswer<Vec<Difference>> {
    let (one, other) = (objects::root(store, one)?, objects::root(store, other)?);
    compare(store, &one, &other, most)
}

fn compare(
    store: &ObjectStore,
    one: &Tree,
    other: &Tree,
    most: usize,
) -> GitAnswer<Vec<Difference>> {
    let mut comparison = TreeComparison {
        store,
        most,
        found: Vec::new(),
    };
    comparison.compare_trees(one, other, "", 0)?;
    Ok(comparison.found)
}

/// A path, and its entries in both trees.
pub(crate) struct Difference {
    pub(crate) path: String,
    sides: [Option<ComparedEntry>; 2],
}

/// Mode and object of an entry.
type ComparedEntry = (EntryMode, ObjectId);

impl Difference {
    /// Returns the file that the first tree has here, if the second one has no file here.
    pub(crate) fn removed(&self) -> Option<ObjectId> {
        let (mode, id) = self.sides[0]?;
        let is_gone = self.sides[1].is_none_or(|(mode, _)| !mode.is_blob());
        (mode.is_blob() && is_gone).then_some(id)
    }
}

struct TreeComparison<'r> {
    store: &'r ObjectStore,
    most: usize,
    found: Vec<Difference>,
}

impl TreeComparison<'_> {
    fn compare_trees(
        &mut self,
        one: &Tree,
        other: &Tree,
        folder: &str,
        depth: usize,
    ) -> GitAnswer<()> {
        let mut names: BTreeMap<&[u8], [Option<ComparedEntry>; 2]> = BTreeMap::new();
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
            self.compare_entries(sides, path, depth)?;
        }
        Ok(())
    }

    /// A folder on one side only counts as a difference at each of its files.
    fn compare_entries(
        &mut self,
        sides: [Option<ComparedEntry>; 2],
        path: String,
        depth: usize,
    ) -> GitAnswer<()> {
        let has_file = sides.iter().flatten().any(|(mode, _)| !mode.is_tree());
        if has_file || depth == MAX_DEPTH {
            self.found.push(Difference { path, sides });
            return Ok(());
        }
        let (one, other) = (self.tree(sides[0])?, self.tree(sides[1])?);
        self.compare_trees(&one, &other, &path, depth + 1)
    }

    fn tree(&self, side: Option<ComparedEntry>) -> GitAnswer<Tree> {
        match side {
            Some((_, id)) => objects::read_tree(self.store, id),
            None => Ok(Tree::empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use gix_object::{
        Write as _,
        tree::{Entry, EntryKind},
    };

    use super::*;
    use crate::bare_repository::BareRepository;

    /// Makes a file below as many folders.
    fn nested(store: &ObjectStore, content: &[u8], depth: usize) -> Tree {
        let mut oid = store.write_buf(gix_object::Kind::Blob, content).unwrap();
        let mut kind = EntryKind::Blob;
        for _ in 0..depth {
            oid = store.write(&folder(kind, oid)).unwrap();
            kind = EntryKind::Tree;
        }
        folder(kind, oid)
    }

    fn folder(kind: EntryKind, oid: ObjectId) -> Tree {
        let entry = Entry {
            mode: kind.into(),
            filename: "a".into(),
            oid,
        };
        Tree {
            entries: vec![entry],
        }
    }

    #[test]
    fn folders_of_any_depth_are_compared_without_a_crash() {
        let repository = BareRepository::new().unwrap();
        let store = repository.objects().unwrap();
        for (depth, found_depth) in [(3, 3), (10_000, MAX_DEPTH)] {
            let mut comparison = TreeComparison {
                store: &store,
                most: 10,
                found: Vec::new(),
            };
            let one = nested(&store, b"one", depth);
            let other = nested(&store, b"other", depth);
            comparison.compare_trees(&one, &other, "", 0).unwrap();
            let paths: Vec<&str> = comparison.found.iter().map(|found| &*found.path).collect();
            assert_eq!(paths, [format!("a{}", "/a".repeat(found_depth))]);
        }
    }
}

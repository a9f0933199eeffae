//! Where two commits differ: their trees are compared, no file's content is fetched.

use std::collections::BTreeMap;

use contract::Commit;
use gix::{
    ObjectId, Repository,
    objs::{Tree, tree::EntryMode},
};

use crate::{answers::Answer, objects, past, program::Call};

/// Returns the paths at which two commits differ, as many as are asked for.
pub(crate) async fn differences(
    call: &Call<'_>,
    one: &Commit,
    other: &Commit,
    most: usize,
) -> Answer<Vec<String>> {
    let mut absent = Vec::new();
    for commit in [one, other] {
        if !call.folder.open()?.has_object(objects::id(commit)?) {
            absent.push(commit);
        }
    }
    if !absent.is_empty() {
        past::fetch(call, "--depth=1", &absent).await?;
    }
    let repository = call.folder.open()?;
    let mut comparison = Comparison { repository: &repository, most, paths: Vec::new() };
    let (one, other) = (objects::root(&repository, one)?, objects::root(&repository, other)?);
    comparison.trees(&one, &other, "")?;
    Ok(comparison.paths)
}

struct Comparison<'r> {
    repository: &'r Repository,
    most: usize,
    paths: Vec<String>,
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
            if self.paths.len() >= self.most {
                break;
            }
            let name = String::from_utf8_lossy(name);
            let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
            self.items(sides, path)?;
        }
        Ok(())
    }

    /// A folder on one side only is as different as all that is in it.
    fn items(&mut self, sides: [Option<Item>; 2], path: String) -> Answer<()> {
        let is_tree = |side: &Option<Item>| side.is_none_or(|(mode, _)| mode.is_tree());
        if !sides.iter().all(is_tree) {
            self.paths.push(path);
            return Ok(());
        }
        let tree = |side: Option<Item>| match side {
            Some((_, id)) => objects::read_tree(self.repository, id),
            None => Ok(Tree::empty()),
        };
        let (one, other) = (tree(sides[0])?, tree(sides[1])?);
        self.trees(&one, &other, &path)
    }
}

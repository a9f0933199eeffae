//! Objects of a repository through gix: find a path, read a file, write files and their commit.

use branch::Edit;
use contract::{Commit, editing::LARGEST};
use gix::{
    ObjectId, Repository,
    objs::{CommitRefIter, Find, Kind, Tree, tree::EntryKind},
};

use crate::{answers::Answer, trouble::Trouble};

/// What is at a path of a tree.
pub(crate) enum Found {
    Missing,
    File { id: ObjectId, executable: bool },
    Directory,
    Link { at: String },
    Submodule { at: String },
}

/// Looks a path up; links and submodules on the way are not followed.
pub(crate) fn find(repository: &Repository, commit: &Commit, path: &str) -> Answer<Found> {
    let mut tree = root(repository, commit)?;
    let mut walked = String::new();
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".").peekable();
    while let Some(part) = parts.next() {
        walked = if walked.is_empty() { part.to_owned() } else { format!("{walked}/{part}") };
        let Some(entry) = tree.entries.iter().find(|entry| entry.filename == part.as_bytes()) else {
            return Ok(Found::Missing);
        };
        let is_last = parts.peek().is_none();
        match entry.mode.kind() {
            EntryKind::Link => return Ok(Found::Link { at: walked }),
            EntryKind::Commit => return Ok(Found::Submodule { at: walked }),
            EntryKind::Tree => tree = read_tree(repository, entry.oid)?,
            _ if !is_last => return Ok(Found::Missing),
            kind => {
                let executable = kind == EntryKind::BlobExecutable;
                return Ok(Found::File { id: entry.oid, executable });
            }
        }
    }
    Ok(Found::Directory)
}

/// Returns the bytes of a file; `None` when there are more than are read of any.
pub(crate) fn content(repository: &Repository, id: ObjectId) -> Answer<Option<Vec<u8>>> {
    if repository.find_header(id).map_err(Trouble::other)?.size() > LARGEST as u64 {
        return Ok(None);
    }
    Ok(Some(repository.find_object(id).map_err(Trouble::other)?.detach().data))
}

/// Writes the files of an edit and the commit that has them, onto `tip`.
pub(crate) fn write(
    repository: &Repository,
    tip: &Commit,
    edit: &Edit,
    [author, committer]: [gix::actor::Signature; 2],
) -> Answer<Commit> {
    let mut tree = root(repository, tip)?;
    for file in &edit.files {
        let id = repository.write_blob(&file.content).map_err(Trouble::storing)?.detach();
        let parts: Vec<&str> = file.path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        tree = replaced(repository, tree, &parts, id)?;
    }
    let commit = gix::objs::Commit {
        tree: repository.write_object(&tree).map_err(Trouble::storing)?.detach(),
        parents: [id(tip)?].into_iter().collect(),
        author,
        committer,
        encoding: None,
        message: edit.message.as_str().into(),
        extra_headers: Vec::new(),
    };
    self::commit(repository.write_object(&commit).map_err(Trouble::storing)?.detach())
}

/// Returns the tree with another file at the path; every mode and the order of entries stay.
fn replaced(repository: &Repository, mut tree: Tree, parts: &[&str], id: ObjectId) -> Answer<Tree> {
    let (part, rest) = parts.split_first().ok_or_else(|| Trouble::other("a path without a name"))?;
    let entry = tree.entries.iter_mut().find(|entry| entry.filename == part.as_bytes());
    let entry = entry.ok_or_else(|| Trouble::other(format!("`{part}` is no longer there")))?;
    if rest.is_empty() {
        entry.oid = id;
    } else {
        let inner = replaced(repository, read_tree(repository, entry.oid)?, rest, id)?;
        entry.oid = repository.write_object(&inner).map_err(Trouble::storing)?.detach();
    }
    Ok(tree)
}

pub(crate) fn root(repository: &Repository, commit: &Commit) -> Answer<Tree> {
    let commit = repository.find_commit(id(commit)?).map_err(Trouble::other)?;
    read_tree(repository, commit.tree_id().map_err(Trouble::other)?.detach())
}

pub(crate) fn read_tree(repository: &Repository, id: ObjectId) -> Answer<Tree> {
    let tree = repository.find_tree(id).map_err(Trouble::other)?;
    Ok(tree.decode().map_err(Trouble::other)?.into_owned())
}

/// Returns the parents of a commit; `None` when it is not here.
pub(crate) fn parents(objects: &impl Find, id: ObjectId) -> Answer<Option<Vec<ObjectId>>> {
    let mut buffer = Vec::new();
    let Some(object) = objects.try_find(&id, &mut buffer).map_err(Trouble::other)? else { return Ok(None) };
    if object.kind != Kind::Commit {
        return Err(Trouble::other(format!("{id} is no commit")));
    }
    Ok(Some(CommitRefIter::from_bytes(object.data, object.object_hash).parent_ids().collect()))
}

/// Returns the first parent of a commit that is here.
pub(crate) fn first_parent(objects: &impl Find, id: ObjectId) -> Answer<Option<ObjectId>> {
    Ok(parents(objects, id)?.and_then(|parents| parents.first().copied()))
}

/// Returns the message of a commit and its author's date.
pub(crate) fn said(repository: &Repository, id: ObjectId) -> Answer<(String, i64)> {
    let commit = repository.find_commit(id).map_err(Trouble::other)?;
    let message = commit.message_raw().map_err(Trouble::other)?.to_string();
    let date = commit.author().map_err(Trouble::other)?.time().map_err(Trouble::other)?;
    Ok((message, date.seconds))
}

/// Returns the commit's id as gix knows it.
pub(crate) fn id(commit: &Commit) -> Answer<ObjectId> {
    ObjectId::from_hex(commit.as_str().as_bytes()).map_err(Trouble::other)
}

/// Returns the id as everybody else knows it.
pub(crate) fn commit(id: ObjectId) -> Answer<Commit> {
    id.to_string().parse().map_err(Trouble::other)
}

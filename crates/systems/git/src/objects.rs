//! Objects of a repository through gix: find a path, read a file, write files and their commit.

use branch::{CommitRequest, MAX_FILE_SIZE};
use contract::Commit;
use gix_hash::ObjectId;
use gix_object::{
    CommitRefIter, Exists as _, Find as _, Kind, Tree, TreeRef, Write as _, WriteTo,
    tree::EntryKind,
};
use gix_odb::Header as _;

use crate::{answers::Answer, error::GitError};

/// The objects of a repository.
pub(crate) type Objects = gix_odb::Handle;

/// git's hash of today.
const HASH: gix_hash::Kind = gix_hash::Kind::Sha1;

/// What is at a path of a tree.
pub(crate) enum Found {
    Missing,
    File { id: ObjectId, executable: bool },
    Directory,
    Link { at: String },
    Submodule { at: String },
}

/// Looks a path up; links and submodules on the way are not followed.
pub(crate) fn find(objects: &Objects, commit: &Commit, path: &str) -> Answer<Found> {
    let mut tree = root(objects, commit)?;
    let mut walked = String::new();
    let mut parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .peekable();
    while let Some(part) = parts.next() {
        walked = if walked.is_empty() {
            part.to_owned()
        } else {
            format!("{walked}/{part}")
        };
        let Some(entry) = tree
            .entries
            .iter()
            .find(|entry| entry.filename == part.as_bytes())
        else {
            return Ok(Found::Missing);
        };
        let is_last = parts.peek().is_none();
        match entry.mode.kind() {
            EntryKind::Link => return Ok(Found::Link { at: walked }),
            EntryKind::Commit => return Ok(Found::Submodule { at: walked }),
            EntryKind::Tree => tree = read_tree(objects, entry.oid)?,
            _ if !is_last => return Ok(Found::Missing),
            kind => {
                let executable = kind == EntryKind::BlobExecutable;
                return Ok(Found::File {
                    id: entry.oid,
                    executable,
                });
            }
        }
    }
    Ok(Found::Directory)
}

/// Returns the bytes of a file; `None` when there are more than are read of any.
pub(crate) fn content(objects: &Objects, id: ObjectId) -> Answer<Option<Vec<u8>>> {
    let header = objects
        .try_header(&id)
        .map_err(GitError::other)?
        .ok_or_else(|| absent(id))?;
    if header.size() > MAX_FILE_SIZE as u64 {
        Ok(None)
    } else {
        read(objects, id, Kind::Blob).map(Some)
    }
}

/// Writes the files of an edit and the commit that has them, onto `tip`.
pub(crate) fn write(
    objects: &Objects,
    tip: &Commit,
    request: &CommitRequest,
    [author, committer]: [gix_actor::Signature; 2],
) -> Answer<Commit> {
    let mut tree = root(objects, tip)?;
    for file in &request.files {
        let id = objects
            .write_buf(Kind::Blob, &file.content)
            .map_err(GitError::storing)?;
        let parts: Vec<&str> = file
            .path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        tree = replaced(objects, tree, &parts, id)?;
    }
    let commit = gix_object::Commit {
        tree: put(objects, &tree)?,
        parents: [id(tip)?].into_iter().collect(),
        author,
        committer,
        encoding: None,
        message: request.message.as_str().into(),
        extra_headers: Vec::new(),
    };
    self::commit(put(objects, &commit)?)
}

fn put(objects: &Objects, object: &dyn WriteTo) -> Answer<ObjectId> {
    objects.write(object).map_err(GitError::storing)
}

/// Returns the tree with another file at the path; every mode and the order of entries stay.
fn replaced(objects: &Objects, mut tree: Tree, parts: &[&str], id: ObjectId) -> Answer<Tree> {
    let (part, rest) = parts
        .split_first()
        .ok_or_else(|| GitError::other("a path without a name"))?;
    let entry = tree
        .entries
        .iter_mut()
        .find(|entry| entry.filename == part.as_bytes());
    let entry = entry.ok_or_else(|| GitError::other(format!("`{part}` is no longer there")))?;
    if rest.is_empty() {
        entry.oid = id;
    } else {
        let inner = replaced(objects, read_tree(objects, entry.oid)?, rest, id)?;
        entry.oid = put(objects, &inner)?;
    }
    Ok(tree)
}

pub(crate) fn root(objects: &Objects, commit: &Commit) -> Answer<Tree> {
    let commit = read(objects, id(commit)?, Kind::Commit)?;
    read_tree(objects, iter(&commit).tree_id().map_err(GitError::other)?)
}

pub(crate) fn read_tree(objects: &Objects, id: ObjectId) -> Answer<Tree> {
    // A tree without entries is never written.
    if id == ObjectId::empty_tree(HASH) {
        return Ok(Tree::empty());
    }
    let tree = read(objects, id, Kind::Tree)?;
    Ok(TreeRef::from_bytes(&tree, HASH)
        .map_err(GitError::other)?
        .into_owned())
}

/// Returns whether an object is here.
pub(crate) fn is_here(objects: &Objects, id: ObjectId) -> bool {
    objects.exists(&id)
}

fn read(objects: &Objects, id: ObjectId, kind: Kind) -> Answer<Vec<u8>> {
    let mut buffer = Vec::new();
    let object = objects
        .try_find(&id, &mut buffer)
        .map_err(GitError::other)?
        .ok_or_else(|| absent(id))?;
    if object.kind != kind {
        return Err(GitError::other(format!("{id} is no {kind}")));
    }
    Ok(buffer)
}

fn absent(id: ObjectId) -> GitError {
    GitError::other(format!("{id} is not here"))
}

fn iter(commit: &[u8]) -> CommitRefIter<'_> {
    CommitRefIter::from_bytes(commit, HASH)
}

/// Returns the parents of a commit; `None` when it is not here.
pub(crate) fn parents(objects: &Objects, id: ObjectId) -> Answer<Option<Vec<ObjectId>>> {
    if !is_here(objects, id) {
        return Ok(None);
    }
    Ok(Some(
        iter(&read(objects, id, Kind::Commit)?)
            .parent_ids()
            .collect(),
    ))
}

/// Returns the first parent of a commit that is here.
pub(crate) fn first_parent(objects: &Objects, id: ObjectId) -> Answer<Option<ObjectId>> {
    Ok(parents(objects, id)?.and_then(|parents| parents.first().copied()))
}

/// Returns the message of a commit and its author's date.
pub(crate) fn said(objects: &Objects, id: ObjectId) -> Answer<(String, i64)> {
    let commit = read(objects, id, Kind::Commit)?;
    let message = iter(&commit)
        .message()
        .map_err(GitError::other)?
        .to_string();
    let date = iter(&commit)
        .author()
        .map_err(GitError::other)?
        .time()
        .map_err(GitError::other)?;
    Ok((message, date.seconds))
}

/// Returns the commit's id as gix knows it.
pub(crate) fn id(commit: &Commit) -> Answer<ObjectId> {
    ObjectId::from_hex(commit.as_str().as_bytes()).map_err(GitError::other)
}

/// Returns the id as everybody else knows it.
pub(crate) fn commit(id: ObjectId) -> Answer<Commit> {
    id.to_string().parse().map_err(GitError::other)
}

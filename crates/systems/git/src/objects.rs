//! Objects of a repository through gix: finds a path, reads a file, writes files and their commit.

use branch::{CommitRequest, MAX_FILE_SIZE};
use contract::Commit;
use gix_hash::ObjectId;
use gix_object::{
    CommitRefIter, Exists as _, Find as _, Kind, Tree, TreeRef, Write as _, WriteTo,
    tree::EntryKind,
};
use gix_odb::Header as _;

use crate::error::{GitAnswer, GitError};

/// The object database of a repository.
pub(crate) type ObjectStore = gix_odb::Handle;

/// The hash that git uses by default.
const HASH: gix_hash::Kind = gix_hash::Kind::Sha1;

/// The entry at a path of a tree.
pub(crate) enum PathEntry {
    Missing,
    File { id: ObjectId, executable: bool },
    Directory,
    Link { at: String },
    Submodule { at: String },
}

impl PathEntry {
    /// Returns the blob of a file.
    pub(crate) fn blob(&self) -> Option<ObjectId> {
        match self {
            Self::File { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// Looks up a path without following links and submodules on the way.
pub(crate) fn find(store: &ObjectStore, commit: &Commit, path: &str) -> GitAnswer<PathEntry> {
    let mut tree = root(store, commit)?;
    let mut walked = String::new();
    let mut parts = components(path).peekable();
    while let Some(part) = parts.next() {
        if !walked.is_empty() {
            walked.push('/');
        }
        walked.push_str(part);
        let Some(entry) = tree
            .entries
            .iter()
            .find(|entry| entry.filename == part.as_bytes())
        else {
            return Ok(PathEntry::Missing);
        };
        match entry.mode.kind() {
            EntryKind::Link => return Ok(PathEntry::Link { at: walked }),
            EntryKind::Commit => return Ok(PathEntry::Submodule { at: walked }),
            EntryKind::Tree => tree = read_tree(store, entry.oid)?,
            _ if parts.peek().is_some() => return Ok(PathEntry::Missing),
            kind => {
                return Ok(PathEntry::File {
                    id: entry.oid,
                    executable: kind == EntryKind::BlobExecutable,
                });
            }
        }
    }
    Ok(PathEntry::Directory)
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

/// Returns the bytes of a file; `None` when it is larger than [`MAX_FILE_SIZE`].
pub(crate) fn content(store: &ObjectStore, id: ObjectId) -> GitAnswer<Option<Vec<u8>>> {
    let header = store
        .try_header(&id)
        .map_err(GitError::other)?
        .ok_or_else(|| missing(id))?;
    if header.size() > MAX_FILE_SIZE as u64 {
        Ok(None)
    } else {
        read(store, id, Kind::Blob).map(Some)
    }
}

/// Writes the requested files and their commit, whose parent is `tip`.
pub(crate) fn write(
    store: &ObjectStore,
    tip: &Commit,
    request: &CommitRequest,
    [author, committer]: [gix_actor::Signature; 2],
) -> GitAnswer<Commit> {
    let mut tree = root(store, tip)?;
    for file in &request.files {
        let id = store
            .write_buf(Kind::Blob, &file.content)
            .map_err(GitError::storing)?;
        let parts: Vec<&str> = components(&file.path).collect();
        tree = replaced(store, tree, &parts, id)?;
    }
    let commit = gix_object::Commit {
        tree: write_object(store, &tree)?,
        parents: [id(tip)?].into_iter().collect(),
        author,
        committer,
        encoding: None,
        message: request.message.as_str().into(),
        extra_headers: Vec::new(),
    };
    self::commit(write_object(store, &commit)?)
}

fn write_object(store: &ObjectStore, object: &dyn WriteTo) -> GitAnswer<ObjectId> {
    store.write(object).map_err(GitError::storing)
}

/// Returns the tree with another blob at the path; every mode and the order of the entries stay.
fn replaced(store: &ObjectStore, mut tree: Tree, parts: &[&str], id: ObjectId) -> GitAnswer<Tree> {
    let (part, rest) = parts
        .split_first()
        .ok_or_else(|| GitError::other("the path of a file is empty"))?;
    let entry = tree
        .entries
        .iter_mut()
        .find(|entry| entry.filename == part.as_bytes());
    let entry =
        entry.ok_or_else(|| GitError::other(format!("`{part}` is missing from the tree")))?;
    if rest.is_empty() {
        entry.oid = id;
    } else {
        let inner = replaced(store, read_tree(store, entry.oid)?, rest, id)?;
        entry.oid = write_object(store, &inner)?;
    }
    Ok(tree)
}

/// Returns the root tree of a commit.
pub(crate) fn root(store: &ObjectStore, commit: &Commit) -> GitAnswer<Tree> {
    read_tree(store, tree_id(store, id(commit)?)?)
}

/// Returns the id of the root tree of a commit.
pub(crate) fn tree_id(store: &ObjectStore, commit: ObjectId) -> GitAnswer<ObjectId> {
    let commit = read(store, commit, Kind::Commit)?;
    iter(&commit).tree_id().map_err(GitError::other)
}

pub(crate) fn read_tree(store: &ObjectStore, id: ObjectId) -> GitAnswer<Tree> {
    // git does not store the empty tree.
    if id == ObjectId::empty_tree(HASH) {
        return Ok(Tree::empty());
    }
    let tree = read(store, id, Kind::Tree)?;
    Ok(TreeRef::from_bytes(&tree, HASH)
        .map_err(GitError::other)?
        .into_owned())
}

/// Returns whether the object was fetched or written.
pub(crate) fn exists(store: &ObjectStore, id: ObjectId) -> bool {
    store.exists(&id)
}

fn read(store: &ObjectStore, id: ObjectId, kind: Kind) -> GitAnswer<Vec<u8>> {
    let mut buffer = Vec::new();
    let object = store
        .try_find(&id, &mut buffer)
        .map_err(GitError::other)?
        .ok_or_else(|| missing(id))?;
    if object.kind != kind {
        return Err(GitError::other(format!("{id} is not a {kind}")));
    }
    Ok(buffer)
}

fn missing(id: ObjectId) -> GitError {
    GitError::other(format!("object {id} is missing"))
}

fn iter(commit: &[u8]) -> CommitRefIter<'_> {
    CommitRefIter::from_bytes(commit, HASH)
}

/// Returns the parents of a commit; `None` when the commit is not in the store.
pub(crate) fn parents(store: &ObjectStore, id: ObjectId) -> GitAnswer<Option<Vec<ObjectId>>> {
    if !exists(store, id) {
        return Ok(None);
    }
    Ok(Some(
        iter(&read(store, id, Kind::Commit)?).parent_ids().collect(),
    ))
}

/// Returns the message of a commit and its author's date, in seconds since 1970.
pub(crate) fn message_and_date(store: &ObjectStore, id: ObjectId) -> GitAnswer<(String, i64)> {
    let commit = read(store, id, Kind::Commit)?;
    // As git does: the first empty line ends the headers, whatever is in them.
    let start = commit.windows(2).position(|pair| pair == b"\n\n");
    let message = start.map_or(&[][..], |at| &commit[at + 2..]);
    let message = String::from_utf8_lossy(message).into_owned();
    // The author wrote the date, and people only read it: no date must keep the history from being
    // read.
    let author = iter(&commit).author().ok();
    let date = author.and_then(|author| author.time().ok());
    Ok((message, date.map_or(0, |date| date.seconds)))
}

/// Converts a commit into gix's id.
pub(crate) fn id(commit: &Commit) -> GitAnswer<ObjectId> {
    ObjectId::from_hex(commit.as_str().as_bytes()).map_err(GitError::other)
}

/// Converts gix's id into a commit.
pub(crate) fn commit(id: ObjectId) -> GitAnswer<Commit> {
    id.to_string().parse().map_err(GitError::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare_repository::BareRepository;

    #[test]
    fn no_date_of_an_author_keeps_the_history_from_being_read() {
        let repository = BareRepository::new().unwrap();
        let store = repository.objects().unwrap();
        let tree = ObjectId::empty_tree(HASH);
        for (date, seconds) in [
            ("1764460800 +0000", 1_764_460_800),
            ("253402300800 +0000", 253_402_300_800),
            ("99999999999999999999999 +0000", 0),
            ("yesterday", 0),
            ("", 0),
        ] {
            let author = format!("author a <a@example.org> {date}");
            let committer = format!("committer a <a@example.org> {date}");
            let text = format!("tree {tree}\n{author}\n{committer}\n\na\n\nb\n");
            let id = store.write_buf(Kind::Commit, text.as_bytes()).unwrap();
            let expected = ("a\n\nb\n".to_owned(), seconds);
            assert_eq!(message_and_date(&store, id).unwrap(), expected, "{date}");
        }
    }
}

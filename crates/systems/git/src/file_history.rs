//! The revisions of files, from a tip back along first parents.

use std::collections::BTreeMap;

use contract::Commit;
use gix_hash::ObjectId;

use crate::{
    answers::{FileHistoryAnswer, RecordedBytes, RevisionAnswer},
    differences,
    error::{GitAnswer, GitError},
    fetch::{DEPTHS, fetch_blobs, fetch_commits},
    objects::{self, ObjectStore},
    program::GitCall,
};

/// A commit that changed a file, and the file after it.
struct WalkedRevision {
    commit: ObjectId,
    file: Option<ObjectId>,
    /// The commit whose message explains the change: this one, or the merged one that brought it.
    explained_by: ObjectId,
}

/// The revisions of a file, newest first.
struct WalkedHistory {
    revisions: Vec<WalkedRevision>,
    is_complete: bool,
}

/// How far a walk came.
enum WalkEnd {
    /// It found as many revisions as were asked for, or reached the first one.
    Enough(WalkedHistory),
    /// It reached the end of the fetched history before that.
    Cut,
}

impl WalkEnd {
    fn enough(revisions: Vec<WalkedRevision>, is_complete: bool) -> Self {
        Self::Enough(WalkedHistory {
            revisions,
            is_complete,
        })
    }
}

/// Returns the newest revisions of the files; fetches more history until there are enough of them.
pub(crate) async fn file_histories(
    call: &GitCall<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> GitAnswer<BTreeMap<String, FileHistoryAnswer>> {
    let mut depths = DEPTHS.iter();
    loop {
        if let Some(walked) = walk_all(call, tip, paths, most)? {
            return answers(call, walked).await;
        }
        let depth = depths.next().ok_or_else(GitError::history_cut)?;
        fetch_commits(call, depth, &[tip]).await?;
    }
}

/// Returns the history of every file; `None` when the fetched history is too short for one of them.
fn walk_all(
    call: &GitCall<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> GitAnswer<Option<BTreeMap<String, WalkedHistory>>> {
    let store = call.repository.objects()?;
    let mut all = BTreeMap::new();
    for path in paths {
        match walk(&store, tip, path, most)? {
            WalkEnd::Enough(history) => drop(all.insert(path.clone(), history)),
            WalkEnd::Cut => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// Walks back to the commit that created the file, through renames that left its content as it was.
///
/// The objects say whether a parent was fetched, not the list of shallow commits: that list shrinks
/// when a newer tip is fetched, while the objects stay.
fn walk(store: &ObjectStore, tip: &Commit, path: &str, most: usize) -> GitAnswer<WalkEnd> {
    let mut revisions = Vec::new();
    let mut path = path.to_owned();
    let mut commit = objects::id(tip)?;
    if !objects::exists(store, commit) {
        return Ok(WalkEnd::Cut);
    }
    let mut file = blob(store, commit, &path)?;
    loop {
        let Some(parent) = objects::first_parent(store, commit)? else {
            // This is the root commit: the file began here, or never existed.
            revisions.extend(file.is_some().then_some(WalkedRevision {
                commit,
                file,
                explained_by: commit,
            }));
            return Ok(WalkEnd::enough(revisions, true));
        };
        if !objects::exists(store, parent) {
            return Ok(WalkEnd::Cut);
        }
        let mut before = blob(store, parent, &path)?;
        if let (Some(id), None) = (file, before)
            && let Some(old) = moved_from(store, id, parent, commit)?
        {
            (path, before) = (old, file);
        }
        if before != file {
            let Some(explained_by) = explained_by(store, commit, &path, file)? else {
                return Ok(WalkEnd::Cut);
            };
            revisions.push(WalkedRevision {
                commit,
                file,
                explained_by,
            });
        }
        let is_created = file.is_some() && before.is_none();
        if is_created || revisions.len() >= most {
            return Ok(WalkEnd::enough(revisions, is_created));
        }
        (commit, file) = (parent, before);
    }
}

/// Returns the earlier path of a file that a commit moved without a change: the only path at which
/// the commit removed this very content.
fn moved_from(
    store: &ObjectStore,
    file: ObjectId,
    parent: ObjectId,
    commit: ObjectId,
) -> GitAnswer<Option<String>> {
    let (parent, commit) = (objects::commit(parent)?, objects::commit(commit)?);
    let differences = differences::between(store, &parent, &commit, usize::MAX)?;
    let mut removed = differences
        .into_iter()
        .filter(|difference| difference.removes(file));
    Ok(match (removed.next(), removed.next()) {
        (Some(difference), None) => Some(difference.path),
        _ => None,
    })
}

/// Returns the commit whose message explains a revision: this commit, or the one from which it got
/// the file through merges; `None` when that one was not fetched.
///
/// The search goes on from parent to parent as long as one of them has the same file.
fn explained_by(
    store: &ObjectStore,
    mut commit: ObjectId,
    path: &str,
    file: Option<ObjectId>,
) -> GitAnswer<Option<ObjectId>> {
    // A parent without the file may never have had it, so a deletion is not traced.
    if file.is_none() {
        return Ok(Some(commit));
    }
    'back: loop {
        for parent in objects::parents(store, commit)?.unwrap_or_default() {
            if !objects::exists(store, parent) {
                return Ok(None);
            }
            if blob(store, parent, path)? == file {
                commit = parent;
                continue 'back;
            }
        }
        return Ok(Some(commit));
    }
}

fn blob(store: &ObjectStore, commit: ObjectId, path: &str) -> GitAnswer<Option<ObjectId>> {
    Ok(objects::find(store, &objects::commit(commit)?, path)?.blob())
}

/// Fetches the contents of the revisions, and reads them with their messages.
async fn answers(
    call: &GitCall<'_>,
    walked: BTreeMap<String, WalkedHistory>,
) -> GitAnswer<BTreeMap<String, FileHistoryAnswer>> {
    let blobs = walked
        .values()
        .flat_map(|history| &history.revisions)
        .filter_map(|revision| revision.file);
    fetch_blobs(call, &call.repository.objects()?, blobs).await?;
    let store = call.repository.objects()?;
    let mut answers = BTreeMap::new();
    for (path, history) in walked {
        let list = history
            .revisions
            .iter()
            .map(|revision| answer(&store, revision))
            .collect::<GitAnswer<_>>()?;
        let is_whole = history.is_complete;
        answers.insert(path, FileHistoryAnswer { list, is_whole });
    }
    Ok(answers)
}

fn answer(store: &ObjectStore, revision: &WalkedRevision) -> GitAnswer<RevisionAnswer> {
    let (message, _) = objects::message_and_date(store, revision.explained_by)?;
    let (_, date) = objects::message_and_date(store, revision.commit)?;
    let content = revision
        .file
        .map(|id| objects::content(store, id))
        .transpose()?
        .flatten();
    let parent = objects::first_parent(store, revision.commit)?
        .map(objects::commit)
        .transpose()?;
    Ok(RevisionAnswer {
        commit: objects::commit(revision.commit)?,
        parent,
        message,
        date,
        content: content.as_deref().map(RecordedBytes::new),
    })
}

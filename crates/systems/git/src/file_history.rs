//! What a file was, commit by commit, from a tip back along first parents.

use std::collections::BTreeMap;

use contract::Commit;
use gix_hash::ObjectId;

use crate::{
    answers::{Answer, FileHistoryAnswer, RevisionAnswer, text},
    differences,
    error::GitError,
    folder::REMOTE,
    objects::{self, Found, Objects},
    program::Call,
    read,
};

/// How deep it is fetched, step by step: most files change often, few repositories are deep.
pub(crate) const DEPTHS: [&str; 3] = ["--depth=256", "--depth=4096", "--depth=2147483647"];

/// A commit that changed a file, and what the file was then.
struct WalkedRevision {
    commit: ObjectId,
    file: Option<ObjectId>,
    /// The commit that says why: this one, or the one that it merged.
    told_by: ObjectId,
}

/// The revisions of a file, newest first.
struct WalkedHistory {
    revisions: Vec<WalkedRevision>,
    is_complete: bool,
}

/// How far a walk came.
enum Walk {
    /// To as many revisions as were asked for, or to the first one.
    Enough(WalkedHistory),
    /// To the end of what was fetched, before that.
    Cut,
}

/// Returns the newest revisions of the files, deepening what was fetched until there are enough of them.
pub(crate) async fn file_histories(
    call: &Call<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Answer<BTreeMap<String, FileHistoryAnswer>> {
    let mut depths = DEPTHS.iter();
    loop {
        if let Some(walked) = walk_all(call, tip, paths, most)? {
            return told(call, walked).await;
        }
        let depth = depths.next().ok_or_else(GitError::history_cut)?;
        fetch(call, depth, &[tip]).await?;
    }
}

/// Fetches commits by name with their trees, and what is behind them.
pub(crate) async fn fetch(call: &Call<'_>, depth: &str, commits: &[&Commit]) -> Answer<()> {
    let fetch = [
        "fetch",
        "--quiet",
        depth,
        "--filter=blob:none",
        "--no-tags",
        "--no-write-fetch-head",
    ];
    let mut arguments = fetch.to_vec();
    arguments.extend(["--recurse-submodules=no", REMOTE]);
    arguments.extend(commits.iter().map(|commit| commit.as_str()));
    call.expect(&arguments, &[]).await
}

/// Returns the history of every file; `None` when what was fetched does not suffice for one of them.
fn walk_all(
    call: &Call<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Answer<Option<BTreeMap<String, WalkedHistory>>> {
    let store = call.folder.objects()?;
    let mut all = BTreeMap::new();
    for path in paths {
        match walk(&store, tip, path, most)? {
            Walk::Enough(history) => drop(all.insert(path.clone(), history)),
            Walk::Cut => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// Walks back until the commit that the file begins with, under the names that it had.
///
/// Whether a parent is there is asked of the objects, not of the list of shallow commits: that list
/// shrinks when a newer tip is fetched, the objects stay.
fn walk(store: &Objects, tip: &Commit, path: &str, most: usize) -> Answer<Walk> {
    let mut revisions = Vec::new();
    let mut path = path.to_owned();
    let mut commit = objects::id(tip)?;
    if !objects::is_here(store, commit) {
        return Ok(Walk::Cut);
    }
    let mut file = file(store, commit, &path)?;
    loop {
        let Some(parent) = objects::first_parent(store, commit)? else {
            revisions.extend(file.map(|id| WalkedRevision {
                commit,
                file: Some(id),
                told_by: commit,
            }));
            return Ok(Walk::Enough(WalkedHistory {
                revisions,
                is_complete: true,
            }));
        };
        if !objects::is_here(store, parent) {
            return Ok(Walk::Cut);
        }
        let mut before = self::file(store, parent, &path)?;
        if let (Some(id), None) = (file, before)
            && let Some(old) = moved_from(store, id, parent, commit)?
        {
            (path, before) = (old, file);
        }
        if before != file {
            let Some(told_by) = told_by(store, commit, &path, file)? else {
                return Ok(Walk::Cut);
            };
            revisions.push(WalkedRevision {
                commit,
                file,
                told_by,
            });
        }
        let begins = file.is_some() && before.is_none();
        if begins || revisions.len() >= most {
            return Ok(Walk::Enough(WalkedHistory {
                revisions,
                is_complete: begins,
            }));
        }
        (commit, file) = (parent, before);
    }
}

/// Returns where a file was before a commit that moved it as it was: the only place that had it and is
/// gone.
fn moved_from(
    store: &Objects,
    file: ObjectId,
    parent: ObjectId,
    commit: ObjectId,
) -> Answer<Option<String>> {
    let (parent, commit) = (objects::commit(parent)?, objects::commit(commit)?);
    let differences = differences::between(store, &parent, &commit, usize::MAX)?;
    let mut left = differences
        .into_iter()
        .filter(|difference| difference.is_left(file));
    Ok(left
        .next()
        .map(|difference| difference.path)
        .filter(|_| left.next().is_none()))
}

/// Returns the commit that set a file: this one, or the one that it got the file from through merges,
/// looked for from parent to parent that has the same file; `None` when that was not fetched.
fn told_by(
    store: &Objects,
    mut commit: ObjectId,
    path: &str,
    file: Option<ObjectId>,
) -> Answer<Option<ObjectId>> {
    // Where a file is not, it may never have been.
    if file.is_none() {
        return Ok(Some(commit));
    }
    'back: loop {
        for parent in objects::parents(store, commit)?.unwrap_or_default() {
            if !objects::is_here(store, parent) {
                return Ok(None);
            }
            if self::file(store, parent, path)? == file {
                commit = parent;
                continue 'back;
            }
        }
        return Ok(Some(commit));
    }
}

fn file(store: &Objects, commit: ObjectId, path: &str) -> Answer<Option<ObjectId>> {
    Ok(
        match objects::find(store, &objects::commit(commit)?, path)? {
            Found::File { id, .. } => Some(id),
            _ => None,
        },
    )
}

/// Fetches what the files were, and reads what was said about it.
async fn told(
    call: &Call<'_>,
    walked: BTreeMap<String, WalkedHistory>,
) -> Answer<BTreeMap<String, FileHistoryAnswer>> {
    let files = walked
        .values()
        .flat_map(|history| &history.revisions)
        .filter_map(|revision| revision.file);
    read::fetch_files(call, &call.folder.objects()?, files).await?;
    let store = call.folder.objects()?;
    let mut told = BTreeMap::new();
    for (path, history) in walked {
        let list = history
            .revisions
            .iter()
            .map(|revision| answer(&store, revision))
            .collect::<Answer<_>>()?;
        let is_whole = history.is_complete;
        told.insert(path, FileHistoryAnswer { list, is_whole });
    }
    Ok(told)
}

fn answer(store: &Objects, revision: &WalkedRevision) -> Answer<RevisionAnswer> {
    let (message, _) = objects::said(store, revision.told_by)?;
    let (_, date) = objects::said(store, revision.commit)?;
    let content = revision
        .file
        .map(|id| objects::content(store, id))
        .transpose()?
        .flatten();
    let parent = objects::first_parent(store, revision.commit)?
        .map(objects::commit)
        .transpose()?;
    let commit = objects::commit(revision.commit)?;
    Ok(RevisionAnswer {
        commit,
        parent,
        message,
        date,
        content: content.as_deref().map(text),
    })
}

//! The revisions of files, from a tip back along every parent that changed them.

mod graph;
mod paths;
mod renames;

use std::collections::BTreeMap;

use branch::{GraphReach, GraphRevisions};
use contract::Commit;
use gix_hash::ObjectId;

use crate::{
    answers::{FileHistoryAnswer, RecordedBytes, RevisionAnswer},
    error::{GitAnswer, GitError},
    fetch::{DEPTHS, fetch_blobs, fetch_commits},
    objects::{self, ObjectStore},
    program::GitCall,
};
use graph::{GraphWalk, WalkedGraph};

/// The revisions of a file, newest first.
struct WalkedHistory {
    revisions: Vec<WalkedRevision>,
    is_complete: bool,
}

/// A commit that changed the file, and the file after it.
struct WalkedRevision {
    commit: ObjectId,
    file: Option<ObjectId>,
    /// Whether it is on another branch.
    is_merged: bool,
    /// The revisions that it follows.
    follows: Vec<ObjectId>,
}

/// How far the walks of all files came.
enum WalkEnd {
    /// Each found as many revisions as were asked for, or all of them.
    Enough(BTreeMap<String, WalkedHistory>),
    /// One needs the contents of these files, to find out under which name a file was before.
    Blobs(Vec<ObjectId>),
    /// One reached the end of the fetched history before that.
    Cut,
}

/// Returns the newest revisions of the files; fetches more history until there are enough of them.
pub(crate) async fn file_histories(
    call: &GitCall<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> GitAnswer<BTreeMap<String, FileHistoryAnswer>> {
    // All revisions need the whole history.
    let depths = if most == usize::MAX {
        &DEPTHS[DEPTHS.len() - 1..]
    } else {
        &DEPTHS[..]
    };
    let mut depths = depths.iter();
    loop {
        match walk_all(call, tip, paths, most)? {
            WalkEnd::Enough(walked) => return answers(call, walked).await,
            WalkEnd::Blobs(ids) => {
                let store = call.repository.objects()?;
                fetch_blobs(call, &store, ids.into_iter()).await?;
            }
            WalkEnd::Cut => {
                let depth = depths.next().ok_or_else(GitError::history_cut)?;
                fetch_commits(call, depth, &[tip]).await?;
            }
        }
    }
}

fn walk_all(call: &GitCall<'_>, tip: &Commit, paths: &[String], most: usize) -> GitAnswer<WalkEnd> {
    let store = call.repository.objects()?;
    let tip = objects::id(tip)?;
    if !objects::exists(&store, tip) {
        return Ok(WalkEnd::Cut);
    }
    let mut all = BTreeMap::new();
    for path in paths {
        let graph = match WalkedGraph::walk(&store, tip, path)? {
            GraphWalk::Whole(graph) => graph,
            GraphWalk::Blobs(ids) => return Ok(WalkEnd::Blobs(ids)),
        };
        let found = graph.graph.revisions(most);
        if found.reach == GraphReach::Cut {
            return Ok(WalkEnd::Cut);
        }
        all.insert(path.clone(), WalkedHistory::of(found, &graph.commits));
    }
    Ok(WalkEnd::Enough(all))
}

impl WalkedHistory {
    fn of(found: GraphRevisions, commits: &[(ObjectId, Option<ObjectId>)]) -> Self {
        let revisions = found.list.into_iter().map(|revision| {
            let (commit, file) = commits[revision.commit];
            let follows = revision.follows.into_iter();
            WalkedRevision {
                commit,
                file,
                is_merged: revision.is_merged,
                follows: follows.map(|at| commits[at].0).collect(),
            }
        });
        Self {
            revisions: revisions.collect(),
            is_complete: found.reach == GraphReach::All,
        }
    }
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
    let (message, date) = objects::message_and_date(store, revision.commit)?;
    let content = revision
        .file
        .map(|id| objects::content(store, id))
        .transpose()?
        .flatten();
    let parents = objects::parents(store, revision.commit)?.unwrap_or_default();
    let follows = revision.follows.iter().copied().map(objects::commit);
    Ok(RevisionAnswer {
        commit: objects::commit(revision.commit)?,
        parent: parents.first().copied().map(objects::commit).transpose()?,
        is_merge: parents.len() > 1,
        is_merged: revision.is_merged,
        follows: follows.collect::<GitAnswer<_>>()?,
        message,
        date,
        content: content.as_deref().map(RecordedBytes::new),
    })
}

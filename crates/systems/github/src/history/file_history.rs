//! The revisions of files: first the commits that changed them, then the content in each.
//!
//! One query returns the newest commits with all of their parents, and for each file the commits
//! that changed it. For older commits GitHub's history of each file has to do, in which merged
//! commits take the place of their merges. It leaves out a merged side whose change was dropped, so
//! a long history with merges never counts as complete.

mod answer;
mod contents;
mod graph;

use std::collections::BTreeMap;

use branch::{FileHistory, GraphReach, GraphRevisions, MAX_FILE_SIZE};
use contract::{Commit, Failure, asking};

use super::differences::{self, FileOrigin};
use crate::{
    aliases::{self, each},
    api::TokenPermission,
    github::GitHub,
    reasons::TOO_LARGE,
};
use answer::{RevisionNode, TipCommit, TipRepository, invalid};
use contents::contents;
use graph::{NamedGraph, NamedHistory};

/// The most nodes of a list that GitHub returns at once.
const PAGE_SIZE: usize = 100;

/// The fewest nodes that are worth a request.
const MIN_PAGE_SIZE: usize = 25;

/// The most parents of a commit that are asked for: merges of more branches are rare.
const MAX_PARENTS: usize = 8;

/// The most commits that are asked whether they moved a file; a history with more of them never
/// counts as complete.
const MAX_CREATIONS: usize = 5;

/// The revisions of a file, newest first.
struct ApiRevisions {
    list: Vec<ApiRevision>,
    is_complete: bool,
}

/// A revision, and those that it follows.
struct ApiRevision {
    node: RevisionNode,
    is_merged: bool,
    follows: Vec<Commit>,
}

/// Returns the newest revisions of the files, at most a hundred of each.
pub(super) async fn file_histories(
    github: &GitHub<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Result<BTreeMap<String, FileHistory>, Failure> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut found = Vec::new();
    let answers = named(ask(github, tip, paths).await?, paths.len())?;
    for (history, path) in answers.into_iter().zip(paths) {
        let followed = followed(github, history, path).await?;
        found.push(ApiRevisions::of(&followed, tip, most.min(PAGE_SIZE)));
    }
    let files = found
        .iter()
        .flat_map(|found| &found.list)
        .filter_map(|revision| revision.node.file());
    let contents = contents(github, files.filter(|file| file.size() <= MAX_FILE_SIZE)).await?;
    let mut histories = BTreeMap::new();
    for (path, found) in paths.iter().zip(found) {
        let is_complete = found.is_complete;
        let revisions = found
            .list
            .into_iter()
            .map(|revision| {
                let ApiRevision {
                    node,
                    is_merged,
                    follows,
                } = revision;
                node.revision(is_merged, follows, &contents)
            })
            .collect();
        let history = FileHistory {
            revisions,
            is_complete,
        };
        histories.insert(path.clone(), history);
    }
    Ok(histories)
}

impl ApiRevisions {
    fn of(followed: &FollowedHistories, tip: &Commit, most: usize) -> Self {
        let graph = NamedGraph::of(&followed.list, tip);
        let GraphRevisions { list, reach } = graph.graph.revisions(most);
        let list = list.into_iter().filter_map(|revision| {
            let follows = revision.follows.iter();
            let follows = follows.filter_map(|at| Some(graph.commits[*at]?.oid.clone()));
            Some(ApiRevision {
                node: graph.commits[revision.commit]?.clone(),
                is_merged: revision.is_merged,
                follows: follows.collect(),
            })
        });
        Self {
            list: list.collect(),
            is_complete: reach == GraphReach::All && followed.is_complete(),
        }
    }
}

/// The histories of a file under all of its names, that of today first.
struct FollowedHistories {
    list: Vec<NamedHistory>,
    /// Whether the file may have had other names before.
    is_cut: bool,
}

impl FollowedHistories {
    fn is_complete(&self) -> bool {
        !self.is_cut && !self.list.iter().any(NamedHistory::may_lack_sides)
    }
}

/// Returns the history of each file, under the names of today.
fn named(answer: TipCommit, count: usize) -> Result<Vec<NamedHistory>, Failure> {
    let TipCommit {
        recent,
        mut histories,
    } = answer;
    (0..count)
        .map(|n| {
            let page = histories
                .remove(&format!("h{n}"))
                .ok_or_else(|| invalid("GitHub's answer has no history of the file"))?;
            Ok(NamedHistory::new(&recent.nodes, &format!("f{n}"), page))
        })
        .collect()
}

/// Returns a history and those before each move of the file.
async fn followed(
    github: &GitHub<'_>,
    history: NamedHistory,
    path: &str,
) -> Result<FollowedHistories, Failure> {
    let mut open = vec![(0, path.to_owned())];
    let mut asked = 0;
    let mut followed = FollowedHistories {
        list: vec![history],
        is_cut: false,
    };
    while let Some((at, path)) = open.pop() {
        for (commit, parent) in followed.list[at].creations() {
            if asked == MAX_CREATIONS {
                followed.is_cut = true;
                return Ok(followed);
            }
            asked += 1;
            let earlier = match differences::origin(github, &parent, &commit, &path).await? {
                FileOrigin::Moved(earlier) => earlier,
                FileOrigin::Created => continue,
                FileOrigin::Unknown => {
                    followed.is_cut = true;
                    continue;
                }
            };
            let answer = ask(github, &parent, std::slice::from_ref(&earlier)).await?;
            let place = followed.list.len();
            followed.list[at].moved.insert(commit, place);
            followed.list.extend(named(answer, 1)?);
            open.push((place, earlier));
        }
    }
    Ok(followed)
}

/// Asks for pages of half the size where GitHub does not finish larger ones in time.
async fn ask(github: &GitHub<'_>, tip: &Commit, paths: &[String]) -> Result<TipCommit, Failure> {
    let mut size = PAGE_SIZE;
    loop {
        match ask_pages(github, tip, paths, size).await {
            Err(failure) if size > MIN_PAGE_SIZE && is_too_much(&failure) => size /= 2,
            result => return result,
        }
    }
}

fn is_too_much(failure: &Failure) -> bool {
    [asking::SERVER_ERROR, TOO_LARGE].contains(&failure.reason)
}

async fn ask_pages(
    github: &GitHub<'_>,
    tip: &Commit,
    paths: &[String],
    size: usize,
) -> Result<TipCommit, Failure> {
    let own = [
        ("tip".to_owned(), tip.as_str().into()),
        ("count".to_owned(), size.into()),
    ];
    let named = aliases::variables("p", paths.iter().map(String::as_str));
    let variables = own.into_iter().chain(named);
    let found: Option<TipRepository> = github
        .ask(&document(paths.len()), variables, TokenPermission::Contents)
        .await?;
    found
        .and_then(|repository| repository.object)
        .ok_or_else(|| invalid(&format!("GitHub no longer has {tip}")))
}

fn document(count: usize) -> String {
    let parameters = each(count, |n| format!(", $p{n}: String!"));
    let all = each(count, |n| format!(" f{n}: file(path: $p{n}) {{ ...file }}"));
    let histories = each(count, |n| {
        format!(
            " h{n}: history(first: $count, path: $p{n}) {{ pageInfo {{ hasNextPage }} \
             nodes {{ oid message authoredDate file(path: $p{n}) {{ ...file }} \
             parents(first: {MAX_PARENTS}) {{ nodes {{ oid file(path: $p{n}) {{ ...file }} }} }} }} }}"
        )
    });
    format!(
        "query History($owner: String!, $name: String!, $tip: GitObjectID!, \
         $count: Int!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{ object(oid: $tip) {{ ... on Commit {{ \
         recent: history(first: $count) {{ nodes {{ oid message authoredDate \
         parents(first: {MAX_PARENTS}) {{ nodes {{ oid }} }}{all} }} }}{histories} }} }} }} }} \
         fragment file on TreeEntry {{ oid object {{ ... on Blob {{ byteSize }} }} }}"
    )
}

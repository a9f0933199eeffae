//! The revisions of files: first the commits that changed them, then the content in each.
//!
//! GitHub has no history along first parents. The query therefore returns the newest commits, whose
//! first parents can be followed. For older commits GitHub's history of each file has to do, in
//! which merged commits take the place of their merges.

mod answer;
mod contents;
mod walk;

use std::collections::{BTreeMap, HashMap};

use branch::{FileHistory, MAX_FILE_SIZE};
use contract::{Commit, Failure, asking};

use crate::{
    aliases::{self, each},
    api::TokenPermission,
    github::GitHub,
    reasons::TOO_LARGE,
};
use answer::{RecentCommit, RevisionNode, TipCommit, TipRepository, invalid};
use contents::contents;
use walk::{HistoryWalk, WalkedRevisions};

/// The most nodes of a list that GitHub returns at once.
const PAGE_SIZE: usize = 100;

/// The fewest nodes that are worth a request.
const MIN_PAGE_SIZE: usize = 25;

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
    let walked = walk_all(github, tip, paths, most.min(PAGE_SIZE)).await?;
    let files = walked
        .iter()
        .flat_map(|walked| &walked.revisions)
        .filter_map(RevisionNode::file);
    let contents = contents(github, files.filter(|file| file.size() <= MAX_FILE_SIZE)).await?;
    let mut histories = BTreeMap::new();
    for (path, walked) in paths.iter().zip(walked) {
        let is_complete = walked.is_complete;
        let revisions = walked
            .revisions
            .into_iter()
            .map(|revision| revision.revision(&contents))
            .collect::<Result<_, Failure>>()?;
        let history = FileHistory {
            revisions,
            is_complete,
        };
        histories.insert(path.clone(), history);
    }
    Ok(histories)
}

async fn walk_all(
    github: &GitHub<'_>,
    tip: &Commit,
    paths: &[String],
    most: usize,
) -> Result<Vec<WalkedRevisions>, Failure> {
    let mut answer = ask(github, tip, paths).await?;
    let recent: HashMap<&Commit, &RecentCommit> = answer
        .recent
        .nodes
        .iter()
        .map(|commit| (&commit.oid, commit))
        .collect();
    let mut all = Vec::new();
    for n in 0..paths.len() {
        let history = answer
            .histories
            .remove(&format!("h{n}"))
            .ok_or_else(|| invalid("GitHub's answer has no history of the file"))?;
        let walk = HistoryWalk {
            recent: &recent,
            file: format!("f{n}"),
            history,
            walked: WalkedRevisions::default(),
        };
        all.push(walk.walk(tip, most));
    }
    Ok(all)
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
             parents(first: 1) {{ nodes {{ oid file(path: $p{n}) {{ ...file }} }} }} }} }}"
        )
    });
    format!(
        "query History($owner: String!, $name: String!, $tip: GitObjectID!, \
         $count: Int!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{ object(oid: $tip) {{ ... on Commit {{ \
         recent: history(first: $count) {{ nodes {{ oid message authoredDate \
         parents(first: 1) {{ nodes {{ oid }} }}{all} }} }}{histories} }} }} }} }} \
         fragment file on TreeEntry {{ oid object {{ ... on Blob {{ byteSize }} }} }}"
    )
}

//! Fetches from the remote, each with only the objects that a question needs.

use std::collections::BTreeSet;

use branch::BranchName;
use contract::Commit;
use gix_hash::ObjectId;

use crate::{
    bare_repository::{REMOTE, TIP},
    error::GitAnswer,
    objects::{self, ObjectStore},
    program::GitCall,
};

/// The depths of history that are fetched, one after the other: most files change often, and few
/// repositories are deep.
pub(crate) const DEPTHS: [&str; 3] = ["--depth=256", "--depth=4096", "--depth=2147483647"];

/// The objects that the remote leaves out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FetchFilter {
    WithoutBlobs,
    OnlyCommits,
}

impl FetchFilter {
    fn argument(self) -> &'static str {
        match self {
            Self::WithoutBlobs => "--filter=blob:none",
            Self::OnlyCommits => "--filter=tree:0",
        }
    }
}

/// Fetches references and commits, with their history down to a depth.
pub(crate) async fn fetch(
    call: &GitCall<'_>,
    depth: &str,
    filter: FetchFilter,
    wanted: &[&str],
) -> GitAnswer<()> {
    let fetch = [
        "fetch",
        "--quiet",
        depth,
        filter.argument(),
        "--no-tags",
        "--no-write-fetch-head",
        "--recurse-submodules=no",
        REMOTE,
    ];
    call.expect(&[&fetch[..], wanted].concat(), &[]).await
}

/// Fetches a branch and keeps its tip as [`TIP`].
pub(crate) async fn fetch_branch(
    call: &GitCall<'_>,
    name: &BranchName,
    depth: &str,
    filter: FetchFilter,
) -> GitAnswer<()> {
    // The full name, since a tag may have the same short one.
    fetch_tip(call, &name.full(), depth, filter).await
}

/// Fetches the remote's default branch and keeps its tip as [`TIP`].
pub(crate) async fn fetch_default_branch(
    call: &GitCall<'_>,
    depth: &str,
    filter: FetchFilter,
) -> GitAnswer<()> {
    fetch_tip(call, "HEAD", depth, filter).await
}

async fn fetch_tip(
    call: &GitCall<'_>,
    reference: &str,
    depth: &str,
    filter: FetchFilter,
) -> GitAnswer<()> {
    let refspec = format!("+{reference}:{TIP}");
    fetch(call, depth, filter, &[&refspec]).await
}

/// Fetches commits by their ids, with their trees and their history.
pub(crate) async fn fetch_commits(
    call: &GitCall<'_>,
    depth: &str,
    commits: &[&Commit],
) -> GitAnswer<()> {
    let ids: Vec<&str> = commits.iter().map(|commit| commit.as_str()).collect();
    fetch(call, depth, FetchFilter::WithoutBlobs, &ids).await
}

/// Fetches the missing ones of these blobs by their ids, as git itself does for a partial clone;
/// returns whether any was missing.
pub(crate) async fn fetch_blobs(
    call: &GitCall<'_>,
    store: &ObjectStore,
    ids: impl Iterator<Item = ObjectId>,
) -> GitAnswer<bool> {
    let missing: BTreeSet<String> = ids
        .filter(|id| !objects::exists(store, *id))
        .map(|id| format!("{id}\n"))
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let fetch = [
        "-c",
        "fetch.negotiationAlgorithm=noop",
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--recurse-submodules=no",
        "--filter=blob:none",
        "--stdin",
        REMOTE,
    ];
    let missing: String = missing.into_iter().collect();
    call.expect(&fetch, missing.as_bytes()).await?;
    Ok(true)
}

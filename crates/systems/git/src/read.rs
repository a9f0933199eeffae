//! The tip of a branch and a few of its files: all of its tree, and no content except these files'.

use std::collections::BTreeMap;

use branch::BranchName;
use contract::Commit;

use crate::{
    answers::{EntryAnswer, ReadAnswer, RecordedBytes},
    bare_repository::REMOTE,
    error::{GitAnswer, GitError},
    fetch::{FetchFilter, fetch_blobs, fetch_branch, fetch_default_branch},
    objects::{self, ObjectStore, PathEntry},
    program::GitCall,
};

/// Reads the branch with one fetch, and a second one for the contents that are still missing.
pub(crate) async fn read(
    call: &GitCall<'_>,
    name: &BranchName,
    paths: &[String],
) -> GitAnswer<ReadAnswer> {
    fetch_branch(call, name, "--depth=1", FetchFilter::WithoutBlobs).await?;
    read_fetched(call, paths).await
}

/// Reads the remote's default branch in the same way.
pub(crate) async fn read_default(call: &GitCall<'_>, paths: &[String]) -> GitAnswer<ReadAnswer> {
    fetch_default_branch(call, "--depth=1", FetchFilter::WithoutBlobs).await?;
    read_fetched(call, paths).await
}

async fn read_fetched(call: &GitCall<'_>, paths: &[String]) -> GitAnswer<ReadAnswer> {
    let tip = call.repository.tip()?;
    let mut store = call.repository.objects()?;
    let mut found = BTreeMap::new();
    for path in paths {
        found.insert(path.clone(), objects::find(&store, &tip, path)?);
    }
    let blobs = found.values().filter_map(PathEntry::blob);
    if fetch_blobs(call, &store, blobs).await? {
        store = call.repository.objects()?;
    }
    let mut entries = BTreeMap::new();
    for (path, found) in found {
        entries.insert(path, entry(&store, found)?);
    }
    Ok(ReadAnswer { tip, entries })
}

/// Returns the tip of the branch.
pub(crate) async fn tip(call: &GitCall<'_>, name: &BranchName) -> GitAnswer<Option<Commit>> {
    let reference = if name.as_str() == "HEAD" {
        "HEAD".to_owned()
    } else {
        name.full()
    };
    let lines = call
        .lines(&["ls-remote", "--quiet", REMOTE, &reference])
        .await?;
    // git lists every reference whose name ends like this one.
    let mut references = lines.iter().filter_map(|line| line.split_once('\t'));
    match references.find(|(_, name)| *name == reference) {
        Some((id, _)) => id.parse().map(Some).map_err(GitError::other),
        None => call.expect_git_server(&[]).await.map(|()| None),
    }
}

fn entry(store: &ObjectStore, found: PathEntry) -> GitAnswer<EntryAnswer> {
    Ok(match found {
        PathEntry::Missing => EntryAnswer::Missing,
        PathEntry::Directory => EntryAnswer::Directory,
        PathEntry::Link { at } => EntryAnswer::Link { at },
        PathEntry::Submodule { at } => EntryAnswer::Submodule { at },
        PathEntry::File { id, executable } => match objects::content(store, id)? {
            Some(content) => EntryAnswer::File {
                content: RecordedBytes::new(&content),
                executable,
            },
            None => EntryAnswer::TooLarge,
        },
    })
}

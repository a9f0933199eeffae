//! The tip of a branch, and a few of its files: all of the tree, no file content but those asked for.

use std::collections::BTreeMap;

use branch::BranchName as Name;
use contract::Commit;

use crate::{
    answers::{Answer, EntryAnswer, ReadAnswer, text},
    error::GitError,
    folder::{REMOTE, TIP},
    objects::{self, Found, Objects},
    program::Call,
};

/// Reads the branch with one fetch, and one more for the contents that are still missing.
pub(crate) async fn read(call: &Call<'_>, name: &Name, paths: &[String]) -> Answer<ReadAnswer> {
    // The whole name, since a tag may have the same short one.
    let refspec = format!("+{}:{TIP}", name.full());
    let fetch = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--filter=blob:none",
        "--no-tags",
        "--no-write-fetch-head",
    ];
    let more = ["--recurse-submodules=no", REMOTE, &refspec];
    call.expect(&[&fetch[..], &more[..]].concat(), &[]).await?;
    let tip = call.folder.tip()?;
    let mut store = call.folder.objects()?;
    let mut found = BTreeMap::new();
    for path in paths {
        found.insert(path.clone(), objects::find(&store, &tip, path)?);
    }
    if fetch_contents(call, &store, &found).await? {
        store = call.folder.objects()?;
    }
    let mut entries = BTreeMap::new();
    for (path, found) in found {
        entries.insert(path, entry(&store, found)?);
    }
    Ok(ReadAnswer { tip, entries })
}

/// Returns the commit that the branch is at.
pub(crate) async fn tip(call: &Call<'_>, name: &Name) -> Answer<Option<Commit>> {
    let reference = if name.as_str() == "HEAD" {
        "HEAD".to_owned()
    } else {
        name.full()
    };
    let lines = call
        .lines(&["ls-remote", "--quiet", REMOTE, &reference])
        .await?;
    // It lists all references that end so.
    let mut lines = lines.iter().filter_map(|line| line.split_once('\t'));
    let found = lines.find(|(_, name)| *name == reference);
    found
        .map(|(id, _)| id.parse().map_err(GitError::other))
        .transpose()
}

/// Fetches the contents of files that are not here yet; returns whether there were any.
async fn fetch_contents(
    call: &Call<'_>,
    store: &Objects,
    found: &BTreeMap<String, Found>,
) -> Answer<bool> {
    let ids = found.values().filter_map(|found| match found {
        Found::File { id, .. } => Some(*id),
        _ => None,
    });
    fetch_files(call, store, ids).await
}

/// Fetches by id what is not here yet, as git itself does for a partial clone; returns whether
/// there was any.
pub(crate) async fn fetch_files(
    call: &Call<'_>,
    store: &Objects,
    ids: impl Iterator<Item = gix_hash::ObjectId>,
) -> Answer<bool> {
    let absent = ids
        .filter(|id| !objects::is_here(store, *id))
        .map(|id| format!("{id}\n"));
    let absent: std::collections::BTreeSet<String> = absent.collect();
    if absent.is_empty() {
        return Ok(false);
    }
    let fetch = [
        "-c",
        "fetch.negotiationAlgorithm=noop",
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
    ];
    let more = [
        "--recurse-submodules=no",
        "--filter=blob:none",
        "--stdin",
        REMOTE,
    ];
    let absent: String = absent.into_iter().collect();
    call.expect(&[&fetch[..], &more[..]].concat(), absent.as_bytes())
        .await?;
    Ok(true)
}

fn entry(store: &Objects, found: Found) -> Answer<EntryAnswer> {
    Ok(match found {
        Found::Missing => EntryAnswer::Missing,
        Found::Directory => EntryAnswer::Directory,
        Found::Link { at } => EntryAnswer::Link { at },
        Found::Submodule { at } => EntryAnswer::Submodule { at },
        Found::File { id, executable } => match objects::content(store, id)? {
            Some(content) => EntryAnswer::File {
                content: text(&content),
                executable,
            },
            None => EntryAnswer::TooLarge,
        },
    })
}

//! The tip of a branch, and a few of its files: all of the tree, no file content but those asked for.

use std::collections::BTreeMap;

use branch::Name;

use crate::{
    answers::{Answer, EntryAnswer, ReadAnswer, text},
    folder::{REMOTE, TIP},
    objects::{self, Found},
    program::Call,
};

/// Reads the branch with one fetch, and one more for the contents that are still missing.
pub(crate) async fn read(call: &Call<'_>, name: &Name, paths: &[String]) -> Answer<ReadAnswer> {
    // The whole name, since a tag may have the same short one.
    let refspec = format!("+{}:{TIP}", name.full());
    let fetch = ["fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head"];
    let more = ["--recurse-submodules=no", REMOTE, &refspec];
    call.expect(&[&fetch[..], &more[..]].concat(), &[]).await?;
    let tip = call.folder.tip()?;
    let mut repository = call.folder.open()?;
    let mut found = BTreeMap::new();
    for path in paths {
        found.insert(path.clone(), objects::find(&repository, &tip, path)?);
    }
    if fetch_contents(call, &repository, &found).await? {
        repository = call.folder.open()?;
    }
    let mut entries = BTreeMap::new();
    for (path, found) in found {
        entries.insert(path, entry(&repository, found)?);
    }
    Ok(ReadAnswer { tip, entries })
}

/// Fetches by id what is not here yet, as git itself does for a partial clone; returns whether
/// there was any.
async fn fetch_contents(
    call: &Call<'_>,
    repository: &gix::Repository,
    found: &BTreeMap<String, Found>,
) -> Answer<bool> {
    let ids = found.values().filter_map(|found| match found {
        Found::File { id, .. } if !repository.has_object(id) => Some(format!("{id}\n")),
        _ => None,
    });
    let ids: std::collections::BTreeSet<String> = ids.collect();
    if ids.is_empty() {
        return Ok(false);
    }
    let fetch =
        ["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
    let more = ["--recurse-submodules=no", "--filter=blob:none", "--stdin", REMOTE];
    let ids: String = ids.into_iter().collect();
    call.expect(&[&fetch[..], &more[..]].concat(), ids.as_bytes()).await?;
    Ok(true)
}

fn entry(repository: &gix::Repository, found: Found) -> Answer<EntryAnswer> {
    Ok(match found {
        Found::Missing => EntryAnswer::Missing,
        Found::Directory => EntryAnswer::Directory,
        Found::Link { at } => EntryAnswer::Link { at },
        Found::Submodule { at } => EntryAnswer::Submodule { at },
        Found::File { id, executable } => {
            EntryAnswer::File { content: text(&objects::content(repository, id)?), executable }
        }
    })
}

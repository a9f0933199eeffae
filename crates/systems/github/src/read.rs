//! The tip of a branch and a few of its files, in one query.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use branch::{BranchError, BranchName, MAX_FILE_SIZE, Snapshot, TreeEntry};
use contract::{Commit, Failure, asking};
use fetch::FetchError;
use ring::digest;
use serde::Deserialize;

use crate::{
    aliases::{self, each},
    api::TokenPermission,
    commit::no_target,
    github::GitHub,
};

/// The modes of the kinds of tree entries (git's `cache.h`, `canon_mode`).
mod mode {
    pub(super) const DIRECTORY: u32 = 0o040_000;
    pub(super) const EXECUTABLE: u32 = 0o100_755;
    pub(super) const LINK: u32 = 0o120_000;
    pub(super) const SUBMODULE: u32 = 0o160_000;
}

#[derive(Deserialize)]
struct TipRef {
    target: Option<TipTree>,
}

#[derive(Deserialize)]
struct TipTree {
    oid: Commit,
    #[serde(flatten)]
    entries: BTreeMap<String, Option<TreeEntryNode>>,
}

/// GitHub's answer about a path of a commit.
#[derive(Deserialize)]
struct TreeEntryNode {
    mode: u32,
    oid: String,
    object: Option<BlobNode>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BlobNode {
    byte_size: usize,
    text: Option<String>,
}

/// The fields of an entry, as the fragment `entry` for a `TreeEntry` of a document.
const ENTRY: &str =
    "fragment entry on TreeEntry { mode oid object { ... on Blob { byteSize text } } }";

/// Reads the branch in one query, so that all entries belong to the same commit, the tip.
pub(crate) async fn read(
    github: &GitHub<'_>,
    name: &BranchName,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    let places = places(paths);
    let variables = aliases::variables("p", places.iter().copied());
    let document = document(", $branch: String!", BRANCH, places.len());
    let found = github.ask_branch(name, &document, variables).await?;
    snapshot(github, name.as_str(), found, paths).await
}

/// Reads the repository's default branch in the same way.
pub(crate) async fn read_default(
    github: &GitHub<'_>,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    let places = places(paths);
    let variables = aliases::variables("p", places.iter().copied());
    let document = document("", DEFAULT_BRANCH, places.len());
    let found = github.ask_default_branch(&document, variables).await?;
    snapshot(github, "HEAD", found, paths).await
}

/// Returns the paths and their directories: a set, so that every directory is asked for once.
fn places(paths: &[String]) -> BTreeSet<&str> {
    paths.iter().flat_map(|path| prefixes(path)).collect()
}

async fn snapshot(
    github: &GitHub<'_>,
    name: &str,
    found: Option<TipRef>,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    let target = found.ok_or(BranchError::Missing)?.target;
    let mut tree = target.ok_or_else(|| no_target(name))?;
    let found: BTreeMap<&str, TreeEntryNode> = places(paths)
        .into_iter()
        .enumerate()
        .filter_map(|(n, place)| Some((place, tree.entries.remove(&format!("e{n}"))??)))
        .collect();
    let mut entries = BTreeMap::new();
    for path in paths {
        entries.insert(path.clone(), entry(github, path, &found).await?);
    }
    Ok(Snapshot {
        tip: tree.oid,
        entries,
    })
}

/// Returns every directory on the way to a path, and the path itself: a link on the way leads
/// elsewhere.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/')
        .map(|(end, _)| end)
        .chain([path.len()])
        .map(|end| &path[..end])
        .filter(|prefix| !prefix.is_empty())
}

/// The field of a branch, and that of the default branch.
const BRANCH: &str = "ref(qualifiedName: $branch)";
const DEFAULT_BRANCH: &str = "ref: defaultBranchRef";

/// Returns the document about a branch with one alias and one variable per path.
fn document(variable: &str, branch: &str, count: usize) -> String {
    let parameters = each(count, |n| format!(", $p{n}: String!"));
    let entries = each(count, |n| {
        format!(" e{n}: file(path: $p{n}) {{ ...entry }}")
    });
    let fragment = if count == 0 { "" } else { ENTRY };
    format!(
        "query Read($owner: String!, $name: String!{variable}{parameters}) {{ \
         repository(owner: $owner, name: $name) {{ {branch} {{ \
         target {{ oid ... on Commit {{ oid{entries} }} }} }} }} }} {fragment}"
    )
}

async fn entry(
    github: &GitHub<'_>,
    path: &str,
    found: &BTreeMap<&str, TreeEntryNode>,
) -> Result<TreeEntry, Failure> {
    for place in prefixes(path) {
        let at = place.to_owned();
        match found.get(place) {
            None => return Ok(TreeEntry::Missing),
            Some(node) if node.mode == mode::LINK => return Ok(TreeEntry::Link { at }),
            Some(node) if node.mode == mode::SUBMODULE => return Ok(TreeEntry::Submodule { at }),
            Some(node) if node.mode == mode::DIRECTORY => {}
            Some(node) if place.len() == path.len() => return file(github, node).await,
            Some(_) => return Ok(TreeEntry::Missing),
        }
    }
    Ok(TreeEntry::Directory)
}

async fn file(github: &GitHub<'_>, node: &TreeEntryNode) -> Result<TreeEntry, Failure> {
    let blob = node.object.as_ref();
    if blob.is_some_and(|blob| blob.byte_size > MAX_FILE_SIZE) {
        return Ok(TreeEntry::TooLarge);
    }
    let text = blob.and_then(|blob| blob.text.as_deref());
    Ok(TreeEntry::File {
        content: content(github, &node.oid, text).await?,
        executable: node.mode == mode::EXECUTABLE,
    })
}

/// Returns a file's bytes.
///
/// GraphQL sends a text for display, which may be cut or converted to UTF-8. It is the file's
/// content only if it has the file's object name; otherwise the blob is fetched.
pub(crate) async fn content(
    github: &GitHub<'_>,
    oid: &str,
    text: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    match text
        .map(str::as_bytes)
        .filter(|bytes| object_name(bytes) == oid)
    {
        Some(bytes) => Ok(bytes.to_vec()),
        None => blob(github, oid).await,
    }
}

/// Returns git's object name of a blob.
fn object_name(bytes: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {}\0", bytes.len()).as_bytes());
    context.update(bytes);
    let name = context.finish();
    name.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A blob in an answer of the REST API.
#[derive(Deserialize)]
struct RestBlob {
    content: String,
}

async fn blob(github: &GitHub<'_>, oid: &str) -> Result<Vec<u8>, Failure> {
    let path = format!("repos/{}/git/blobs/{oid}", github.repository);
    let answer = github
        .api
        .get(&path, &[], None, TokenPermission::Contents)
        .await?;
    if answer.status() != 200 {
        return Err(invalid_blob(oid, "GitHub named it and does not have it"));
    }
    let blob: RestBlob = answer.json()?;
    let text: String = blob.content.split_whitespace().collect();
    base64::prelude::BASE64_STANDARD
        .decode(text)
        .map_err(|error| invalid_blob(oid, &error.to_string()))
}

fn invalid_blob(oid: &str, why: &str) -> Failure {
    FetchError::new(asking::NOT_THE_API, format!("blob {oid}: {why}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_on_the_way_is_a_prefix() {
        assert_eq!(prefixes("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(prefixes("").count(), 0);
    }

    #[test]
    fn object_names_are_those_of_git() {
        assert_eq!(
            object_name(b"one\n"),
            "5626abf0f72e58d7a153368ba57db4c673c0e171"
        );
    }
}

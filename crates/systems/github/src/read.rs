//! The tip of a branch and a few of its files, in one question.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use branch::{BranchError, BranchName as Name, MAX_FILE_SIZE, Snapshot, TreeEntry};
use contract::{Commit, Failure, asking};
use fetch::FetchError;
use ring::digest;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{GitHub, api::Needs};

/// Kinds of entries of a tree, by their modes (git's `cache.h`, `canon_mode`).
mod mode {
    pub(super) const DIRECTORY: u32 = 0o040_000;
    pub(super) const EXECUTABLE: u32 = 0o100_755;
    pub(super) const LINK: u32 = 0o120_000;
    pub(super) const SUBMODULE: u32 = 0o160_000;
}

#[derive(Deserialize)]
struct Reference {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    oid: Commit,
    #[serde(flatten)]
    entries: BTreeMap<String, Option<TreeEntryNode>>,
}

/// What GitHub says about a path of a commit.
#[derive(Deserialize)]
struct TreeEntryNode {
    mode: u32,
    oid: String,
    object: Option<Blob>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Blob {
    byte_size: usize,
    text: Option<String>,
}

/// What is asked of an entry; `entry` is to be spread where a document has a `TreeEntry`.
const ENTRY: &str =
    "fragment entry on TreeEntry { mode oid object { ... on Blob { byteSize text } } }";

/// Reads the branch. All entries are those of the one commit that is the tip, so that nobody can come
/// between them.
pub(crate) async fn read(
    github: &GitHub<'_>,
    name: &Name,
    paths: &[String],
) -> Result<Snapshot, BranchError> {
    let places: Vec<&str> = places(paths).into_iter().collect();
    let (document, variables) = question(&places);
    let found: Option<Reference> = github.ask_branch(name, &document, variables).await?;
    let Target {
        oid: tip,
        mut entries,
    } = found.ok_or(BranchError::Missing)?.target;
    let at = places.iter().enumerate();
    let found: BTreeMap<&str, TreeEntryNode> = at
        .filter_map(|(n, place)| Some((*place, entries.remove(&format!("e{n}"))??)))
        .collect();
    let mut entries = BTreeMap::new();
    for path in paths {
        entries.insert(path.clone(), entry(github, path, &found).await?);
    }
    Ok(Snapshot { tip, entries })
}

/// Returns the paths and every directory on the way to them, since a link there leads elsewhere.
fn places(paths: &[String]) -> BTreeSet<&str> {
    let ways = paths.iter().flat_map(|path| {
        let ends = path
            .match_indices('/')
            .map(|(end, _)| end)
            .chain([path.len()]);
        ends.map(|end| &path[..end])
    });
    ways.filter(|place| !place.is_empty()).collect()
}

/// Returns the document with one alias and one variable a place.
fn question(places: &[&str]) -> (String, Map<String, Value>) {
    let each = |text: fn(usize) -> String| (0..places.len()).map(text).collect::<String>();
    let parameters = each(|n| format!(", $p{n}: String!"));
    let entries = each(|n| format!(" e{n}: file(path: $p{n}) {{ ...entry }}"));
    let fragment = if places.is_empty() { "" } else { ENTRY };
    let document = format!(
        "query Read($owner: String!, $name: String!, $branch: String!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{ ref(qualifiedName: $branch) {{ \
         target {{ oid ... on Commit {{ oid{entries} }} }} }} }} }} {fragment}"
    );
    let variables = places
        .iter()
        .enumerate()
        .map(|(n, place)| (format!("p{n}"), Value::from(*place)));
    (document, variables.collect())
}

async fn entry(
    github: &GitHub<'_>,
    path: &str,
    found: &BTreeMap<&str, TreeEntryNode>,
) -> Result<TreeEntry, Failure> {
    if path.is_empty() {
        return Ok(TreeEntry::Directory);
    }
    let ends = path
        .match_indices('/')
        .map(|(end, _)| end)
        .chain([path.len()]);
    for place in ends.map(|end| &path[..end]) {
        match found.get(place) {
            None => return Ok(TreeEntry::Missing),
            Some(entry) if entry.mode == mode::LINK => {
                return Ok(TreeEntry::Link {
                    at: place.to_owned(),
                });
            }
            Some(entry) if entry.mode == mode::SUBMODULE => {
                return Ok(TreeEntry::Submodule {
                    at: place.to_owned(),
                });
            }
            Some(entry) if entry.mode == mode::DIRECTORY => {}
            Some(entry) if place.len() == path.len() => {
                if entry
                    .object
                    .as_ref()
                    .is_some_and(|blob| blob.byte_size > MAX_FILE_SIZE)
                {
                    return Ok(TreeEntry::TooLarge);
                }
                let executable = entry.mode == mode::EXECUTABLE;
                let text = entry.object.as_ref().and_then(|blob| blob.text.as_deref());
                return Ok(TreeEntry::File {
                    content: content(github, &entry.oid, text).await?,
                    executable,
                });
            }
            Some(_) => return Ok(TreeEntry::Missing),
        }
    }
    Ok(TreeEntry::Directory)
}

/// Returns a file's bytes.
///
/// The text that GraphQL sends was made for showing: it may be cut, and what is not UTF-8 was
/// converted. It is the file only if it has the file's object name.
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

/// Returns the name that git gives these bytes.
fn object_name(bytes: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {}\0", bytes.len()).as_bytes());
    context.update(bytes);
    context
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn blob(github: &GitHub<'_>, oid: &str) -> Result<Vec<u8>, Failure> {
    #[derive(Deserialize)]
    struct Body {
        content: String,
    }
    let path = format!("repos/{}/git/blobs/{oid}", github.repository);
    let answer = github.api.get(&path, &[], None, Needs::Contents).await?;
    let wrong = |what: &str| {
        Failure::from(FetchError::new(
            asking::NOT_THE_API,
            format!("blob {oid}: {what}"),
        ))
    };
    if answer.status() != 200 {
        return Err(wrong("GitHub named it and does not have it"));
    }
    let body: Body = answer.json()?;
    let text: String = body.content.split_whitespace().collect();
    base64::prelude::BASE64_STANDARD
        .decode(text)
        .map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_on_the_way_is_asked_for_once() {
        let paths = ["a/b/c".to_owned(), "a/b/d".to_owned(), String::new()];
        assert_eq!(
            places(&paths).into_iter().collect::<Vec<_>>(),
            ["a", "a/b", "a/b/c", "a/b/d"]
        );
    }

    #[test]
    fn bytes_are_named_as_git_names_them() {
        assert_eq!(
            object_name(b"one\n"),
            "5626abf0f72e58d7a153368ba57db4c673c0e171"
        );
    }
}

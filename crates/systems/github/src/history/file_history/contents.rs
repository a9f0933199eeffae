//! The contents of files, by their object names, in batches.

use std::collections::BTreeMap;

use contract::Failure;
use serde::Deserialize;

use super::answer::FileNode;
use crate::{
    aliases::{self, each},
    api::TokenPermission,
    github::GitHub,
    read,
};

/// The most files of one query.
const MAX_BATCH_FILES: usize = 50;

/// The most bytes of files of one query, unless a single file has more.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Returns the contents of these files by their object names, each asked for once.
pub(super) async fn contents(
    github: &GitHub<'_>,
    files: impl Iterator<Item = &FileNode>,
) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let sizes: BTreeMap<&str, usize> = files.map(|file| (file.oid.as_str(), file.size())).collect();
    let mut contents = BTreeMap::new();
    for batch in batches(sizes) {
        read_batch(github, &batch, &mut contents).await?;
    }
    Ok(contents)
}

/// Splits the files into batches that are not too large for one answer.
fn batches(sizes: BTreeMap<&str, usize>) -> Vec<Vec<&str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut sum = 0;
    for (oid, size) in sizes {
        sum += size;
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_BATCH_FILES && sum <= MAX_BATCH_BYTES => {
                batch.push(oid);
            }
            _ => {
                batches.push(vec![oid]);
                sum = size;
            }
        }
    }
    batches
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BlobText {
    text: Option<String>,
}

async fn read_batch(
    github: &GitHub<'_>,
    batch: &[&str],
    contents: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Failure> {
    let variables = aliases::variables("o", batch.iter().copied());
    let found: Option<BTreeMap<String, Option<BlobText>>> = github
        .ask(&document(batch.len()), variables, TokenPermission::Contents)
        .await?;
    let mut found = found.unwrap_or_default();
    for (n, oid) in batch.iter().enumerate() {
        let blob = found.remove(&format!("o{n}")).flatten().unwrap_or_default();
        let content = read::content(github, oid, blob.text.as_deref()).await?;
        contents.insert((*oid).to_owned(), content);
    }
    Ok(())
}

fn document(count: usize) -> String {
    let parameters = each(count, |n| format!(", $o{n}: GitObjectID!"));
    let objects = each(count, |n| {
        format!(" o{n}: object(oid: $o{n}) {{ ... on Blob {{ text }} }}")
    });
    format!(
        "query Files($owner: String!, $name: String!{parameters}) {{ \
         repository(owner: $owner, name: $name) {{{objects} }} }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_limited_in_files_and_bytes() {
        let names: Vec<String> = (0..120).map(|n| format!("{n:03}")).collect();
        let small = names.iter().map(|name| (name.as_str(), 1)).collect();
        assert_eq!(
            batches(small).iter().map(Vec::len).collect::<Vec<_>>(),
            [50, 50, 20]
        );
        let large = names[..3]
            .iter()
            .map(|name| (name.as_str(), 3 << 20))
            .collect();
        assert_eq!(
            batches(large).iter().map(Vec::len).collect::<Vec<_>>(),
            [1, 1, 1]
        );
    }
}

//! Under which name a file was before a commit moved it, as `git log --follow` finds it.
//!
//! Unlike git, a copy is not followed: the history of the file that stays is not that of the new
//! one.

use std::collections::HashMap;

use gix_hash::ObjectId;

use crate::{
    differences,
    error::GitAnswer,
    objects::{self, ObjectStore},
};

/// The most removed files whose contents are compared.
const MAX_CANDIDATES: usize = 50;

/// The longest piece of a text that counts as one, as in git.
const MAX_PIECE: usize = 64;

/// The name of a file in a parent of the commit that has it now.
pub(super) enum EarlierName {
    /// The parent has no such file under another name.
    Same,
    Other(String),
    /// The contents of these files decide.
    Unknown(Vec<ObjectId>),
}

/// A file that the commit removed.
struct RemovedFile {
    path: String,
    id: ObjectId,
}

/// Finds the name in `parent` of the file that `commit` has at `path`, and the parent has not: a
/// removed file with the same content, or else the most similar one.
pub(super) fn earlier_name(
    store: &ObjectStore,
    parent: ObjectId,
    commit: ObjectId,
    path: &str,
    file: ObjectId,
) -> GitAnswer<EarlierName> {
    let removed = removed(store, parent, commit)?;
    let exact = removed.iter().filter(|removed| removed.id == file);
    if let Some(exact) = exact.max_by_key(|removed| common_end(&removed.path, path)) {
        return Ok(EarlierName::Other(exact.path.clone()));
    }
    let candidates = candidates(removed, path);
    if candidates.is_empty() {
        return Ok(EarlierName::Same);
    }
    let ids = candidates.iter().map(|candidate| candidate.id);
    let missing: Vec<ObjectId> = ids
        .chain([file])
        .filter(|id| !objects::exists(store, *id))
        .collect();
    if !missing.is_empty() {
        return Ok(EarlierName::Unknown(missing));
    }
    let Some(content) = objects::content(store, file)? else {
        return Ok(EarlierName::Same);
    };
    most_similar(store, &candidates, path, &content)
}

fn removed(store: &ObjectStore, parent: ObjectId, commit: ObjectId) -> GitAnswer<Vec<RemovedFile>> {
    let (parent, commit) = (objects::commit(parent)?, objects::commit(commit)?);
    let differences = differences::between(store, &parent, &commit, usize::MAX)?;
    let removed = differences.into_iter().filter_map(|difference| {
        let id = difference.removed()?;
        Some(RemovedFile {
            path: difference.path,
            id,
        })
    });
    Ok(removed.collect())
}

/// Returns the removed files to compare: of many, only those with the same file name.
fn candidates(mut removed: Vec<RemovedFile>, path: &str) -> Vec<RemovedFile> {
    if removed.len() > MAX_CANDIDATES {
        removed.retain(|removed| common_end(&removed.path, path) > 0);
        removed.sort_by_key(|removed| std::cmp::Reverse(common_end(&removed.path, path)));
        removed.truncate(MAX_CANDIDATES);
    }
    removed
}

fn most_similar(
    store: &ObjectStore,
    candidates: &[RemovedFile],
    path: &str,
    content: &[u8],
) -> GitAnswer<EarlierName> {
    let mut best: Option<((usize, usize), &str)> = None;
    for candidate in candidates {
        let Some(before) = objects::content(store, candidate.id)? else {
            continue;
        };
        let rank = (
            similarity(&before, content),
            common_end(&candidate.path, path),
        );
        if rank.0 >= 50 && best.is_none_or(|(known, _)| known < rank) {
            best = Some((rank, &candidate.path));
        }
    }
    Ok(match best {
        Some((_, path)) => EarlierName::Other(path.to_owned()),
        None => EarlierName::Same,
    })
}

/// Returns how many parts at the end two paths have in common.
fn common_end(one: &str, other: &str) -> usize {
    let parts = one.rsplit('/').zip(other.rsplit('/'));
    parts.take_while(|(one, other)| one == other).count()
}

/// Returns the share of the larger text that the other one has too, in percent.
fn similarity(one: &[u8], other: &[u8]) -> usize {
    let larger = one.len().max(other.len());
    if larger == 0 {
        return 100;
    }
    let mut pieces: HashMap<&[u8], usize> = HashMap::new();
    for piece in self::pieces(one) {
        *pieces.entry(piece).or_default() += 1;
    }
    let mut common = 0;
    for piece in self::pieces(other) {
        if let Some(count) = pieces.get_mut(piece).filter(|count| **count > 0) {
            *count -= 1;
            common += piece.len();
        }
    }
    common * 100 / larger
}

/// Splits a text into lines, and long lines into pieces.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| line.chunks(MAX_PIECE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_common_share() {
        for (one, other, expected) in [
            ("a\nb\n", "a\nb\n", 100),
            ("a\nb\n", "a\nc\n", 50),
            ("a\n", "b\n", 0),
            ("", "", 100),
            ("a\n", "a\na\na\na\n", 25),
        ] {
            assert_eq!(
                similarity(one.as_bytes(), other.as_bytes()),
                expected,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn the_end_of_a_path_names_its_relatives() {
        assert_eq!(common_end("old/prod/k.yaml", "new/prod/k.yaml"), 2);
        assert_eq!(common_end("old/stage/k.yaml", "new/prod/k.yaml"), 1);
        assert_eq!(common_end("k.yml", "k.yaml"), 0);
    }
}

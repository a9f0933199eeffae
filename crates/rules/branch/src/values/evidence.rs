//! What follows from the revisions of a file, in the order in which they came.
//!
//! Branches may have different pasts: a commit undoes only what it follows, so a rollback on one
//! branch is not undone by a commit on another one that did not know it.

use std::collections::{BTreeMap, BTreeSet};

use contract::{Commit, Reference};

use super::{
    claims::{Claims, ValueChange},
    value::{BadMark, ImageValue, ValueOrigin},
};
use crate::{CommitName, FileHistory, NamedImage, Revision, Trailers};

/// The knowledge after some revisions.
#[derive(Default)]
pub(super) struct Evidence<'h> {
    /// The values that commits set, oldest first.
    set: Vec<ImageValue>,
    marks: Vec<BadMark>,
    /// The marks that a later commit lifted.
    lifted: BTreeSet<usize>,
    /// The values that a forced bump left behind, by their places.
    left_behind: BTreeSet<usize>,
    files: BTreeMap<&'h Commit, FileValue>,
    follows: BTreeMap<&'h Commit, &'h [Commit]>,
}

/// The value of the file at a revision.
#[derive(Clone, Copy)]
struct FileValue {
    /// Whether the file has a value now.
    is_present: bool,
    /// The place of the value that was set last.
    value: Option<usize>,
}

impl<'h> Evidence<'h> {
    /// Reads the revisions, oldest first.
    pub(super) fn read(history: &'h FileHistory, value: impl Fn(&[u8]) -> Option<String>) -> Self {
        let mut evidence = Self::default();
        for revision in history.revisions.iter().rev() {
            let text = revision.content.as_deref().and_then(&value);
            evidence.follows.insert(&revision.commit, &revision.follows);
            let file = evidence.file(revision, text, !history.is_complete);
            evidence.files.insert(&revision.commit, file);
        }
        evidence
    }

    /// Returns the value of the file at a revision.
    fn file(&mut self, revision: &Revision, text: Option<String>, is_cut: bool) -> FileValue {
        let before: Vec<FileValue> = revision
            .follows
            .iter()
            .filter_map(|commit| self.files.get(commit).copied())
            .collect();
        let last = before.iter().find_map(|file| file.value);
        let Some(text) = text else {
            return FileValue {
                is_present: false,
                value: last,
            };
        };
        let mut values = before.iter().filter_map(|file| file.value);
        let kept = values.find(|value| self.set[*value].image == text);
        let value = kept.unwrap_or_else(|| {
            let is_cut = is_cut && before.is_empty();
            let replaced = self.replaced(&before);
            self.set_value(revision, text, replaced, is_cut)
        });
        FileValue {
            is_present: true,
            value: Some(value),
        }
    }

    /// Returns the values that a revision with another value replaces.
    fn replaced(&self, before: &[FileValue]) -> Vec<NamedImage> {
        before
            .iter()
            .filter(|file| file.is_present)
            .filter_map(|file| NamedImage::of(&self.set[file.value?].image))
            .collect()
    }

    /// Adds a value that a revision set, and returns its place.
    fn set_value(
        &mut self,
        revision: &Revision,
        text: String,
        replaced: Vec<NamedImage>,
        is_cut: bool,
    ) -> usize {
        let named = NamedImage::of(&text);
        let is_changed = !replaced.is_empty();
        let change = ValueChange {
            value: named.as_ref(),
            replaced,
            is_cut,
        };
        let claims = Claims::of(&revision.message, &change);
        if is_changed && !revision.is_merge && lifts(&claims) {
            self.lift(revision, named.as_ref());
        }
        if claims.trailers.forced && has_source(&claims.trailers, &text) {
            self.leave_behind(revision);
        }
        self.mark(revision, &claims);
        let Revision { commit, date, .. } = revision;
        self.set.push(ImageValue {
            image: text,
            commit: commit.clone(),
            set_by: commit.clone(),
            date: *date,
            trailers: claims.trailers,
            origin: claims.origin,
            undone: claims.undone,
        });
        self.set.len() - 1
    }

    /// Lifts the marks on an image that a commit sets on purpose, of the rollbacks that it follows.
    fn lift(&mut self, revision: &Revision, image: Option<&NamedImage>) {
        let Some(image) = image else { return };
        let followed = self.followed(revision);
        let marks = self.marks.iter().enumerate();
        let lifted = marks
            .filter(|(_, mark)| mark.image.is_same(image) && followed.contains(&mark.by))
            .map(|(at, _)| at);
        self.lifted.extend(lifted);
    }

    /// Leaves the values behind that a forced bump follows.
    fn leave_behind(&mut self, revision: &Revision) {
        let followed = self.followed(revision);
        let values = self.set.iter().enumerate();
        let left = values
            .filter(|(_, value)| followed.contains(&value.set_by))
            .map(|(at, _)| at);
        self.left_behind.extend(left);
    }

    /// Returns all revisions that a revision follows.
    fn followed(&self, revision: &Revision) -> BTreeSet<Commit> {
        let mut followed = BTreeSet::new();
        let mut open: Vec<&Commit> = revision.follows.iter().collect();
        while let Some(commit) = open.pop() {
            if followed.insert(commit.clone()) {
                open.extend(self.follows.get(commit).copied().into_iter().flatten());
            }
        }
        followed
    }

    fn mark(&mut self, revision: &Revision, claims: &Claims) {
        let in_doubt = claims.origin == ValueOrigin::MaybeRollback;
        let marks = claims.undone.iter().map(|image| BadMark {
            image: image.clone(),
            by: revision.commit.clone(),
            in_doubt,
        });
        self.marks.extend(marks);
    }

    /// Returns every value that a commit set, newest first, and the marks that no later commit
    /// lifted, oldest first.
    pub(super) fn into_parts(self) -> (Vec<ImageValue>, Vec<BadMark>) {
        let marks = self.marks.into_iter().enumerate();
        let marks = marks.filter(|(at, _)| !self.lifted.contains(at));
        let marks = marks.map(|(_, mark)| mark).collect();
        (self.set.into_iter().rev().collect(), marks)
    }

    /// Returns the places of the values whose sources count, in the list of all values, newest
    /// first.
    pub(super) fn sources(&self) -> Vec<usize> {
        let count = self.set.len();
        let counting = (0..count)
            .rev()
            .filter(|at| !self.left_behind.contains(at) && !is_rollback(self.set[*at].origin));
        counting.map(|at| count - 1 - at).collect()
    }

    /// Returns the values that the branch itself had, newest first.
    pub(super) fn of_branch(&self, history: &FileHistory) -> Vec<ImageValue> {
        let mut list: Vec<ImageValue> = Vec::new();
        for revision in history.on_branch().rev() {
            let file = self.files.get(&revision.commit);
            let Some(value) = file
                .filter(|file| file.is_present)
                .and_then(|file| file.value)
            else {
                continue;
            };
            let value = &self.set[value];
            if list.last().is_some_and(|last| last.image == value.image) {
                continue;
            }
            list.push(ImageValue {
                commit: revision.commit.clone(),
                date: revision.date,
                ..value.clone()
            });
        }
        list.reverse();
        list
    }
}

/// Whether a commit sets its value on purpose, whatever a rollback said before.
///
/// A squash of older commits does not: it has their trailers.
fn lifts(claims: &Claims) -> bool {
    claims.origin == ValueOrigin::Person || claims.trailers.forced
}

/// Whether the source of a value is known: from the trailers, else from its tag.
fn has_source(trailers: &Trailers, image: &str) -> bool {
    trailers.source.is_some() || source_of_tag(image).is_some()
}

/// Returns the source commit that the tag of an image names.
pub(super) fn source_of_tag(image: &str) -> Option<CommitName> {
    let image: Reference = image.parse().ok()?;
    CommitName::of_tag(image.tag()?.as_str())
}

fn is_rollback(origin: ValueOrigin) -> bool {
    matches!(origin, ValueOrigin::Rollback | ValueOrigin::MaybeRollback)
}

//! The images that a file named over time, and those that a rollback marked as bad.

mod claims;
mod evidence;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
mod value;

use contract::{Commit, Reference};

use crate::{CommitName, FileHistory, NamedImage};
use evidence::{Evidence, source_of_tag};
pub use value::{BadMark, ImageValue, ValueOrigin};

/// The values of a file over time, newest first; equal neighbours are one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageValues {
    /// The values that the branch itself had.
    pub list: Vec<ImageValue>,
    /// Whether the last one is the first that the file ever had.
    pub is_whole: bool,
    /// Every value that a commit set, on merged branches too, newest first.
    set: Vec<ImageValue>,
    /// The marks that no later commit lifted, oldest first.
    marks: Vec<BadMark>,
    /// The places in `set` of the values whose sources count, newest first.
    sources: Vec<usize>,
}

impl ImageValues {
    /// Reads the value of each revision; a revision without one is a gap.
    pub fn read(history: &FileHistory, value: impl Fn(&[u8]) -> Option<String>) -> Self {
        let evidence = Evidence::read(history, value);
        let list = evidence.of_branch(history);
        let sources = evidence.sources();
        let (set, marks) = evidence.into_parts();
        Self {
            list,
            is_whole: history.is_complete,
            set,
            marks,
            sources,
        }
    }

    /// Returns the latest mark on this image, if any.
    pub fn bad(&self, image: &Reference) -> Option<&BadMark> {
        let image = NamedImage::from(image.clone());
        self.marks
            .iter()
            .rev()
            .find(|mark| mark.image.is_same(&image))
    }

    /// Returns the image of a value, with the digest from the trailers of its commit, if any;
    /// `None` when it has neither tag nor digest.
    pub fn reference(&self, value: &ImageValue) -> Option<Reference> {
        let image: Reference = value.image.parse().ok()?;
        if image.digest().is_some() {
            return Some(image);
        }
        for other in self.same_image(value) {
            for recorded in &other.trailers.images {
                if let Some(digest) = recorded.digest()
                    && crate::is_same(recorded, &image)
                {
                    return Some(image.pinned(digest.clone()));
                }
            }
        }
        Some(image)
    }

    /// Returns the image of a text of the file, with its digest if the history knows it.
    pub fn reference_of(&self, text: &str) -> Option<Reference> {
        match self.set.iter().find(|value| value.image == text) {
            Some(value) => self.reference(value),
            None => text.parse().ok(),
        }
    }

    /// Returns whether a commit set this image, or brought it by a merge.
    pub fn has_set(&self, commit: &Commit, image: &Reference) -> bool {
        let mut values = self.list.iter().chain(&self.set);
        values.any(|value| {
            (value.commit == *commit || value.set_by == *commit) && self.is(value, image)
        })
    }

    /// Returns whether the file ever had this image.
    pub fn has_had(&self, image: &Reference) -> bool {
        self.set.iter().any(|value| self.is(value, image))
    }

    fn is(&self, value: &ImageValue, image: &Reference) -> bool {
        let had = self.reference(value);
        had.is_some_and(|had| crate::is_same(&had, image))
    }

    /// Returns the image of a value, also when it has neither tag nor digest.
    pub fn named(&self, value: &ImageValue) -> Option<NamedImage> {
        match self.reference(value) {
            Some(image) => Some(image.into()),
            None => NamedImage::of(&value.image),
        }
    }

    /// Returns the source commit of a value: from the trailers, else from its tag.
    pub fn source(&self, value: &ImageValue) -> Option<CommitName> {
        let _: Reference = value.image.parse().ok()?;
        let recorded = self
            .same_image(value)
            .find_map(|other| other.trailers.source.as_ref());
        match recorded {
            Some(source) => Some(CommitName::from(source)),
            None => source_of_tag(&value.image),
        }
    }

    /// Returns this value, then all values with the same image.
    fn same_image<'v>(&'v self, value: &'v ImageValue) -> impl Iterator<Item = &'v ImageValue> {
        let same = self.set.iter().filter(|other| other.image == value.image);
        std::iter::once(value).chain(same)
    }

    /// Returns the source commits of all values, newest first, each once: those of merged branches
    /// too, without rollbacks, and without what a forced step back left behind.
    pub fn sources(&self) -> Vec<(CommitName, &ImageValue)> {
        let mut sources: Vec<(CommitName, &ImageValue)> = Vec::new();
        for value in self.sources.iter().map(|at| &self.set[*at]) {
            let Some(source) = self.source(value) else {
                continue;
            };
            let mut known = sources.iter().map(|(known, _)| known);
            if !known.any(|known| known.matches(source.as_str())) {
                sources.push((source, value));
            }
        }
        sources
    }

    /// Returns whether the branch itself had a value that was set by this commit.
    pub fn is_of_branch(&self, value: &ImageValue) -> bool {
        self.list.iter().any(|own| own.set_by == value.set_by)
    }

    /// Returns whether a person put an earlier value back: that counts as a rollback of the values
    /// since then.
    pub fn is_reverted_to(&self, at: usize) -> bool {
        self.reverted_since(at).is_some()
    }

    /// Returns whether a value was taken back by hand, and not set again since.
    pub fn is_reverted(&self, at: usize) -> bool {
        (0..at).any(|to| self.reverted_since(to).is_some_and(|since| at < since))
    }

    /// Returns the place of the earlier value that a person put back with this one.
    fn reverted_since(&self, at: usize) -> Option<usize> {
        let value = self.list.get(at)?;
        if value.origin != ValueOrigin::Person {
            return None;
        }
        let earlier = self.list.iter().skip(at + 1);
        let same = earlier.map(|earlier| earlier.image == value.image);
        same.enumerate()
            .find_map(|(since, is_same)| is_same.then_some(at + 1 + since))
    }
}

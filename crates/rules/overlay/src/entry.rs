//! An entry of `images:` as a value.

use crate::images::{FoundEntry, Key};

/// The changes that an entry makes to the image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryValue {
    /// `newName`
    pub new_name: Option<String>,
    /// `newTag`, without the digest of the form `tag@sha256:…`.
    pub tag: Option<String>,
    /// `digest`, or the one in `newTag`.
    pub digest: Option<String>,
}

/// An entry of `images:` in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageEntry {
    /// `name`, as the text has it: `app:latest` is legal.
    pub name: String,
    /// `newName`, `newTag` and `digest`.
    pub value: EntryValue,
    /// `tagSuffix`
    pub tag_suffix: Option<String>,
    /// The line of its first key, counted from 1.
    pub line: usize,
}

impl EntryValue {
    /// Returns the reference that kustomize makes of an entry of this name.
    pub fn image(&self, name: &str) -> String {
        let mut image = self.new_name.clone().unwrap_or_else(|| name.to_owned());
        for (separator, version) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(version) = version {
                image.push(separator);
                image.push_str(version);
            }
        }
        image
    }

    /// Reads the value of an entry, and splits `newTag: tag@digest`.
    pub(crate) fn of(entry: &FoundEntry<'_>) -> Self {
        let (tag, inline_digest) = tag_and_digest(entry);
        Self {
            new_name: entry.value(Key::NewName).map(str::to_owned),
            tag: tag.map(str::to_owned),
            digest: entry
                .value(Key::Digest)
                .or(inline_digest)
                .map(str::to_owned),
        }
    }
}

impl ImageEntry {
    pub(crate) fn of(entry: &FoundEntry<'_>) -> Self {
        Self {
            name: entry.name.to_owned(),
            value: EntryValue::of(entry),
            tag_suffix: entry.value(Key::TagSuffix).map(str::to_owned),
            line: entry.line(),
        }
    }
}

/// Splits Renovate's form `newTag: tag@sha256:…`.
pub(crate) fn tag_and_digest<'e>(entry: &'e FoundEntry<'_>) -> (Option<&'e str>, Option<&'e str>) {
    match entry.value(Key::NewTag) {
        None => (None, None),
        Some(value) => match value.split_once('@') {
            None => (Some(value), None),
            Some(("", digest)) => (None, Some(digest)),
            Some((tag, digest)) => (Some(tag), Some(digest)),
        },
    }
}

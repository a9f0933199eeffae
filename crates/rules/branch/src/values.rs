//! The images that a file named over time, and those that a rollback marked as bad.

use contract::{Commit, Reference};

use crate::{CommitName, FileHistory, Revision, Trailers};

/// The values of a file over time, newest first; equal neighbours are one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageValues {
    /// The values.
    pub list: Vec<ImageValue>,
    /// Whether the last one is the first that the file ever had.
    pub is_whole: bool,
    marks: Vec<BadMark>,
}

/// A value, from one commit to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageValue {
    /// Repository, tag and digest, as the file names them.
    pub image: String,
    /// The commit that set it.
    pub commit: Commit,
    /// The date of that commit's author, in seconds since 1970.
    pub date: i64,
    /// The trailers of that commit.
    pub trailers: Trailers,
}

/// A rollback's mark on a bad image. Setting the value again clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMark {
    /// The image.
    pub image: Reference,
    /// The rollback.
    pub by: Commit,
}

impl ImageValues {
    /// Reads the value of each revision; a revision without one is a gap.
    pub fn read(history: &FileHistory, value: impl Fn(&[u8]) -> Option<String>) -> Self {
        let mut values = Self {
            is_whole: history.is_complete,
            ..Self::default()
        };
        for revision in history.revisions.iter().rev() {
            let image = revision.content.as_deref().and_then(&value);
            values.add(revision, image);
        }
        values
    }

    fn add(&mut self, revision: &Revision, image: Option<String>) {
        let trailers = Trailers::of(&revision.message);
        self.mark(&trailers, &revision.commit);
        let Some(image) = image else { return };
        if self
            .list
            .first()
            .is_some_and(|newest| newest.image == image)
        {
            return;
        }
        let Revision { commit, date, .. } = revision;
        self.list.insert(
            0,
            ImageValue {
                image,
                commit: commit.clone(),
                date: *date,
                trailers,
            },
        );
        // Setting a value again clears its mark.
        if let Some(set) = self.reference(&self.list[0]) {
            self.marks.retain(|mark| !is_same(&mark.image, &set));
        }
    }

    /// Marks the images that a rollback removed from this file.
    ///
    /// The trailers of a rollback list the bad images of all files that it changed.
    fn mark(&mut self, trailers: &Trailers, by: &Commit) {
        let previous = self.list.first().and_then(|value| self.reference(value));
        for image in &trailers.rollback_of {
            if previous
                .as_ref()
                .is_none_or(|previous| is_same(image, previous))
            {
                let (image, by) = (image.clone(), by.clone());
                self.marks.push(BadMark { image, by });
            }
        }
    }

    /// Returns the latest mark on this image, if any.
    pub fn bad(&self, image: &Reference) -> Option<&BadMark> {
        self.marks
            .iter()
            .rev()
            .find(|mark| is_same(&mark.image, image))
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
                    && is_same(recorded, &image)
                {
                    return Some(image.pinned(digest.clone()));
                }
            }
        }
        Some(image)
    }

    /// Returns the source commit of a value: from the trailers, else from its tag.
    pub fn source(&self, value: &ImageValue) -> Option<CommitName> {
        let image: Reference = value.image.parse().ok()?;
        for other in self.same_image(value) {
            let Trailers { source, images, .. } = &other.trailers;
            if let Some(source) = source
                && (images.is_empty() || images.iter().any(|other| other.name() == image.name()))
            {
                return Some(CommitName::from(source));
            }
        }
        CommitName::of_tag(image.tag()?.as_str())
    }

    /// Returns this value, then all values with the same image.
    fn same_image<'v>(&'v self, value: &'v ImageValue) -> impl Iterator<Item = &'v ImageValue> {
        let same = self.list.iter().filter(|other| other.image == value.image);
        std::iter::once(value).chain(same)
    }

    /// Returns the source commits of all values, newest first, each once; skips rollbacks.
    pub fn sources(&self) -> Vec<(CommitName, &ImageValue)> {
        let mut sources: Vec<(CommitName, &ImageValue)> = Vec::new();
        for value in &self.list {
            if value.trailers.is_rollback() {
                continue;
            }
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
}

/// Returns whether both name the same image: by digest if both have one, else by tag.
pub fn is_same(one: &Reference, other: &Reference) -> bool {
    one.name() == other.name() && is_same_version(one, other)
}

/// Returns whether both name the same version, whatever their repositories.
pub fn is_same_version(one: &Reference, other: &Reference) -> bool {
    match (one.digest(), other.digest()) {
        (Some(one), Some(other)) => one == other,
        _ => one.tag().is_some() && one.tag() == other.tag(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Commit {
        format!("{number:040x}").parse().unwrap()
    }

    /// Reads the values of these revisions, oldest first: content and message.
    fn values(changes: &[(&str, &str)]) -> ImageValues {
        let revisions = changes
            .iter()
            .enumerate()
            .map(|(at, (content, message))| Revision {
                commit: id(at + 1),
                parent: Some(id(at)),
                message: format!("title\n\n{message}"),
                date: 0,
                content: Some(content.as_bytes().to_vec()),
            });
        let revisions = revisions.rev().collect();
        ImageValues::read(
            &FileHistory {
                revisions,
                is_complete: true,
            },
            |content| {
                Some(String::from_utf8_lossy(content).into_owned()).filter(|text| !text.is_empty())
            },
        )
    }

    fn images(values: &ImageValues) -> Vec<&str> {
        values
            .list
            .iter()
            .map(|value| value.image.as_str())
            .collect()
    }

    fn image(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn equal_neighbours_are_one_value() {
        let values = values(&[
            ("a:v1", ""),
            ("a:v2", ""),
            ("", ""),
            ("a:v2", ""),
            ("a:v1", ""),
        ]);
        assert_eq!(images(&values), ["a:v1", "a:v2", "a:v1"]);
        assert_eq!(
            (&values.list[1].commit, &values.list[0].commit),
            (&id(2), &id(5))
        );
    }

    #[test]
    fn a_rollback_marks_only_the_previous_value() {
        let both = "Runbook-Rollback-Of: a:v3\nRunbook-Rollback-Of: a:v2";
        let prod = values(&[("a:v1", ""), ("a:v2", ""), ("a:v1", both)]);
        let stage = values(&[("a:v2", ""), ("a:v3", ""), ("a:v2", both)]);
        let is_bad = |values: &ImageValues, text| values.bad(&image(text)).is_some();
        assert_eq!(
            (is_bad(&prod, "a:v2"), is_bad(&prod, "a:v3")),
            (true, false)
        );
        assert_eq!(
            (is_bad(&stage, "a:v2"), is_bad(&stage, "a:v3")),
            (false, true)
        );
        assert_eq!(prod.bad(&image("a:v2")).unwrap().by, id(3));
    }

    #[test]
    fn setting_a_value_again_clears_its_mark() {
        let rollback = "Runbook-Rollback-Of: a:v2";
        let values = values(&[
            ("a:v1", ""),
            ("a:v2", ""),
            ("a:v1", rollback),
            ("a:v2", ""),
            ("a:v3", ""),
        ]);
        assert_eq!(values.bad(&image("a:v2")), None);
    }

    #[test]
    fn a_tag_pushed_again_is_another_image() {
        let digest = |digit: &str| format!("a:v2@sha256:{}", digit.repeat(64));
        let trailer = format!("Runbook-Image: {}", digest("1"));
        let rollback = format!("Runbook-Rollback-Of: {}", digest("1"));
        let values = values(&[("a:v1", ""), ("a:v2", &trailer), ("a:v1", &rollback)]);
        assert_eq!(
            values.reference(&values.list[1]).unwrap(),
            image(&digest("1"))
        );
        assert!(values.bad(&image("a:v2")).is_some() && values.bad(&image(&digest("1"))).is_some());
        assert!(values.bad(&image(&digest("2"))).is_none());
    }

    #[test]
    fn sources_come_from_trailers_before_tags() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let rollback = format!("Runbook-Rollback-Of: a:sha-3333333\nRunbook-Source: {one}");
        let values = values(&[
            ("a:v1", &format!("Runbook-Source: {one}")),
            ("a:sha-3333333", ""),
            ("a:v1", &rollback),
            ("a:v9", ""),
            (
                "a:v4",
                &format!("Runbook-Source: {two}\nRunbook-Image: b:v1"),
            ),
        ]);
        let sources: Vec<_> = values
            .sources()
            .into_iter()
            .map(|(name, _)| name.as_str().to_owned())
            .collect();
        assert_eq!(sources, ["3333333", &one]);
        assert_eq!(values.source(&values.list[2]).unwrap().as_str(), one);
    }
}

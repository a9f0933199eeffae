//! Which image a file named over time, and which of them a rollback called bad.

use contract::{Commit, Reference};

use crate::{CommitName, FileHistory, Revision, Trailers};

/// The values that a file had, equal neighbours taken together, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// The values.
    pub list: Vec<Value>,
    /// Whether the last one is the first that the file ever had.
    pub is_whole: bool,
    marks: Vec<Mark>,
}

/// A value, from one commit to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Repository, tag and digest, as one, as the file says them.
    pub image: String,
    /// The commit that set it.
    pub commit: Commit,
    /// When, by the commit's author.
    pub date: i64,
    /// What that commit says besides.
    pub trailers: Trailers,
}

/// That an image is bad, until somebody deploys it again on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The image.
    pub image: Reference,
    /// The rollback that says so.
    pub by: Commit,
}

impl Values {
    /// Reads a file's value after each of its revisions; where it has none, there is a gap.
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
            Value {
                image,
                commit: commit.clone(),
                date: *date,
                trailers,
            },
        );
        // Whoever sets a value again wants it.
        if let Some(set) = self.reference(&self.list[0]) {
            self.marks.retain(|mark| !is_same(&mark.image, &set));
        }
    }

    /// A rollback of several files says which values were bad in any of them.
    fn mark(&mut self, trailers: &Trailers, by: &Commit) {
        let before = self.list.first().and_then(|value| self.reference(value));
        let of_this =
            |image: &&Reference| before.as_ref().is_none_or(|before| is_same(image, before));
        let marks = trailers.rollback_of.iter().filter(of_this);
        let marks: Vec<Mark> = marks
            .map(|image| Mark {
                image: image.clone(),
                by: by.clone(),
            })
            .collect();
        self.marks.extend(marks);
    }

    /// Returns the rollback that called this image bad.
    pub fn bad(&self, image: &Reference) -> Option<&Mark> {
        self.marks
            .iter()
            .rev()
            .find(|mark| is_same(&mark.image, image))
    }

    /// Returns a value as an image, with the digest that it had when it was set, if that was written
    /// down; `None` when it has neither tag nor digest.
    pub fn reference(&self, value: &Value) -> Option<Reference> {
        let image: Reference = value.image.parse().ok()?;
        if image.digest().is_some() {
            return Some(image);
        }
        let same = self.list.iter().filter(|other| other.image == value.image);
        let recorded = [value]
            .into_iter()
            .chain(same)
            .flat_map(|value| &value.trailers.images)
            .find_map(|recorded| recorded.digest().filter(|_| is_same(recorded, &image)));
        Some(match recorded {
            Some(digest) => image.pinned(digest.clone()),
            None => image,
        })
    }

    /// Returns the commit that a value was built from: as it was written down, else by its tag.
    pub fn source(&self, value: &Value) -> Option<CommitName> {
        let image: Reference = value.image.parse().ok()?;
        let same = self.list.iter().filter(|other| other.image == value.image);
        let written = [value].into_iter().chain(same).find_map(|value| {
            let images = &value.trailers.images;
            let is_its =
                images.is_empty() || images.iter().any(|other| other.name() == image.name());
            value.trailers.source.as_ref().filter(|_| is_its)
        });
        written
            .map(CommitName::from)
            .or_else(|| CommitName::of_tag(image.tag()?.as_str()))
    }

    /// Returns all sources that the file ever had, newest first, each once; rollbacks are no news.
    pub fn sources(&self) -> Vec<(CommitName, &Value)> {
        let mut sources: Vec<(CommitName, &Value)> = Vec::new();
        for value in self
            .list
            .iter()
            .filter(|value| !value.trailers.is_rollback())
        {
            let Some(source) = self.source(value) else {
                continue;
            };
            if !sources
                .iter()
                .any(|(known, _)| known.matches(source.as_str()))
            {
                sources.push((source, value));
            }
        }
        sources
    }
}

/// Returns whether both mean the same image: by digest where both have one, else by tag.
pub fn is_same(one: &Reference, other: &Reference) -> bool {
    one.name() == other.name() && is_same_version(one, other)
}

/// Returns whether both mean the same image of a repository, whatever that is called.
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

    /// Revisions from the oldest to the newest: content and message.
    fn values(changes: &[(&str, &str)]) -> Values {
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
        Values::read(
            &FileHistory {
                revisions,
                is_complete: true,
            },
            |content| {
                Some(String::from_utf8_lossy(content).into_owned()).filter(|text| !text.is_empty())
            },
        )
    }

    fn images(values: &Values) -> Vec<&str> {
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
    fn equal_neighbours_are_one_value_since_the_first_of_them() {
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
    fn a_rollback_marks_what_the_file_had_before_it_and_nothing_else() {
        let both = "Runbook-Rollback-Of: a:v3\nRunbook-Rollback-Of: a:v2";
        let prod = values(&[("a:v1", ""), ("a:v2", ""), ("a:v1", both)]);
        let stage = values(&[("a:v2", ""), ("a:v3", ""), ("a:v2", both)]);
        let is_bad = |values: &Values, text| values.bad(&image(text)).is_some();
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
    fn whoever_deploys_it_again_takes_the_mark_away() {
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
    fn a_tag_that_was_pushed_again_is_another_image() {
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
    fn sources_come_from_trailers_then_from_tags_and_not_from_rollbacks() {
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

//! An image as a file or a trailer names it.

use std::fmt;

use contract::{InvalidReference, Reference};

/// An image as a file or a trailer names it: a reference, or a repository without a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedImage {
    /// A reference with a tag, a digest or both.
    Pinned(Reference),
    /// A repository alone: the manifest's own tag decides what runs.
    Unpinned {
        /// The repository as it was written.
        text: String,
        /// Registry and repository.
        name: String,
    },
}

impl NamedImage {
    /// Reads a text; returns `None` when it names no image.
    pub fn of(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(image) => Some(Self::Pinned(image)),
            Err(InvalidReference::Unpinned(_)) => {
                let any: Reference = format!("{text}:any").parse().ok()?;
                Some(Self::Unpinned {
                    text: text.to_owned(),
                    name: any.name(),
                })
            }
            Err(_) => None,
        }
    }

    /// Returns the reference, if there is a tag or a digest.
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Pinned(image) => Some(image),
            Self::Unpinned { .. } => None,
        }
    }

    /// Returns registry and repository.
    pub fn name(&self) -> String {
        match self {
            Self::Pinned(image) => image.name(),
            Self::Unpinned { name, .. } => name.clone(),
        }
    }

    /// Returns the registry.
    pub fn registry(&self) -> &str {
        match self {
            Self::Pinned(image) => image.registry(),
            Self::Unpinned { name, .. } => name.split('/').next().unwrap_or_default(),
        }
    }

    /// Returns whether both name the same image, as [`is_same`] compares references.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pinned(one), Self::Pinned(other)) => is_same(one, other),
            (Self::Unpinned { name: one, .. }, Self::Unpinned { name: other, .. }) => one == other,
            _ => false,
        }
    }
}

impl From<Reference> for NamedImage {
    fn from(image: Reference) -> Self {
        Self::Pinned(image)
    }
}

impl fmt::Display for NamedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(image) => image.fmt(f),
            Self::Unpinned { text, .. } => f.write_str(text),
        }
    }
}

/// Returns whether both name the same image.
///
/// Where both digests are known, they decide: the same bytes are the same image under every name,
/// and other bytes are another image under the same tag. Else repository and tag decide.
pub fn is_same(one: &Reference, other: &Reference) -> bool {
    match (one.digest(), other.digest()) {
        (Some(one), Some(other)) => one == other,
        _ => one.name() == other.name() && one.tag().is_some() && one.tag() == other.tag(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> NamedImage {
        NamedImage::of(text).unwrap()
    }

    #[test]
    fn digests_decide_where_both_are_known() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        for (one, other, expected) in [
            ("a:v1".to_owned(), "docker.io/library/a:v1".to_owned(), true),
            ("a:v1".to_owned(), "b:v1".to_owned(), false),
            (format!("a:v1@{}", digest("1")), "a:v1".to_owned(), true),
            (format!("a@{}", digest("1")), "a:v1".to_owned(), false),
            (
                format!("a:v1@{}", digest("1")),
                format!("b:v2@{}", digest("1")),
                true,
            ),
            (
                format!("a:v1@{}", digest("1")),
                format!("a:v1@{}", digest("2")),
                false,
            ),
            ("a".to_owned(), "library/a".to_owned(), true),
            ("a".to_owned(), "a:v1".to_owned(), false),
        ] {
            assert_eq!(
                image(&one).is_same(&image(&other)),
                expected,
                "{one} {other}"
            );
        }
        assert_eq!(NamedImage::of("a b"), None);
    }
}

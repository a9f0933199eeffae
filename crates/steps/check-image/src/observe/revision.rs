//! The revisions of the source that an image names, and where it names them.

use std::fmt;

use contract::Commit;

/// A revision that an image names: a claim of its builder, without a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedRevision {
    pub(crate) source: RevisionSource,
    /// As it was written: a commit, an abbreviation, or another text.
    pub(crate) text: String,
}

/// The place of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevisionSource {
    /// An annotation of the index or the manifest.
    Annotation,
    /// A label of the configuration.
    Label,
    /// BuildKit's provenance.
    Provenance,
}

impl fmt::Display for RevisionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Annotation => "annotation",
            Self::Label => "label",
            Self::Provenance => "provenance",
        })
    }
}

impl NamedRevision {
    pub(crate) fn new(source: RevisionSource, text: &str) -> Self {
        let text = text.trim().to_owned();
        Self { source, text }
    }

    /// Returns whether it names the commit, by all of its digits or at least seven of them.
    pub(crate) fn names(&self, commit: &Commit) -> bool {
        let text = self.text.to_ascii_lowercase();
        text.len() >= 7 && commit.as_str().starts_with(&text)
    }

    /// Returns whether it names any commit; BuildKit adds `-dirty` when files of the checkout differed
    /// from it. A branch or a version tells nothing about the commit.
    pub(crate) fn is_of_a_commit(&self) -> bool {
        let digits = self.text.strip_suffix("-dirty").unwrap_or(&self.text);
        (7..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

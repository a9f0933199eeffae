//! Why the editor refuses an edit: one word for workflows, a line and two sentences for people.

use std::fmt;

use contract::Reason;

use crate::reasons;

/// Why the editor refuses an edit.
///
/// `Display` gives the message, after the line if that is known; the caller adds the file's name in
/// front. The way out is in the field `hint`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct EditRefusal {
    /// The kind of refusal, which names the reason of the report.
    pub kind: EditRefusalKind,
    /// The line, counted from 1, that the message is about.
    pub line: Option<usize>,
    /// The cause: a lowercase fragment without a period, with names and lines.
    pub message: String,
    /// The way out: imperative, with the exact flag.
    pub hint: Option<String>,
}

/// The closed list of reasons for editing (the report's `reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditRefusalKind {
    /// No entry has one of the wanted names.
    ImageMissing,
    /// The entry needs a tag or a digest that the image lacks, or that is invalid.
    IncompleteImage,
    /// The update is ambiguous: several entries, two values, or another repository than wanted.
    Ambiguous,
    /// A later entry overrides the one that would be edited.
    Shadowed,
    /// The editor cannot prove an edit of this file.
    UnsupportedYaml,
}

impl EditRefusalKind {
    /// Returns the reason of the report.
    pub fn reason(self) -> Reason {
        match self {
            Self::ImageMissing => reasons::IMAGE_MISSING,
            Self::IncompleteImage => reasons::INCOMPLETE_IMAGE,
            Self::Ambiguous => reasons::AMBIGUOUS,
            Self::Shadowed => reasons::SHADOWED,
            Self::UnsupportedYaml => reasons::UNSUPPORTED_YAML,
        }
    }

    /// Returns the word of the report, e.g. `image-missing`.
    pub fn as_str(self) -> &'static str {
        self.reason().word
    }

    pub(crate) fn because(self, message: impl Into<String>) -> EditRefusal {
        EditRefusal {
            kind: self,
            line: None,
            message: message.into(),
            hint: None,
        }
    }
}

impl EditRefusal {
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for EditRefusalKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for EditRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        out.write_str(&self.message)
    }
}

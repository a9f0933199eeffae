//! Why a text is not `.github/runbook.yaml`, or not `.github/freeze.yaml`.

use std::fmt;

use serde_saphyr::{Error, Location};

/// A text that is not a valid file of this crate: the line, the fault, and a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidFile {
    /// The line of the fault, from 1; `None` where it is the whole file's.
    pub line: Option<u64>,
    /// The fault: a lowercase fragment.
    pub fault: String,
    /// The correct spelling of what looks misspelled.
    pub suggestion: Option<String>,
}

impl fmt::Display for InvalidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.fault)?;
        self.suggestion
            .as_ref()
            .map_or(Ok(()), |name| write!(f, "; did you mean `{name}`?"))
    }
}

impl InvalidFile {
    /// Makes the error of a value on this line.
    pub(crate) fn on(line: u64, fault: impl fmt::Display) -> Self {
        Self {
            line: Some(line),
            fault: fault.to_string(),
            suggestion: None,
        }
    }

    /// Makes the error of a key that is none of the expected ones.
    pub(crate) fn unknown_key(line: u64, key: &str, expected: &[&str]) -> Self {
        Self {
            suggestion: similar(key, expected),
            ..Self::on(line, format!("unknown key `{key}`"))
        }
    }

    /// Makes the error of a value that stands at `location`.
    pub(crate) fn at(location: Location, fault: impl fmt::Display) -> Self {
        Self {
            line: line(location),
            fault: fault.to_string(),
            suggestion: None,
        }
    }
}

impl From<Error> for InvalidFile {
    fn from(error: Error) -> Self {
        let error = error.without_snippet();
        let line = error.location().and_then(line);
        let (fault, suggestion) = match error {
            Error::SerdeUnknownField {
                field, expected, ..
            } => (format!("unknown key `{field}`"), similar(field, expected)),
            Error::SerdeUnknownVariant {
                variant, expected, ..
            } => (
                format!("`{variant}` is not one of {}", expected.join(", ")),
                similar(variant, expected),
            ),
            Error::SerdeMissingField { field, .. } => {
                (format!("the key `{field}` is missing"), None)
            }
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                (format!("the key `{key}` stands there twice"), None)
            }
            other => (first_line(&other.render()), None),
        };
        Self {
            line,
            fault,
            suggestion,
        }
    }
}

/// The line of a location; the parser uses 0 where it knows none.
fn line(location: Location) -> Option<u64> {
    Some(location.line()).filter(|line| *line > 0)
}

/// Returns the expected word that the given one looks like, by the measure that clap uses.
fn similar(given: &str, expected: &[&str]) -> Option<String> {
    let similarity = |word: &&&str| (strsim::jaro(given, word) * 1000.0) as u32;
    let best = expected.iter().max_by_key(similarity)?;
    (similarity(&best) > 700).then(|| (*best).to_owned())
}

/// The parser's message in one line, without its own position at the end.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.rsplit_once(" at line ") {
        Some((fault, _)) => fault.to_owned(),
        None => line.to_owned(),
    }
}

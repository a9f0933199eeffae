//! A commit by its full object name, never an abbreviation.

use std::{fmt, str::FromStr};

/// A git commit: 40 hexadecimal digits (64 in a SHA-256 repository), lowercase.
///
/// An abbreviation is refused: it names one commit today and may be ambiguous tomorrow.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

impl Commit {
    /// Returns all digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

/// A text that is not a full commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a commit: expected all 40 hexadecimal digits, not a branch or an abbreviation"
)]
pub struct InvalidCommit(String);

impl FromStr for Commit {
    type Err = InvalidCommit;

    fn from_str(text: &str) -> Result<Self, InvalidCommit> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if full {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidCommit(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Commit {
    type Error = InvalidCommit;

    fn try_from(text: String) -> Result<Self, InvalidCommit> {
        text.parse()
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviation_or_a_branch_is_invalid() {
        for bad in ["1a2b3c4", "main", "", &"g".repeat(40), &"a".repeat(41)] {
            assert!(bad.parse::<Commit>().is_err(), "{bad}");
        }
        assert_eq!(
            "AB".repeat(20).parse::<Commit>().unwrap().as_str(),
            "ab".repeat(20)
        );
    }
}

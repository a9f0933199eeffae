//! The name of a commit, whole or abbreviated.

use std::{fmt, str::FromStr};

use contract::Commit;
use serde::{Deserialize, Serialize};

/// A commit as a tag or a person names it: all digits of its id, or at least the first seven.
///
/// Within a repository, an abbreviation of two commits names neither of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommitName(String);

/// Why a text does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name a commit: expected 7 to 40 hexadecimal digits")]
pub struct InvalidCommitName(String);

impl CommitName {
    /// Returns the commit that a tag such as `sha-1a2b3c4d` names.
    pub fn of_tag(tag: &str) -> Option<Self> {
        tag.strip_prefix("sha-")?.parse().ok()
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the commit, if the name has all of its digits.
    pub fn whole(&self) -> Option<Commit> {
        self.0.parse().ok()
    }

    /// Returns whether both may name the same commit.
    pub fn matches(&self, other: &str) -> bool {
        self.0.starts_with(other) || other.starts_with(&self.0)
    }

    /// Returns the first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..self.0.len().min(8)]
    }
}

impl FromStr for CommitName {
    type Err = InvalidCommitName;

    fn from_str(text: &str) -> Result<Self, InvalidCommitName> {
        let fits =
            matches!(text.len(), 7..=40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if fits {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidCommitName(text.to_owned()))
        }
    }
}

impl From<&Commit> for CommitName {
    fn from(commit: &Commit) -> Self {
        Self(commit.to_string())
    }
}

impl fmt::Display for CommitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sha_and_digits_name_a_commit() {
        assert_eq!(
            CommitName::of_tag("sha-1A2B3C4D").unwrap().as_str(),
            "1a2b3c4d"
        );
        for tag in [
            "v1.2.3",
            "sha-",
            "sha-1a2b3",
            "sha-1a2b3c4d-arm64",
            "1a2b3c4d",
            "main",
        ] {
            assert_eq!(CommitName::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn an_abbreviation_matches_its_commit() {
        let (short, whole): (CommitName, String) =
            ("1a2b3c4".parse().unwrap(), "1a2b3c4d".repeat(5));
        assert!(
            short.matches(&whole) && whole.parse::<CommitName>().unwrap().matches(short.as_str())
        );
        assert!(!short.matches("1a2b3c5"));
        assert_eq!((short.whole(), short.short()), (None, "1a2b3c4"));
    }
}

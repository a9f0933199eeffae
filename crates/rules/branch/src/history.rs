//! What a branch must be able to tell about what was before, and about the commits of a source.

use std::{collections::BTreeMap, fmt, str::FromStr};

use contract::{Commit, Failure, Fault::Environment, Reason};
use serde::{Deserialize, Serialize};

use crate::CommitAncestry;

/// The remote itself knows only the newest part of its history.
pub const HISTORY_CUT: Reason = Reason::new(
    "history-cut",
    Environment,
    "the remote's own history is cut off, as in a shallow clone",
);

/// The past of a branch, and of its repository: through git, or through a forge's API.
///
/// An end of history that is only the end of what was fetched is never taken for its beginning.
#[expect(
    async_fn_in_trait,
    reason = "steps run on one thread, so no caller needs a Send bound"
)]
pub trait History {
    /// Returns the newest revisions of each of these files, from `tip` back along first parents.
    ///
    /// A file that was moved as it was may be followed to where it was before; one that is not followed
    /// begins with the move.
    ///
    /// # Errors
    /// When there is no answer, or the remote's own history ends too early ([`HISTORY_CUT`]).
    async fn file_histories(
        &self,
        tip: &Commit,
        paths: &[String],
        most: usize,
    ) -> Result<BTreeMap<String, FileHistory>, Failure>;

    /// Returns how a commit relates to others of this repository.
    ///
    /// # Errors
    /// When there is no answer, or the remote's own history ends too early ([`HISTORY_CUT`]).
    async fn ancestry(
        &self,
        commit: &CommitName,
        others: &[CommitName],
    ) -> Result<CommitAncestry, Failure>;

    /// Returns the paths at which two commits differ, `most` of them if there are more.
    ///
    /// # Errors
    /// When there is no answer.
    async fn differences(
        &self,
        one: &Commit,
        other: &Commit,
        most: usize,
    ) -> Result<Vec<String>, Failure>;
}

/// The newest revisions of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileHistory {
    /// Newest first.
    pub revisions: Vec<Revision>,
    /// Whether the last revision is the one that created the file.
    pub is_complete: bool,
}

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: Commit,
    /// Its first parent.
    pub parent: Option<Commit>,
    /// The whole message of the commit that set the file so: of this one, unless it is a merge that got
    /// the very file from one of its further parents. Then it is that of the commit which brought it,
    /// since a forge's own message for a merge says nothing of what it deploys.
    pub message: String,
    /// Its author's date, in seconds since 1970.
    pub date: i64,
    /// The file after it; `None` when the commit deleted it, or when it is too large to be read.
    pub content: Option<Vec<u8>>,
}

/// A commit as a tag or a person names it: whole, or its first seven digits and more.
///
/// It is looked up in one history, where an abbreviation that fits two commits fits none.
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

    /// Returns the commit, if this is all of its digits.
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
    fn a_tag_names_a_commit_only_by_sha_and_digits() {
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
    fn an_abbreviation_matches_what_it_abbreviates() {
        let (short, whole): (CommitName, String) =
            ("1a2b3c4".parse().unwrap(), "1a2b3c4d".repeat(5));
        assert!(
            short.matches(&whole) && whole.parse::<CommitName>().unwrap().matches(short.as_str())
        );
        assert!(!short.matches("1a2b3c5"));
        assert_eq!((short.whole(), short.short()), (None, "1a2b3c4"));
    }
}

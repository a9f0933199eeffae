//! How two commits relate.

use contract::Commit;
use serde::{Deserialize, Serialize};

/// How a subject commit relates to another commit.
///
/// With `Ancestry::Descendant`, the subject is a descendant of the other commit, so it contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ancestry {
    /// Both are the same commit.
    Same,
    /// The subject is an ancestor: the other commit contains it.
    #[serde(alias = "before")]
    Ancestor,
    /// The subject is a descendant: it contains the other commit.
    ///
    /// Older recordings say `after`, for the same commit as well.
    #[serde(alias = "after")]
    Descendant,
    /// Neither commit contains the other.
    #[serde(alias = "apart")]
    Diverged,
    /// The repository lacks one of the commits, or did not answer.
    Unknown,
}

impl Ancestry {
    /// Returns whether the subject contains the other commit.
    pub fn contains_other(self) -> bool {
        matches!(self, Self::Same | Self::Descendant)
    }

    /// Returns how the other commit relates to the subject.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Ancestor => Self::Descendant,
            Self::Descendant => Self::Ancestor,
            Self::Same | Self::Diverged | Self::Unknown => self,
        }
    }
}

/// How a commit relates to several others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitAncestry {
    /// The full id of the subject commit; `None` when the repository lacks it.
    pub commit: Option<Commit>,
    /// How the subject relates to each of the others, in their order, and the full id of each.
    pub others: Vec<(Ancestry, Option<Commit>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversing_twice_changes_nothing() {
        for ancestry in [
            Ancestry::Same,
            Ancestry::Ancestor,
            Ancestry::Descendant,
            Ancestry::Diverged,
            Ancestry::Unknown,
        ] {
            assert_eq!(ancestry.reversed().reversed(), ancestry);
        }
    }
}

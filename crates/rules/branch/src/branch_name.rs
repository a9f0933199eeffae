//! The name of a branch, checked before it reaches a command line.

use std::{fmt, str::FromStr};

/// A branch, without `refs/heads/`.
///
/// The rules are those of `git check-ref-format`. A name that git would take for an option, a range
/// or a refspec is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchName(String);

/// Why a text is not the name of a branch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid branch name")]
pub struct InvalidBranchName(String);

impl BranchName {
    /// Returns the name as people write it (`main`).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the full name, which no tag can have (`refs/heads/main`).
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = InvalidBranchName;

    fn from_str(text: &str) -> Result<Self, InvalidBranchName> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        if is_name(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidBranchName(text.to_owned()))
        }
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with('-')
        && name != "@"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(is_forbidden)
        && name.split('/').all(is_component)
}

fn is_component(part: &str) -> bool {
    !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock")
}

fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() || " ~^:?*[\\".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_git_rejects_is_invalid() {
        let bad = [
            "", "-f", "a..b", "a b", "a:b", "a~1", ".a", "a/.b", "a/", "/a", "a.lock", "a.", "@",
            "a@{1}", "a\n",
        ];
        for bad in bad {
            assert!(bad.parse::<BranchName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_full_name_is_the_same_branch() {
        let name: BranchName = "refs/heads/release/1.0".parse().unwrap();
        assert_eq!(
            (name.as_str(), name.full().as_str()),
            ("release/1.0", "refs/heads/release/1.0")
        );
    }
}

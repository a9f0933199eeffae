//! The name of a branch, checked before it reaches a command line.

use std::{fmt, str::FromStr};

/// A branch, without `refs/heads/`.
///
/// The rules are those of `git check-ref-format`; a name that git would take for an option, a range
/// or a refspec is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a text is not the name of a branch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a branch")]
pub struct InvalidName(String);

impl Name {
    /// Returns the name as people write it (`main`).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the whole name, which no tag can have (`refs/heads/main`).
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        if is_name(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidName(text.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(name: &str) -> bool {
    let component =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let forbidden = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    !name.starts_with('-')
        && name != "@"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(forbidden)
        && name.split('/').all(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_would_not_take_is_no_name() {
        let bad = [
            "", "-f", "a..b", "a b", "a:b", "a~1", ".a", "a/.b", "a/", "/a", "a.lock", "a.", "@",
            "a@{1}", "a\n",
        ];
        for bad in bad {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_whole_name_is_the_same_branch() {
        let name: Name = "refs/heads/release/1.0".parse().unwrap();
        assert_eq!(
            (name.as_str(), name.full().as_str()),
            ("release/1.0", "refs/heads/release/1.0")
        );
    }
}

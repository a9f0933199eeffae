//! How the image of a commit is tagged: `sha-{sha:8}`.

use std::{fmt, str::FromStr};

use contract::{Commit, Tag};

/// A tag with a place for the commit: `{sha}` for all 40 digits, `{sha:8}` for at least 8.
///
/// git lengthens an abbreviation that is ambiguous (`git rev-parse --short=8` can print 9 digits),
/// so a longer abbreviation names the commit too; a shorter one never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    before: String,
    digits: usize,
    after: String,
}

/// The digits of a whole commit.
const WHOLE: usize = 40;
/// git's own minimum of `--short` is 4; fewer than 7 digits are ambiguous in most repositories.
const FEWEST: usize = 7;

/// A text that is not a tag template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTagTemplate {
    /// No place for the commit: every build would have the same tag.
    #[error(
        "`{0}` does not name the commit: write `{{sha}}` or `{{sha:8}}` where its digits stand"
    )]
    NoCommit(String),
    /// More than one place, or a brace without its partner.
    #[error("`{0}` has a brace that belongs to no `{{sha}}` or `{{sha:8}}`")]
    Braces(String),
    /// Too few or too many digits.
    #[error("`{0}` asks for `{1}` digits of the commit: write a number from 7 to 40")]
    Digits(String, String),
    /// The tag would not be one.
    #[error(
        "`{0}` does not make a tag: letters, digits, `_`, `.` and `-`, at most 128, not starting with `.` or `-`"
    )]
    NoTag(String),
}

impl TagTemplate {
    /// Returns the tag of the commit's image, with the fewest digits that the template allows.
    pub fn tag(&self, commit: &Commit) -> String {
        let Self {
            before,
            digits,
            after,
        } = self;
        format!("{before}{}{after}", &commit.as_str()[..*digits])
    }

    /// Returns whether the tag names the commit: with as many digits as the template asks for, or
    /// more of them.
    pub fn names(&self, tag: &str, commit: &Commit) -> bool {
        let digits = tag
            .strip_prefix(self.before.as_str())
            .and_then(|rest| rest.strip_suffix(self.after.as_str()));
        digits.is_some_and(|digits| {
            digits.len() >= self.digits && commit.as_str().starts_with(digits)
        })
    }
}

impl FromStr for TagTemplate {
    type Err = InvalidTagTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTagTemplate> {
        let given = || text.to_owned();
        let (before, rest) = text
            .split_once("{sha")
            .ok_or_else(|| InvalidTagTemplate::NoCommit(given()))?;
        let (number, after) = rest
            .split_once('}')
            .ok_or_else(|| InvalidTagTemplate::Braces(given()))?;
        if format!("{before}{after}").contains(['{', '}']) {
            return Err(InvalidTagTemplate::Braces(given()));
        }
        let digits = match number.strip_prefix(':') {
            None if number.is_empty() => WHOLE,
            None => return Err(InvalidTagTemplate::Braces(given())),
            Some(number) => number
                .parse()
                .ok()
                .filter(|digits| (FEWEST..=WHOLE).contains(digits))
                .ok_or_else(|| InvalidTagTemplate::Digits(given(), number.to_owned()))?,
        };
        let template = Self {
            before: before.to_owned(),
            digits,
            after: after.to_owned(),
        };
        let longest = format!("{before}{}{after}", "0".repeat(WHOLE));
        match longest.parse::<Tag>() {
            Ok(_) => Ok(template),
            Err(_) => Err(InvalidTagTemplate::NoTag(given())),
        }
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            before,
            digits,
            after,
        } = self;
        match *digits {
            WHOLE => write!(f, "{before}{{sha}}{after}"),
            digits => write!(f, "{before}{{sha:{digits}}}{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";

    fn commit() -> Commit {
        COMMIT.parse().unwrap()
    }

    #[test]
    fn a_tag_has_the_digits_of_its_commit() {
        for (template, tag) in [
            ("sha-{sha:8}", "sha-1a2b3c4d"),
            ("{sha:7}", "1a2b3c4"),
            ("{sha}", COMMIT),
            ("v1.{sha:10}_x", "v1.1a2b3c4d5e_x"),
        ] {
            let template: TagTemplate = template.parse().unwrap();
            assert_eq!(template.tag(&commit()), tag);
            assert!(template.names(tag, &commit()), "{tag}");
            assert_eq!(template.to_string().parse::<TagTemplate>(), Ok(template));
        }
    }

    #[test]
    fn a_longer_abbreviation_names_the_commit_a_shorter_one_never() {
        let template: TagTemplate = "sha-{sha:8}".parse().unwrap();
        for digits in 0..=40 {
            let tag = format!("sha-{}", &COMMIT[..digits]);
            assert_eq!(template.names(&tag, &commit()), digits >= 8, "{tag}");
        }
        for other in [
            "sha-1a2b3c4e",
            "1a2b3c4d",
            "sha-1a2b3c4d-dirty",
            "latest",
            "sha-1A2B3C4D",
        ] {
            assert!(!template.names(other, &commit()), "{other}");
        }
    }

    #[test]
    fn a_template_that_makes_no_tag_of_a_commit_is_invalid() {
        let parse = |text: &str| text.parse::<TagTemplate>().unwrap_err().to_string();
        for (text, expected) in [
            ("latest", "does not name the commit"),
            ("", "does not name the commit"),
            ("sha-{sha:8", "brace"),
            ("sha-{sha8}", "brace"),
            ("{sha}-{sha}", "brace"),
            ("sha-}{sha}", "brace"),
            ("{sha:6}", "from 7 to 40"),
            ("{sha:41}", "from 7 to 40"),
            ("{sha:}", "from 7 to 40"),
            ("-{sha}", "does not make a tag"),
            ("a/{sha}", "does not make a tag"),
            ("{sha:7} ", "does not make a tag"),
        ] {
            assert!(parse(text).contains(expected), "{text}: {}", parse(text));
        }
    }
}

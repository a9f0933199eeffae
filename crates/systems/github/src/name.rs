//! The name of a repository, checked before it reaches an address.

use std::{fmt, str::FromStr};

/// A repository on GitHub, `OWNER/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName {
    owner: String,
    name: String,
}

/// The text is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GitHub repository: expected OWNER/NAME")]
pub struct InvalidRepositoryName(String);

impl RepositoryName {
    /// Returns the user or the organization.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns the name without its owner.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for RepositoryName {
    type Err = InvalidRepositoryName;

    fn from_str(text: &str) -> Result<Self, InvalidRepositoryName> {
        let is_part = |part: &str| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !matches!(part, "" | "." | "..") && part.bytes().all(good)
        };
        match text.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(InvalidRepositoryName(text.to_owned())),
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_invalid() {
        for bad in [
            "",
            "a",
            "a/",
            "/a",
            "a/b/c",
            "a/..",
            "a/b?c",
            "https://github.com/a/b",
            "a b/c",
        ] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad}");
        }
        assert_eq!(
            "my-org/a.b_c"
                .parse::<RepositoryName>()
                .unwrap()
                .to_string(),
            "my-org/a.b_c"
        );
    }
}

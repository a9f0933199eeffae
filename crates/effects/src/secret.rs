//! A value that prints `***`.

use std::fmt;

/// A value that prints `***` and is sent only to the system that it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value without telling any [`Redactor`](crate::Redactor) about it.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A shorter secret is likely to be a part of other words.
    pub const MIN_LENGTH: usize = 4;

    /// Returns whether the value is too short to be masked safely. A recording has `***` in place of
    /// any longer one.
    pub fn is_short(value: &str) -> bool {
        value != "***" && value.chars().count() < Self::MIN_LENGTH
    }

    /// Returns the value, to be sent and never to be printed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_stars() {
        let secret = Secret::new("token");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }
}

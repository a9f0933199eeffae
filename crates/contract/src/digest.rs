//! A content digest: `sha256:` and 64 hexadecimal digits.

use std::{fmt, str::FromStr};

/// A content digest such as `sha256:9f86d081…` (OCI image specification, "Digests").
///
/// Only SHA-256 and SHA-512 are registered there, with lowercase hexadecimal digits. Anything else
/// is refused before a request is sent, since a registry answers a malformed digest with 500.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Returns the whole digest, `sha256:` and 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the algorithm, `sha256` or `sha512`.
    pub fn algorithm(&self) -> &str {
        self.0
            .split_once(':')
            .map_or("", |(algorithm, _)| algorithm)
    }

    /// Returns the digest cut to twelve digits, for people (`sha256:9f86d081884c`).
    pub fn short(&self) -> &str {
        let end = self.algorithm().len() + 1 + 12;
        self.0.get(..end).unwrap_or(&self.0)
    }
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: expected `sha256:` and 64 lowercase hexadecimal digits")]
pub struct InvalidDigest(String);

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let length = match text.split_once(':') {
            Some(("sha256", _)) => 64,
            Some(("sha512", _)) => 128,
            _ => return Err(InvalidDigest(text.to_owned())),
        };
        let hex = &text[7..];
        let is_hex = hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex.len() == length && is_hex {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDigest(text.to_owned()))
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_or_upper_case_digest_is_invalid() {
        let long = "0".repeat(64);
        assert!(format!("sha256:{long}").parse::<Digest>().is_ok());
        for bad in [
            "sha256:zz",
            "sha256:",
            "",
            ":",
            "md5:0",
            &long,
            &format!("sha256:{}", "A".repeat(64)),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_short_form_keeps_twelve_digits() {
        let digest: Digest = format!("sha256:{}", "0123456789abcdef".repeat(4))
            .parse()
            .unwrap();
        assert_eq!(digest.short(), "sha256:0123456789ab");
    }
}

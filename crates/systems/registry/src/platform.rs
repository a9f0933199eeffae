//! A platform: `os/architecture[/variant]`.

use std::{fmt, str::FromStr};

/// What an image runs on, such as `linux/amd64` or `linux/arm/v7` (OCI image specification, "Platform
/// Variants").
///
/// `linux/arm64` and `linux/arm64/v8` are the same: `v8` is the only variant that there is. `linux/arm`
/// is not: v6 and v7 differ, so it needs its variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// Makes a platform as a manifest gives it.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let implied =
            |variant: &str| variant.is_empty() || (architecture == "arm64" && variant == "v8");
        let variant = variant.filter(|variant| !implied(variant));
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }
}

/// Why a text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlatform {
    /// Too few or too many parts.
    #[error(
        "`{0}` is not a platform: expected `os/architecture`, such as `linux/amd64`, or `os/architecture/variant`"
    )]
    Shape(String),
    /// 32-bit ARM without its variant.
    #[error("`{0}` is ambiguous: write `linux/arm/v6` or `linux/arm/v7`")]
    Arm(String),
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let text = text.trim();
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [_, "arm"] => Err(InvalidPlatform::Arm(text.to_owned())),
            [os, architecture] if word(os) && word(architecture) => {
                Ok(Self::new(os, architecture, None))
            }
            [os, architecture, variant] if parts.iter().all(|part| word(part)) => {
                Ok(Self::new(os, architecture, Some(variant)))
            }
            _ => Err(InvalidPlatform::Shape(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant
            .as_ref()
            .map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm64_has_one_variant_and_arm_needs_one() {
        let parse = |text: &str| text.parse::<Platform>();
        assert_eq!(parse("linux/arm64"), parse("linux/arm64/v8"));
        assert_ne!(parse("linux/arm/v6"), parse("linux/arm/v7"));
        assert_eq!(
            parse("linux/arm"),
            Err(InvalidPlatform::Arm("linux/arm".to_owned()))
        );
        for bad in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

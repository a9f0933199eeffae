//! A platform: `os/architecture[/variant]`.

use std::{fmt, str::FromStr};

/// An operating system and an architecture, such as `linux/amd64` or `linux/arm/v7` (OCI image
/// specification, "Platform Variants").
///
/// `linux/arm64` and `linux/arm64/v8` are equal, since `v8` is the only variant of arm64.
/// `linux/arm` is ambiguous, since v6 and v7 differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// Makes a platform as a manifest gives it.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let is_implied = matches!(
            (architecture, variant),
            (_, Some("")) | ("arm64", Some("v8"))
        );
        let variant = variant.filter(|_| !is_implied);
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }
}

/// The error of a text that is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlatform {
    /// Too few or too many parts.
    #[error(
        "`{0}` is not a platform: expected `os/architecture`, such as `linux/amd64`, or \
         `os/architecture/variant`"
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
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [_, "arm"] => Err(InvalidPlatform::Arm(text.to_owned())),
            [os, architecture] if is_word(os) && is_word(architecture) => {
                Ok(Self::new(os, architecture, None))
            }
            [os, architecture, variant] if parts.iter().all(|part| is_word(part)) => {
                Ok(Self::new(os, architecture, Some(variant)))
            }
            _ => Err(InvalidPlatform::Shape(text.to_owned())),
        }
    }
}

fn is_word(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !part.is_empty() && part.bytes().all(allowed)
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
    fn arm64_has_one_variant_and_arm_requires_one() {
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

//! A platform: `os/architecture[/variant]`.

use std::{fmt, str::FromStr};

/// An operating system and an architecture, such as `linux/amd64` or `linux/arm/v7` (OCI image
/// specification, "Platform Variants").
///
/// Every spelling of a platform is the same one, as for the runtimes that pull the image
/// (containerd/platforms, `Normalize`): `linux/x86_64` is `linux/amd64`, `linux/arm64/v8` is
/// `linux/arm64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// The operating systems and architectures of Go, in which most runtimes are written (`go tool dist
/// list` and go/build, "syslist"), and `wasi`.
const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasi",
    "wasip1",
    "windows",
    "zos",
];
const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// Makes a platform as a manifest gives it; `None` when the manifest does not say all of it.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Option<Self> {
        let os = normal_os(os);
        let (architecture, variant) = normal_architecture(architecture, variant);
        let is_said = !os.is_empty() && !architecture.is_empty();
        is_said.then_some(Self {
            os,
            architecture,
            variant,
        })
    }

    /// Returns whether this is the platform of content that runs nowhere, such as an attestation.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    /// Returns whether a machine of this platform runs an image for another one: a processor runs the
    /// code of earlier versions, and runtimes pull it where there is nothing later
    /// (containerd/platforms, `platformVector`).
    pub fn runs(&self, image: &Self) -> bool {
        let is_same_kind = self.os == image.os && self.architecture == image.architecture;
        let is_earlier = match (self.version(), image.version()) {
            (Some(own), Some(other)) => other < own,
            _ => self.architecture == "arm64" && image.variant.is_none(),
        };
        self == image || (is_same_kind && is_earlier)
    }

    /// Returns the version of an architecture that has numbered ones.
    pub fn version(&self) -> Option<u32> {
        let variant = self.variant.as_deref();
        match self.architecture.as_str() {
            "amd64" => variant.unwrap_or("v1"),
            "arm" => variant?,
            _ => return None,
        }
        .strip_prefix('v')?
        .parse()
        .ok()
    }

    fn is_known(&self) -> bool {
        let is_version = |text: &str, most: char| {
            let mut digits = text.strip_prefix('v').unwrap_or_default().chars();
            matches!((digits.next(), digits.next()), (Some(c), None) if ('1'..=most).contains(&c))
        };
        let is_variant = match (self.architecture.as_str(), self.variant.as_deref()) {
            (_, None) => true,
            ("amd64", Some(variant)) => is_version(variant, '4'),
            ("arm", Some(variant)) => is_version(variant, '8'),
            ("arm64", Some(variant)) => variant.starts_with("v8.") || variant.starts_with("v9"),
            _ => true,
        };
        SYSTEMS.contains(&self.os.as_str())
            && ARCHITECTURES.contains(&self.architecture.as_str())
            && is_variant
    }
}

/// As `normalizeOS` of containerd/platforms does.
fn normal_os(os: &str) -> String {
    match os.trim().to_ascii_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

/// As `normalizeArch` of containerd/platforms does: 32-bit ARM without a variant is v7.
fn normal_architecture(architecture: &str, variant: Option<&str>) -> (String, Option<String>) {
    let architecture = architecture.trim().to_ascii_lowercase();
    let variant = variant.unwrap_or_default().trim().to_ascii_lowercase();
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8" | "8.0" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        (architecture, variant) => (architecture, variant),
    };
    let variant = (!variant.is_empty()).then(|| variant.to_owned());
    (architecture.to_owned(), variant)
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
    /// No image can be for it.
    #[error("`{0}` is not a known platform: write one such as `linux/amd64` or `linux/arm/v7`")]
    Unknown(String),
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('/').collect();
        let platform = match parts[..] {
            [_, architecture] if architecture.eq_ignore_ascii_case("arm") => {
                return Err(InvalidPlatform::Arm(text.to_owned()));
            }
            [os, architecture] => Self::new(os, architecture, None),
            [os, architecture, variant] if !variant.is_empty() => {
                Self::new(os, architecture, Some(variant))
            }
            _ => None,
        };
        let platform = platform.ok_or_else(|| InvalidPlatform::Shape(text.to_owned()))?;
        if platform.is_known() {
            Ok(platform)
        } else {
            Err(InvalidPlatform::Unknown(text.to_owned()))
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

    fn parsed(text: &str) -> String {
        text.parse::<Platform>()
            .map_or_else(|error| error.to_string(), |platform| platform.to_string())
    }

    #[test]
    fn every_spelling_is_one_platform() {
        for (text, platform) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/x86-64", "linux/amd64"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/V2", "linux/amd64/v2"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm64/8", "linux/arm64"),
            ("linux/arm64/9.0", "linux/arm64/v9"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
            (" linux/ppc64le ", "linux/ppc64le"),
            ("wasi/wasm", "wasi/wasm"),
        ] {
            assert_eq!(parsed(text), platform, "{text}");
        }
        assert_ne!(parsed("linux/arm/v6"), parsed("linux/arm/v7"));
    }

    #[test]
    fn a_processor_runs_the_code_of_earlier_versions() {
        let runs = |node: &str, image: &str| {
            let parse = |text: &str| text.parse::<Platform>().unwrap();
            parse(node).runs(&parse(image))
        };
        for (node, image) in [
            ("linux/arm/v7", "linux/arm/v6"),
            ("linux/arm/v7", "linux/arm/v5"),
            ("linux/amd64/v3", "linux/amd64/v2"),
            ("linux/amd64/v3", "linux/amd64"),
            ("linux/arm64/v9", "linux/arm64"),
            ("linux/s390x", "linux/s390x"),
        ] {
            assert!(runs(node, image), "{node} {image}");
            assert!(node == image || !runs(image, node), "{image} {node}");
        }
        for (node, image) in [
            ("linux/amd64", "linux/386"),
            ("linux/arm64", "linux/arm/v7"),
            ("windows/arm/v7", "linux/arm/v6"),
            ("linux/arm64/v9", "linux/arm64/v8.7"),
        ] {
            assert!(!runs(node, image), "{node} {image}");
        }
    }

    #[test]
    fn what_no_image_can_be_for_is_invalid() {
        let parse = |text: &str| text.parse::<Platform>().unwrap_err();
        for text in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd64/"] {
            assert_eq!(parse(text), InvalidPlatform::Shape(text.to_owned()));
        }
        for text in ["linux/arm", "linux/ARM"] {
            assert_eq!(parse(text), InvalidPlatform::Arm(text.to_owned()));
        }
        for text in [
            "linux/amd46",
            "linux/x64",
            "linus/amd64",
            "amd64/linux",
            "linux/arm64/v7",
            "linux/amd64/v9",
            "linux/arm/v77",
            "linux/amd 64",
        ] {
            assert_eq!(parse(text), InvalidPlatform::Unknown(text.to_owned()));
        }
    }

    #[test]
    fn a_manifest_may_name_arm_alone() {
        let arm = Platform::new("linux", "arm", None);
        assert_eq!(arm, "linux/arm/v7".parse().ok());
        assert_eq!(Platform::new("linux", "ARM", Some("")), arm);
    }

    #[test]
    fn half_a_platform_is_none() {
        assert_eq!(Platform::new("", "amd64", None), None);
        assert_eq!(Platform::new("linux", " ", Some("v8")), None);
        let unknown = Platform::new("unknown", "unknown", None).unwrap();
        assert!(unknown.is_unknown());
    }
}

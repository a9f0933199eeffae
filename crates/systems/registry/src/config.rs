//! The configuration of an image.

use std::collections::BTreeMap;

use contract::Platform;
use serde::Deserialize;

use crate::provenance::REVISION;

/// The parts of an image's configuration that name its platform and its source (OCI image
/// specification, "Image configuration").
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    pub os: Option<String>,
    /// `amd64`.
    pub architecture: Option<String>,
    /// `v7`.
    pub variant: Option<String>,
    /// Parameters for containers.
    config: Option<ContainerConfig>,
}

/// The parameters for containers of an image.
#[derive(Debug, Clone, Default, Deserialize)]
struct ContainerConfig {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, Option<String>>>,
}

impl ImageConfig {
    /// Returns the revision of the source that the labels name: that of OCI, else that of the
    /// older label-schema.org.
    pub fn revision(&self) -> Option<&str> {
        let labels = self.config.as_ref()?.labels.as_ref()?;
        let names = [REVISION, "org.label-schema.vcs-ref"];
        let mut found = names
            .iter()
            .filter_map(|name| labels.get(*name)?.as_deref());
        found.find(|revision| !revision.trim().is_empty())
    }

    /// Returns the platform; `None` for the empty configuration of a signature, whose media type
    /// claims that it is an image's, and for that of an attestation. A configuration without an
    /// operating system is for that of the node, as runtimes take it.
    pub fn platform(&self) -> Option<Platform> {
        let os = self.os.as_deref().filter(|os| !os.is_empty());
        self.platform_on(os.unwrap_or("linux"))
    }

    /// Returns the platform if all of it is said.
    pub(crate) fn whole_platform(&self) -> Option<Platform> {
        self.platform_on(self.os.as_deref()?)
    }

    fn platform_on(&self, os: &str) -> Option<Platform> {
        let architecture = self.architecture.as_deref()?;
        let platform = Platform::new(os, architecture, self.variant.as_deref())?;
        (!platform.is_unknown()).then_some(platform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_system_is_for_linux() {
        for (json, platform, whole) in [
            (r#"{"architecture":"amd64"}"#, Some("linux/amd64"), None),
            (
                r#"{"architecture":"arm64","os":""}"#,
                Some("linux/arm64"),
                None,
            ),
            (
                r#"{"architecture":"amd64","os":"windows"}"#,
                Some("windows/amd64"),
                Some("windows/amd64"),
            ),
            (r#"{"os":"linux"}"#, None, None),
            (r#"{"architecture":"","os":""}"#, None, None),
            (r#"{"architecture":"unknown","os":"unknown"}"#, None, None),
            ("{}", None, None),
        ] {
            let config: ImageConfig = serde_json::from_str(json).unwrap();
            let named = |platform: Option<Platform>| platform.map(|known| known.to_string());
            assert_eq!(named(config.platform()).as_deref(), platform, "{json}");
            assert_eq!(named(config.whole_platform()).as_deref(), whole, "{json}");
        }
    }
}

//! The configuration of an image.

use serde::Deserialize;

use crate::Platform;

/// The part of an image's configuration that names its platform (OCI image specification, "Image
/// configuration").
#[derive(Debug, Clone, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// `v7`.
    #[serde(default)]
    pub variant: Option<String>,
}

impl ImageConfig {
    /// Returns the platform; `None` for the empty configuration of a signature, whose media type
    /// claims that it is an image's.
    pub fn platform(&self) -> Option<Platform> {
        let is_named = !self.os.is_empty() && !self.architecture.is_empty();
        is_named.then(|| Platform::new(&self.os, &self.architecture, self.variant.as_deref()))
    }
}

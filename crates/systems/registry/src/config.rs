//! The configuration of an image.

use serde::Deserialize;

use crate::Platform;

/// The part of an image's configuration that says what it runs on (OCI image specification,
/// "Image configuration").
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
    /// Returns the platform; `None` when there is none, as in a signature, which calls its empty
    /// configuration an image's.
    pub fn platform(&self) -> Option<Platform> {
        let said = !self.os.is_empty() && !self.architecture.is_empty();
        said.then(|| Platform::new(&self.os, &self.architecture, self.variant.as_deref()))
    }
}

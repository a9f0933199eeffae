//! The configuration of an image.

use serde::Deserialize;

use crate::Platform;

/// The part of an image's configuration that names its platform (OCI image specification, "Image
/// configuration").
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ImageConfig {
    /// `linux`.
    pub os: Option<String>,
    /// `amd64`.
    pub architecture: Option<String>,
    /// `v7`.
    pub variant: Option<String>,
}

impl ImageConfig {
    /// Returns the platform; `None` for the empty configuration of a signature, whose media type
    /// claims that it is an image's, and for that of an attestation.
    pub fn platform(&self) -> Option<Platform> {
        let (os, architecture) = (self.os.as_deref()?, self.architecture.as_deref()?);
        let platform = Platform::new(os, architecture, self.variant.as_deref())?;
        (!platform.is_unknown()).then_some(platform)
    }
}

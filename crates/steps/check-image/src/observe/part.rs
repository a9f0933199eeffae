//! The image for one platform.

use contract::{Digest, Failure, Platform};
use registry::ImageRepository;

/// The image for one platform: an entry of an index, or the only manifest.
#[derive(Debug)]
pub(crate) struct ImagePart {
    pub(crate) platform: Option<Platform>,
    pub(crate) manifest: Digest,
    pub(crate) config: Option<Digest>,
    pub(crate) defect: Option<ImageDefect>,
}

/// Why the image for one platform cannot run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ImageDefect {
    /// The index lists a manifest that the registry does not have.
    ManifestAbsent,
    /// The registry does not have the configuration.
    ConfigAbsent(Digest),
    /// The configuration names no platform, as that of a signature.
    NoPlatform,
}

impl ImagePart {
    /// Reads the platform from the configuration.
    pub(super) async fn read_platform(
        &mut self,
        config: &Digest,
        repository: &ImageRepository<'_>,
    ) -> Result<(), Failure> {
        match repository.config(config).await? {
            None => self.defect = Some(ImageDefect::ConfigAbsent(config.clone())),
            Some(config) => {
                self.platform = config.platform();
                self.defect = self.platform.is_none().then_some(ImageDefect::NoPlatform);
            }
        }
        Ok(())
    }
}

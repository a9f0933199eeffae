//! The image for one platform.

use contract::{Digest, Failure, Platform};
use registry::ImageRepository;

use super::revision::{NamedRevision, RevisionSource};

/// The image for one platform: an entry of an index, or the only manifest.
#[derive(Debug)]
pub(crate) struct ImagePart {
    pub(crate) platform: Option<Platform>,
    pub(crate) manifest: Digest,
    pub(crate) config: Option<Digest>,
    pub(crate) defect: Option<ImageDefect>,
    /// The revisions of the source that it names, where the step asks for them.
    pub(crate) revisions: Vec<NamedRevision>,
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
    /// Reads the platform, if it is not known yet, and the label with the revision.
    pub(super) async fn read_config(
        &mut self,
        config: &Digest,
        repository: &ImageRepository<'_>,
    ) -> Result<(), Failure> {
        match repository.config(config).await? {
            None => self.defect = Some(ImageDefect::ConfigAbsent(config.clone())),
            Some(config) => {
                if self.platform.is_none() {
                    self.platform = config.platform();
                    self.defect = self.platform.is_none().then_some(ImageDefect::NoPlatform);
                }
                let label = |text| NamedRevision::new(RevisionSource::Label, text);
                self.revisions.extend(config.revision().map(label));
            }
        }
        Ok(())
    }
}

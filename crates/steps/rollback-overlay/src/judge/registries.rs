//! The registries from which an image may be restored.

use branch::NamedImage;
use overlay::OverlayRefusal;

use super::known_image::KnownImage;
use crate::{reasons::OTHER_REGISTRY, request::Request};

/// The registries that the flags and the deployed image name. A commit of long ago may name any
/// other one, so only `--to` restores from there, and nothing asks it before.
pub(super) struct Registries {
    names: Vec<String>,
    is_named: bool,
}

impl Registries {
    pub(super) fn of(request: &Request, deployed: &KnownImage) -> Self {
        let own = request.image.registry().to_owned();
        let deployed = deployed.to_named().map(|image| image.registry().to_owned());
        Self {
            names: [own].into_iter().chain(deployed).collect(),
            is_named: request.to.is_some(),
        }
    }

    /// Returns why an image must not be restored without `--to`.
    pub(super) fn refuses(&self, image: &KnownImage) -> Option<OverlayRefusal> {
        let named = image.to_named();
        let registry = named.as_ref().map(NamedImage::registry)?;
        if self.is_named || self.names.iter().any(|name| name == registry) {
            return None;
        }
        let message = format!(
            "{} is in another registry than the deployed image, and only the history of the file \
             names it",
            image.text
        );
        Some(OverlayRefusal::new(OTHER_REGISTRY, message))
    }
}

//! An image, as the file names it and as the history and the registry know it.

use branch::{ImageValue, ImageValues, NamedImage};
use contract::Reference;

/// An image, as the file names it and as the history and the registry know it.
#[derive(Debug, Clone)]
pub(crate) struct KnownImage {
    /// The image as the file names it.
    pub(crate) text: String,
    /// The reference, with the digest if it is known; `None` for a text that is not a reference.
    pub(crate) image: Option<Reference>,
    /// The value of the history that names the image.
    pub(crate) value: Option<ImageValue>,
    /// Whether the forge's deployments call it good.
    pub(crate) is_verified: bool,
}

impl KnownImage {
    /// Describes an image that the file has or had.
    pub(crate) fn of(values: &ImageValues, value: &ImageValue) -> Self {
        Self {
            text: value.image.clone(),
            image: values.reference(value),
            value: Some(value.clone()),
            is_verified: false,
        }
    }

    /// Describes an image that the file never had.
    pub(crate) fn new(image: &Reference) -> Self {
        Self {
            text: image.to_string(),
            image: Some(image.clone()),
            value: None,
            is_verified: false,
        }
    }

    /// Describes the image of a flag, as the file named it if it ever had it.
    pub(crate) fn named(values: &ImageValues, image: &Reference) -> Self {
        // The same bytes under another name are not what the flag asks for.
        match find(values, &values.list, image) {
            Some(value) if is_named(values, value, image) => Self::of(values, value),
            _ => Self::new(image),
        }
    }

    /// Adds the digest that a deployment recorded.
    pub(crate) fn with_digest_of(self, recorded: &Reference) -> Self {
        match (&self.image, recorded.digest()) {
            (Some(image), Some(digest)) => Self {
                image: Some(image.pinned(digest.clone())),
                ..self
            },
            _ => self,
        }
    }

    /// Returns the image for a trailer, also without a version; `None` for a text that names none.
    pub(crate) fn to_named(&self) -> Option<NamedImage> {
        match &self.image {
            Some(image) => Some(image.clone().into()),
            None => NamedImage::of(&self.text),
        }
    }

    /// Returns the name of the repository.
    pub(crate) fn name(&self) -> Option<String> {
        self.image.as_ref().map(Reference::name)
    }

    /// Returns the version, for one line.
    pub(crate) fn version(&self) -> String {
        let image = self.image.as_ref();
        match image.map(|image| (image.tag(), image.digest())) {
            Some((Some(tag), _)) => tag.to_string(),
            Some((None, Some(digest))) => digest.short().to_owned(),
            _ => self.text.clone(),
        }
    }

    /// Returns the reference with everything that is known.
    pub(crate) fn full(&self) -> String {
        match &self.image {
            Some(image) => image.to_string(),
            None => self.text.clone(),
        }
    }
}

fn is_named(values: &ImageValues, value: &ImageValue, image: &Reference) -> bool {
    let had = values.reference(value);
    had.is_some_and(|had| {
        had.name() == image.name() && image.tag().is_none_or(|tag| had.tag() == Some(tag))
    })
}

/// Returns the first of some values that names this image.
pub(crate) fn find<'v>(
    values: &ImageValues,
    among: &'v [ImageValue],
    image: &Reference,
) -> Option<&'v ImageValue> {
    among.iter().find(|value| {
        values
            .reference(value)
            .is_some_and(|had| branch::is_same(&had, image))
    })
}

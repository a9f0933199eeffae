//! Decides which images may be restored, the best first.

use branch::{ImageValue, ImageValues};
use contract::Reference;

use super::known_image::{self, KnownImage};
use crate::{observe::FileObservation, request::Request};

/// An image that may be restored.
#[derive(Debug)]
pub(crate) enum Candidate {
    Image(Box<KnownImage>),
    /// The image only ever failed, as this sentence says.
    Failed(String),
}

impl Candidate {
    pub(crate) fn as_image(&self) -> Option<&KnownImage> {
        match self {
            Self::Image(image) => Some(image),
            Self::Failed(_) => None,
        }
    }

    fn of(image: KnownImage) -> Self {
        Self::Image(Box::new(image))
    }
}

/// Returns the candidates, the best first: the images that the forge's deployments call good, then
/// the earlier images of the file.
pub(crate) fn find(request: &Request, file: &FileObservation, bad: usize) -> Vec<Candidate> {
    let values = &file.values;
    if let Some(to) = &request.to {
        return vec![Candidate::of(KnownImage::named(values, to))];
    }
    let verified = verified(file, bad);
    let earlier: Vec<Candidate> = earlier(values, bad)
        .into_iter()
        .filter(|value| verified.iter().all(|image| image.text != value.image))
        .map(|value| candidate(file, value))
        .collect();
    let verified = verified.into_iter().map(Candidate::of);
    verified.chain(earlier).collect()
}

fn candidate(file: &FileObservation, value: &ImageValue) -> Candidate {
    let image = file.values.reference(value);
    match file.deployments.as_ref().zip(image) {
        Some((deployments, image)) if deployments.is_bad(&image) => {
            Candidate::Failed(deployments.failed(&value.image))
        }
        _ => Candidate::of(KnownImage::of(&file.values, value)),
    }
}

/// Returns the images that the forge's deployments call good, without those that are known to be
/// bad or that the file got after the bad one, in the order in which the file had them: everyone who may
/// make deployments can record an old image again.
fn verified(file: &FileObservation, bad: usize) -> Vec<KnownImage> {
    let values = &file.values;
    let before = &values.list[bad + 1..];
    let mut verified = Vec::new();
    for image in file.deployments.iter().flat_map(|known| &known.good) {
        if is_bad(values, bad, image) {
            continue;
        }
        let Some(value) = known_image::find(values, before, image) else {
            continue;
        };
        let at = before.iter().position(|other| other.image == value.image);
        let found = KnownImage::of(values, value).with_digest_of(image);
        verified.push((
            at,
            KnownImage {
                is_verified: true,
                ..found
            },
        ));
    }
    verified.sort_by_key(|(at, _)| at.unwrap_or(usize::MAX));
    verified.into_iter().map(|(_, image)| image).collect()
}

/// Returns the distinct values before the bad one that no rollback called bad, newest first.
fn earlier(values: &ImageValues, bad: usize) -> Vec<&ImageValue> {
    let mut earlier: Vec<&ImageValue> = Vec::new();
    for (at, value) in values.list.iter().enumerate().skip(bad + 1) {
        let is_bad = value.image == values.list[bad].image
            || values.is_reverted(at)
            || values
                .reference(value)
                .is_some_and(|image| is_bad(values, bad, &image));
        if !is_bad && earlier.iter().all(|known| known.image != value.image) {
            earlier.push(value);
        }
    }
    earlier
}

/// Returns whether an image is the bad one, or a rollback called it bad.
fn is_bad(values: &ImageValues, bad: usize, image: &Reference) -> bool {
    let bad_image = values.reference(&values.list[bad]);
    values.bad(image).is_some() || bad_image.is_some_and(|bad| branch::is_same(image, &bad))
}

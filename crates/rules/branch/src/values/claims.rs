//! The statements of a commit's message about the value that the commit set, as far as they are true.

use super::value::ValueOrigin;
use crate::{NamedImage, Trailers, trailers::titles};

/// The statements of a commit's message about the value that the commit set.
///
/// A message is text that anyone may have written, so it counts only where the commit does what it
/// says: it sets the named image, or replaces the image that it calls bad.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// The last trailers that are about the value; empty without any.
    pub(super) trailers: Trailers,
    /// The images that the commit replaced, and that its message calls bad.
    pub(super) undone: Vec<NamedImage>,
    /// How the commit came to set the value.
    pub(super) origin: ValueOrigin,
}

/// The value that a commit set, and what it replaced.
pub(super) struct ValueChange<'a> {
    pub(super) value: Option<&'a NamedImage>,
    /// The values of the parents.
    pub(super) replaced: Vec<NamedImage>,
    /// Whether there is an earlier value that was not read.
    pub(super) is_cut: bool,
}

impl Claims {
    pub(super) fn of(message: &str, change: &ValueChange<'_>) -> Self {
        let blocks = Trailers::blocks(message);
        let about: Vec<&Trailers> = blocks
            .iter()
            .enumerate()
            .filter(|(at, block)| change.is_set_by(block, at + 1 == blocks.len()))
            .map(|(_, block)| block)
            .collect();
        let undone = change.undone(&blocks, &about);
        let trailers = about.last().copied().cloned().unwrap_or_default();
        let is_rollback = trailers
            .rollback_of
            .iter()
            .any(|image| change.is_replaced(image));
        let has_no_rollback = blocks.iter().all(|block| block.rollback_of.is_empty());
        if about.is_empty() && has_no_rollback && is_titled_rollback(message) {
            return Self {
                trailers,
                undone: change.replaced.clone(),
                origin: ValueOrigin::MaybeRollback,
            };
        }
        let origin = match (about.is_empty(), is_rollback) {
            (true, _) => ValueOrigin::Person,
            (false, true) => ValueOrigin::Rollback,
            (false, false) => ValueOrigin::Bump,
        };
        Self {
            trailers,
            undone,
            origin,
        }
    }
}

impl ValueChange<'_> {
    /// Returns whether trailers are about the value: they name its image, or no image at all.
    ///
    /// This program always names the images. Without them, only the last trailers count, since
    /// those before may be text that was given.
    fn is_set_by(&self, block: &Trailers, is_last: bool) -> bool {
        let named = |value: &NamedImage| {
            let mut images = block.images.iter().cloned().map(NamedImage::from);
            images.any(|image| image.is_same(value))
        };
        if block.images.is_empty() {
            is_last
        } else {
            self.value.is_some_and(named)
        }
    }

    /// Returns the images that the commit replaced and that its message calls bad, also where a
    /// later commit of the same squash set the value.
    fn undone(&self, blocks: &[Trailers], about: &[&Trailers]) -> Vec<NamedImage> {
        let mut undone: Vec<NamedImage> = Vec::new();
        for block in blocks {
            if block.images.is_empty() && !about.contains(&block) {
                continue;
            }
            for image in &block.rollback_of {
                if self.is_replaced(image) && !undone.contains(image) {
                    undone.push(image.clone());
                }
            }
        }
        undone
    }

    fn is_replaced(&self, image: &NamedImage) -> bool {
        let is_unknown = self.is_cut && self.replaced.is_empty();
        is_unknown || self.replaced.iter().any(|before| before.is_same(image))
    }
}

/// Returns whether a commit in the message has the title of a rollback: a forge may drop the
/// trailers of a message, but hardly the title.
fn is_titled_rollback(message: &str) -> bool {
    titles(message)
        .iter()
        .any(|title| title.starts_with("rollback(") && title.contains("): "))
}

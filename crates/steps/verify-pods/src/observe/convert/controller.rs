//! The controller of an object.

use kubernetes::{ObjectMeta, OwnerReference};

/// Returns the controller of an object.
pub(super) fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = meta.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true))
}

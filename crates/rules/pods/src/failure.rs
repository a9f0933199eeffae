//! A failure that does not pass.

use contract::{Fault, Reason};

use crate::{INVALID_IMAGE_NAME, Pod, SIDECAR, image::ImageMatcher};

/// Why a pod, or a workload, will not become ready without help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecoverable {
    /// The reason, which fixes the fault.
    pub reason: Reason,
    /// The container that failed, if the failure is about one whose name is known.
    pub container: Option<String>,
    /// The observed failure in words, without the pod's name:
    /// `container dex: crashed 2 times (exit code 1)`.
    pub text: String,
}

impl Unrecoverable {
    /// Returns the failure with the fault that is proven when a change of this image is to be
    /// blamed: a container of another image, such as an injected proxy, is not its fault.
    #[must_use]
    pub fn of_image(self, pod: &Pod, image: &ImageMatcher) -> Self {
        let mut containers = pod.all_containers();
        let culprit = containers.find(|container| Some(&container.name) == self.container.as_ref());
        let is_foreign = culprit.is_some_and(|container| !image.is_of_repository(&container.image));
        // An invalid name is of no repository, and is proof enough.
        let is_change = self.reason.fault == Fault::Change && self.reason != INVALID_IMAGE_NAME;
        let reason = if is_foreign && is_change {
            SIDECAR
        } else {
            self.reason
        };
        Self { reason, ..self }
    }

    /// Makes a failure of a whole pod or workload.
    pub(crate) fn of_pod(reason: Reason, text: String) -> Self {
        Self {
            reason,
            container: None,
            text,
        }
    }
}

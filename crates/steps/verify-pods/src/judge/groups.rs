//! Sorts the pods of a workload by what they run.

use contract::Digest;
use pods::{
    Pod, RunState,
    image::{ImageMatch, ImageMatcher},
};

/// The pods of a workload, by what they run. Pods that have ended do not count.
#[derive(Debug, Default)]
pub(super) struct PodGroups<'a> {
    /// Pods that run the image, or will once they start.
    pub(super) new: Vec<&'a Pod>,
    /// Pods that run another tag, or no image of the repository.
    pub(super) old: Vec<&'a Pod>,
    /// Pods that run the wanted tag with another digest.
    pub(super) other_digest: Vec<(&'a Pod, Digest)>,
    /// Old pods that were deleted and still exist.
    pub(super) terminating: Vec<&'a Pod>,
    /// New pods that run a container of the image whose digest is not known.
    pub(super) unknown: Vec<&'a Pod>,
    /// The digests of the image that the new pods run.
    pub(super) digests: Vec<(&'a Pod, Digest)>,
}

impl<'a> PodGroups<'a> {
    pub(super) fn of(pods: &'a [Pod], image: &ImageMatcher) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            if !pod.has_ended() || pod.is_terminating() {
                groups.add(pod, image);
            }
        }
        groups
    }

    fn add(&mut self, pod: &'a Pod, image: &ImageMatcher) {
        let matches: Vec<ImageMatch> = pod
            .all_containers()
            .map(|container| image.compare(container))
            .collect();
        let other_digest = matches.iter().find_map(other_digest);
        let is_new = matches.iter().any(is_new);
        let is_old = matches.contains(&ImageMatch::Old);
        if pod.is_terminating() {
            // A new pod may be deleted at any time: when fewer are wanted, or its node is drained.
            if other_digest.is_some() || !is_new || is_old {
                self.terminating.push(pod);
            }
        } else if is_old {
            self.old.push(pod);
        } else if let Some(digest) = other_digest {
            self.other_digest.push((pod, digest));
        } else if is_new {
            if runs_unknown(pod, image) {
                self.unknown.push(pod);
            }
            let digests = matches.into_iter().filter_map(digest);
            self.digests.extend(digests.map(|digest| (pod, digest)));
            self.new.push(pod);
        } else {
            self.old.push(pod);
        }
    }

    /// Returns the number of pods that do not run the image.
    pub(super) fn count_old(&self) -> usize {
        self.old.len() + self.other_digest.len()
    }

    /// Returns the first pod that does not run the image.
    pub(super) fn first_old(&self) -> Option<&'a Pod> {
        let other = self.other_digest.first().map(|(pod, _)| *pod);
        self.old.first().copied().or(other)
    }
}

/// Returns whether a container of the image runs, and its node does not tell which bytes.
fn runs_unknown(pod: &Pod, image: &ImageMatcher) -> bool {
    let mut containers = pod.all_containers();
    containers.any(|container| {
        let runs = container.ready || container.state == RunState::Running;
        runs && image.compare(container) == ImageMatch::NotStarted
    })
}

fn is_new(found: &ImageMatch) -> bool {
    matches!(found, ImageMatch::Wanted(_) | ImageMatch::NotStarted)
}

fn other_digest(found: &ImageMatch) -> Option<Digest> {
    match found {
        ImageMatch::OtherBytes(digest) => Some(digest.clone()),
        _ => None,
    }
}

fn digest(found: ImageMatch) -> Option<Digest> {
    match found {
        ImageMatch::Wanted(digest) => digest,
        _ => None,
    }
}

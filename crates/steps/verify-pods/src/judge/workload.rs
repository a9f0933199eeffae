//! Judges one workload with its pods.

use contract::Reason;
use pods::{
    GracePeriods, Pod, Rollout, Unrecoverable,
    image::{ImageMatch, ImageMatcher},
    unrecoverable,
};

use super::{
    groups::PodGroups,
    readiness::why_not_ready,
    status::{PodFailure, WorkloadStatus},
};
use crate::{
    Request,
    observe::WorkloadHistory,
    reasons::{MIXED_DIGESTS, NO_PODS, NOT_READY, OLD_PODS},
};

/// Judges a workload at this moment: good pods count as verified, however short they have been
/// good.
pub(super) fn judge(
    request: &Request,
    rollout: &Rollout,
    pods: &[Pod],
    history: &WorkloadHistory,
) -> WorkloadStatus {
    let check = WorkloadCheck {
        request,
        image: &request.image,
        rollout,
        history,
        pods: PodGroups::of(pods, &request.image),
    };
    if let Some(failure) = check.failure() {
        return failure.into();
    }
    match check.wait() {
        Some(PodWait(reason, text)) => WorkloadStatus::NotYet(reason, text),
        None => WorkloadStatus::Verified(check.success()),
    }
}

/// Returns which controller created a pod: ` (ReplicaSet dex-5c7d)`.
fn created_by(pod: &Pod) -> String {
    pod.owner
        .as_ref()
        .map(|owner| format!(" ({} {})", owner.kind, owner.name))
        .unwrap_or_default()
}

/// Returns that a pod was deleted and still exists, and which finalizers keep it.
pub(super) fn still_terminating(pod: &Pod) -> String {
    let name = &pod.name;
    if pod.finalizers.is_empty() {
        return format!("{name} is still terminating");
    }
    let finalizers = pod.finalizers.join(", ");
    format!("{name} is still terminating, kept by the finalizer {finalizers}")
}

/// What the step waits for: the reason, and in words.
struct PodWait(Reason, String);

/// A workload, and everything that decides about it.
struct WorkloadCheck<'a> {
    request: &'a Request,
    image: &'a ImageMatcher,
    rollout: &'a Rollout,
    history: &'a WorkloadHistory,
    pods: PodGroups<'a>,
}

impl WorkloadCheck<'_> {
    fn failure(&self) -> Option<PodFailure> {
        self.failure_of_settings()
            .or_else(|| self.failure_of_pods())
            .or_else(|| self.failure_of_controller())
            .or_else(|| self.failure_of_digests())
    }

    fn failure_of_settings(&self) -> Option<PodFailure> {
        let rollout = self.rollout;
        if rollout.observed && rollout.wanted == 0 && !self.request.allow_zero {
            let text = "it is scaled to zero".to_owned();
            return Some(PodFailure::of_workload(NO_PODS, text));
        }
        if let Some(image) = self.other_tag()
            && self.is_deployed()
        {
            return Some(self.failure_of_template(image));
        }
        let cause = rollout.blocked(self.pods.count_old())?;
        Some(PodFailure { pod: None, cause })
    }

    /// The template has the image, and another tag of the same repository as well.
    fn failure_of_template(&self, other: &str) -> PodFailure {
        let mut containers = self.pods.old.iter().flat_map(|pod| pod.all_containers());
        let container = containers
            .find(|container| container.image == other)
            .map(|container| format!(" (container {})", container.name))
            .unwrap_or_default();
        let text = format!("its template has {other} as well{container}");
        PodFailure::of_workload(OLD_PODS, text)
    }

    fn failure_of_pods(&self) -> Option<PodFailure> {
        // Until the controller has observed the last change, new pods may have the previous
        // template.
        if !self.rollout.observed {
            return None;
        }
        let grace = self.grace();
        self.pods.new.iter().find_map(|pod| {
            let cause = unrecoverable(pod, self.history.of(pod)?, &grace)?;
            Some(PodFailure {
                pod: Some(pod.name.clone()),
                cause,
            })
        })
    }

    /// A rollout of another image may be stuck: this one may be its remedy.
    fn failure_of_controller(&self) -> Option<PodFailure> {
        if !self.is_deployed() {
            return None;
        }
        let cause = self.failed_create().or_else(|| self.rollout.stalled())?;
        Some(PodFailure { pod: None, cause })
    }

    fn failed_create(&self) -> Option<Unrecoverable> {
        let is_over = self.history.failing_for() >= self.grace().config;
        self.rollout.failed_create().filter(|_| is_over)
    }

    /// Finds pods with another digest, once the rollout is complete: until then, old pods may have
    /// had the same tag.
    fn failure_of_digests(&self) -> Option<PodFailure> {
        let rollout = self.rollout;
        let count = self.pods.new.len() + self.pods.count_old();
        let is_complete = rollout.observed
            && rollout.updated >= rollout.wanted
            && count == rollout.wanted as usize;
        if !is_complete {
            return None;
        }
        let (pod, digest) = self.pods.other_digest.first().or_else(|| self.mixed())?;
        let node = pod.node.as_deref().unwrap_or("its node");
        let text = format!("{node} has {} under the wanted tag", digest.short());
        Some(PodFailure {
            pod: Some(pod.name.clone()),
            ..PodFailure::of_workload(MIXED_DIGESTS, text)
        })
    }

    /// Without a wanted digest, all pods must at least agree.
    fn mixed(&self) -> Option<&(&Pod, contract::Digest)> {
        if self.image.is_by_digest() {
            return None;
        }
        let (_, first) = self.pods.digests.first()?;
        let mut digests = self.pods.digests.iter();
        digests.find(|(_, digest)| digest != first)
    }

    fn wait(&self) -> Option<PodWait> {
        if !self.rollout.observed {
            let text = "its controller has not observed the last change yet".to_owned();
            return Some(PodWait(NOT_READY, text));
        }
        self.wait_for_old()
            .or_else(|| self.wait_for_new())
            .or_else(|| self.wait_for_template())
            .or_else(|| self.wait_for_terminating())
    }

    fn wait_for_old(&self) -> Option<PodWait> {
        if let Some(pod) = self.pods.first_old() {
            let old = self.pods.count_old();
            let all = old + self.pods.new.len();
            let text = format!("{old} of {all} pods are old; {}", self.describe_old(pod));
            return Some(PodWait(OLD_PODS, text));
        }
        let image = self.other_tag().filter(|_| self.pods.new.is_empty())?;
        Some(PodWait(OLD_PODS, format!("its template has {image}")))
    }

    fn wait_for_new(&self) -> Option<PodWait> {
        let new = &self.pods.new;
        let (count, wanted) = (new.len(), self.rollout.wanted as usize);
        let ready = new.iter().filter(|pod| pod.is_ready()).count();
        if count < wanted {
            let text = format!("{count} of {wanted} pods exist, {ready} ready");
            return Some(PodWait(NOT_READY, text));
        }
        let pod = new.iter().find(|pod| !pod.is_ready())?;
        let why = why_not_ready(pod);
        let text = format!("{ready} of {count} pods ready; {}: {why}", pod.name);
        Some(PodWait(NOT_READY, text))
    }

    fn wait_for_template(&self) -> Option<PodWait> {
        let rollout = self.rollout;
        if !rollout.replaces_all() {
            return None;
        }
        if let Some(pod) = self.pods.new.iter().find(|pod| pod.outdated) {
            let text = format!("{}{} has an older template", pod.name, created_by(pod));
            return Some(PodWait(OLD_PODS, text));
        }
        if rollout.updated < rollout.wanted {
            let (updated, wanted) = (rollout.updated, rollout.wanted);
            let text = format!("{updated} of {wanted} pods have the newest template");
            return Some(PodWait(NOT_READY, text));
        }
        None
    }

    fn wait_for_terminating(&self) -> Option<PodWait> {
        if self.request.ignore_terminating {
            return None;
        }
        let pod = self.pods.terminating.first()?;
        Some(PodWait(OLD_PODS, still_terminating(pod)))
    }

    fn success(&self) -> String {
        let count = self.pods.new.len();
        let image = self.image.reference();
        format!("{count} of {count} pods run {image} and are ready")
    }

    /// Returns the first image of the template that is another tag of the repository.
    fn other_tag(&self) -> Option<&String> {
        let mut images = self.rollout.images.iter();
        images.find(|image| self.image.is_of_repository(image) && !self.image.is_named(image))
    }

    fn is_deployed(&self) -> bool {
        self.request.is_deployed_to(self.rollout)
    }

    /// When the controller has given up, every condition has lasted for long enough.
    fn grace(&self) -> GracePeriods {
        if self.rollout.stalled().is_some() && self.is_deployed() {
            self.request.grace.expired()
        } else {
            self.request.grace
        }
    }

    fn describe_old(&self, pod: &Pod) -> String {
        let old = pod.all_containers().find(|container| {
            matches!(
                self.image.compare(container),
                ImageMatch::Old | ImageMatch::OtherBytes(_)
            )
        });
        let image = old
            .or(pod.containers.first())
            .map(|container| format!(" runs {}", container.image))
            .unwrap_or_default();
        format!("{}{}{image}", pod.name, created_by(pod))
    }
}

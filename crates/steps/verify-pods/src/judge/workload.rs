//! Judges one workload with its pods.

use contract::Reason;
use pods::{
    GracePeriods, Pod, Rollout, Unrecoverable, crash,
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
    reasons::{
        CRASH_LOOP, CRASHED_BEFORE, CREATE_FAILED, INIT_FAILED, MIXED_DIGESTS, NO_PODS, NODE_LOST,
        NOT_AVAILABLE, NOT_READY, OLD_PODS, OUT_OF_MEMORY, STUCK_POD, UNKNOWN_DIGEST,
    },
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
        all: pods,
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

/// Returns a pod with its controller: `dex-1 (ReplicaSet dex-5c7d)`.
pub(super) fn describe(pod: &Pod) -> String {
    format!("{}{}", pod.name, created_by(pod))
}

/// Returns which controller created a pod: ` (ReplicaSet dex-5c7d)`.
fn created_by(pod: &Pod) -> String {
    pod.owner
        .as_ref()
        .map(|owner| format!(" ({} {})", owner.kind, owner.name))
        .unwrap_or_default()
}

/// Returns that a pod was deleted and still exists, and what keeps it: a node that does not answer,
/// or finalizers.
pub(super) fn still_terminating(pod: &Pod) -> String {
    let name = &pod.name;
    if let Some(node) = pod.lost_node() {
        return format!("{name} is still terminating: its node {node} does not answer");
    }
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
    /// All pods of the workload.
    all: &'a [Pod],
    pods: PodGroups<'a>,
}

impl WorkloadCheck<'_> {
    fn failure(&self) -> Option<PodFailure> {
        self.failure_of_settings()
            .or_else(|| self.failure_of_pods())
            .or_else(|| self.failure_of_soak())
            .or_else(|| self.failure_of_given_up())
            .or_else(|| self.failure_of_stuck_pod())
            .or_else(|| self.failure_of_controller())
            .or_else(|| self.failure_of_digests())
    }

    fn failure_of_settings(&self) -> Option<PodFailure> {
        let rollout = self.rollout;
        if let Some(why) = rollout.why_empty()
            && !self.request.allow_zero
        {
            return Some(PodFailure::of_workload(NO_PODS, why.to_owned()));
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
            let cause = cause.proven(&self.rollout.previous, self.image);
            let cause = self.unless_shared(cause.of_image(pod, self.image));
            Some(PodFailure {
                pod: Some(pod.name.clone()),
                cause,
            })
        })
    }

    /// A crash that pods of the version before share does not blame the change.
    fn unless_shared(&self, cause: Unrecoverable) -> Unrecoverable {
        const CRASHES: [Reason; 3] = [CRASH_LOOP, OUT_OF_MEMORY, INIT_FAILED];
        let mut old = self
            .pods
            .old
            .iter()
            .filter(|_| CRASHES.contains(&cause.reason));
        let shares = old.find(|pod| {
            let failure = self.failure_of_old(pod);
            failure.is_some_and(|failure| CRASHES.contains(&failure.reason))
        });
        match shares {
            Some(pod) => Unrecoverable {
                reason: CRASHED_BEFORE,
                text: format!(
                    "{}; {}, of the version before, crashes, too",
                    cause.text, pod.name
                ),
                ..cause
            },
            None => cause,
        }
    }

    /// Returns the failure of a pod of an older template.
    fn failure_of_old(&self, pod: &Pod) -> Option<Unrecoverable> {
        let of_newest_template = Pod {
            outdated: false,
            ..pod.clone()
        };
        let history = self.history.of(pod)?;
        unrecoverable(&of_newest_template, history, &self.request.grace)
    }

    /// A crash while all pods were good, also when the container runs again.
    fn failure_of_soak(&self) -> Option<PodFailure> {
        if self.request.soak.is_zero() {
            return None;
        }
        let mut crashed = self
            .pods
            .new
            .iter()
            .filter(|pod| self.history.has_crashed(pod));
        crashed.find_map(|pod| {
            let cause = crash(pod, self.history.of(pod)?, &self.request.grace)?;
            Some(PodFailure {
                pod: Some(pod.name.clone()),
                cause: cause.of_image(pod, self.image),
            })
        })
    }

    /// Many pods that nodes evicted or rejected are a failure; each of them is replaced.
    fn failure_of_given_up(&self) -> Option<PodFailure> {
        if !self.rollout.observed || !self.is_deployed() {
            return None;
        }
        let (grace, now) = (self.grace(), self.history.now());
        let (pod, cause) = self.history.given_up().failure(&grace, now)?;
        let pod = Some(pod);
        Some(PodFailure { pod, cause })
    }

    /// A StatefulSet waits until all pods are ready before it replaces one, even for a pod of an
    /// older template that cannot become ready (kubernetes/kubernetes#67250).
    fn failure_of_stuck_pod(&self) -> Option<PodFailure> {
        if !self.rollout.observed || !self.rollout.ordered || !self.is_deployed() {
            return None;
        }
        let mut pods = self.pods.old.iter().chain(&self.pods.new);
        pods.find_map(|pod| {
            let cause = self.failure_of_old(pod).filter(|_| pod.outdated)?;
            let text = format!(
                "the StatefulSet waits for this pod of an older template, which cannot become \
                 ready; delete it ({})",
                cause.text
            );
            Some(PodFailure {
                pod: Some(pod.name.clone()),
                ..PodFailure::of_workload(STUCK_POD, text)
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
        let cause = self.rollout.failed_create().filter(|_| is_over)?;
        Some(cause.proven(&self.rollout.previous, self.image))
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
            .or_else(|| self.wait_for_digests())
            .or_else(|| self.wait_for_template())
            .or_else(|| self.wait_for_terminating())
            .or_else(|| self.wait_for_availability())
    }

    fn wait_for_old(&self) -> Option<PodWait> {
        if let Some(pod) = self.pods.first_old() {
            let old = self.pods.count_old();
            let all = old + self.pods.new.len();
            let mut text = format!("{old} of {all} pods are old; {}", self.describe_old(pod));
            if let Some(words) = self.own_words() {
                text += &format!("; the {} says: {words}", self.rollout.kind);
            }
            return Some(PodWait(OLD_PODS, text));
        }
        let image = self.other_tag().filter(|_| self.pods.new.is_empty())?;
        Some(PodWait(OLD_PODS, format!("its template has {image}")))
    }

    /// Returns what a workload of an extension says: its strategy may wait for a person.
    fn own_words(&self) -> Option<&String> {
        let words = self.rollout.not_available.as_ref();
        words.filter(|_| self.rollout.kind.is_extension())
    }

    fn wait_for_new(&self) -> Option<PodWait> {
        let new = &self.pods.new;
        let (count, wanted) = (new.len(), self.rollout.wanted as usize);
        let ready = new.iter().filter(|pod| pod.is_ready()).count();
        if count < wanted {
            let (reason, why) = self.why_missing();
            let text = format!("{count} of {wanted} pods exist, {ready} ready{why}");
            return Some(PodWait(reason, text));
        }
        let unready = new.iter().filter(|pod| !pod.is_ready());
        let mut reasons = unready.map(|pod| (pod, why_not_ready(pod)));
        let first = reasons.next()?;
        // A pod with a cause of its own tells more than one that just starts.
        let (pod, (reason, why)) = if first.1.0 == NOT_READY {
            let telling = reasons.find(|(_, (reason, _))| *reason != NOT_READY);
            telling.unwrap_or(first)
        } else {
            first
        };
        // A node is to blame, so its name is worth a word.
        let node = pod
            .node
            .as_deref()
            .filter(|_| reason != NOT_READY && reason != NODE_LOST);
        let node = node.map(|node| format!(" on {node}")).unwrap_or_default();
        let text = format!("{ready} of {count} pods ready; {}{node}: {why}", pod.name);
        Some(PodWait(reason, text))
    }

    /// Returns why pods are missing, as far as that is known.
    fn why_missing(&self) -> (Reason, String) {
        if let Some(message) = &self.rollout.replica_failure {
            let message = message.trim();
            return (
                CREATE_FAILED,
                format!("; pods cannot be created: {message}"),
            );
        }
        let mut leaving = self.all.iter().filter(|pod| pod.is_terminating());
        if let Some(pod) = leaving.find(|pod| pod.lost_node().is_some()) {
            return (NODE_LOST, format!("; {}", still_terminating(pod)));
        }
        let given_up = self.history.given_up().last_words();
        (
            NOT_READY,
            given_up
                .map(|words| format!("; {words}"))
                .unwrap_or_default(),
        )
    }

    /// A pod whose bytes are not known does not count as running a digest.
    fn wait_for_digests(&self) -> Option<PodWait> {
        let pod = self
            .pods
            .unknown
            .first()
            .filter(|_| self.image.is_by_digest())?;
        let node = pod.node.as_deref().unwrap_or("its node");
        let text = format!(
            "{} is ready, but {node} does not tell which bytes it runs (no digest in `imageID`)",
            pod.name
        );
        Some(PodWait(UNKNOWN_DIGEST, text))
    }

    /// The workload has to say itself that its pods are available.
    fn wait_for_availability(&self) -> Option<PodWait> {
        let why = self.rollout.unavailable()?;
        let text = format!("all pods are ready, but {why}");
        Some(PodWait(NOT_AVAILABLE, text))
    }

    fn wait_for_template(&self) -> Option<PodWait> {
        let rollout = self.rollout;
        if !rollout.replaces_all() {
            return None;
        }
        if let Some(pod) = self.pods.new.iter().find(|pod| pod.outdated) {
            let text = format!("{} has an older template", describe(pod));
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
        let reason = pod.lost_node().map_or(OLD_PODS, |_| NODE_LOST);
        Some(PodWait(reason, still_terminating(pod)))
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
        format!("{}{image}", describe(pod))
    }
}

//! Whether a pod fails in a way from which it cannot recover.

use std::time::Duration;

use argocd::ResourceNode;
use contract::Reason;
use pods::{
    CRASH_LOOP, GracePeriods, INIT_FAILED, OUT_OF_MEMORY, Pod, RunState, Unrecoverable,
    failed_create, image::ImageMatcher,
};

use crate::{
    judge::{
        decision::Conclusion,
        history::{ApplicationHistory, LastingPhase},
        image,
    },
    observe::{LogPlace, Observation, ObservedPod},
    request::Request,
};

/// The grace period for a controller that cannot create pods: a webhook may be restarting.
const CREATE_GRACE: Duration = Duration::from_secs(10);
/// The time within which a controller creates the pods of what was applied. Older pods that are
/// still the newest of their Deployment after it are those that stay.
const ROLLOUT_GRACE: Duration = Duration::from_secs(10);

/// A pod that cannot recover, or a controller that cannot create pods.
struct UnrecoverableResource {
    /// The pod's name, or the controller's kind and name.
    name: String,
    reason: Reason,
    text: String,
    /// The images of the pod's containers.
    images: Vec<String>,
    log: Option<LogPlace>,
}

/// The pods whose failures count. During a rollout the old pods are still the newest, and their
/// failures do not count: the commit may be what helps them.
#[derive(Debug, Clone, Copy, Default)]
struct CountedPods<'a> {
    /// Those that were created after this time, if something was applied.
    created_after: Option<&'a str>,
    /// Those that were created in the second of that time, and are to run this image.
    image: Option<&'a ImageMatcher>,
    /// Older ones, too, if they are still the newest of their Deployment.
    older: bool,
}

impl CountedPods<'_> {
    fn contains(&self, node: &ResourceNode) -> bool {
        let created = node.created_at.as_deref();
        let Some((created, applied)) = created.zip(self.created_after) else {
            return self.older;
        };
        // Both times have whole seconds and are in UTC, so their texts compare.
        created > applied
            || (created == applied && self.runs_image(node))
            || (self.older && !is_replaced_one_by_one(node))
    }

    fn runs_image(&self, node: &ResourceNode) -> bool {
        self.image
            .is_some_and(|wanted| node.images.iter().any(|image| wanted.is_named(image)))
    }
}

/// A StatefulSet and a DaemonSet replace their pods one after the other, which may take any time.
fn is_replaced_one_by_one(node: &ResourceNode) -> bool {
    node.parent_refs
        .iter()
        .any(|parent| matches!(parent.kind.as_str(), "StatefulSet" | "DaemonSet"))
}

/// Refuses an application with a pod that cannot recover; a newer image there supersedes the
/// request.
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
) -> Option<Conclusion> {
    let counted = CountedPods {
        created_after: observation.applied_since(),
        image: request.image.as_ref(),
        older: history.lasted(LastingPhase::Applied, observation.now) >= ROLLOUT_GRACE,
    };
    let failure = unrecoverable_resource(observation, counted)?;
    let mut conclusion = match image::newer_image(request, observation, &failure.images) {
        Some(newer) => image::superseded(request, observation, newer),
        None => {
            let text = format!("cannot become healthy: {}, {}", failure.name, failure.text);
            Conclusion::refused(failure.reason, text)
        }
    };
    if failure.log.is_some() && request.log_lines == 0 {
        conclusion = conclusion
            .hinted("pass `--log-lines 25` to see the end of its log, where everybody can read it");
    }
    conclusion.log = failure.log;
    Some(conclusion)
}

fn unrecoverable_resource(
    observation: &Observation,
    counted: CountedPods<'_>,
) -> Option<UnrecoverableResource> {
    let read = observation.pods.as_ref()?;
    let mut pods = read.pods.iter();
    let pod = pods.find_map(|pod| {
        unrecoverable_pod(observation, pod).filter(|_| counted.contains(&pod.node))
    });
    pod.or_else(|| {
        let mut controllers = read.failed_controllers.iter();
        controllers.find_map(|node| {
            failed_controller(observation, node).filter(|_| counted.contains(node))
        })
    })
}

fn unrecoverable_pod(
    observation: &Observation,
    observed: &ObservedPod,
) -> Option<UnrecoverableResource> {
    let history = observation.pod_histories.pod(&observed.node.uid)?;
    let failure = pods::unrecoverable(&observed.pod, history, &GracePeriods::default())?;
    if is_retried_by_job(&observed.pod, &failure) {
        return None;
    }
    Some(UnrecoverableResource {
        name: observed.node.name.clone(),
        reason: failure.reason,
        log: log_place(observed, failure.container.as_deref()),
        text: failure.text,
        images: observed.node.images.clone(),
    })
}

/// A Job creates another pod for one that has failed, and says itself when it gives up.
fn is_retried_by_job(pod: &Pod, failure: &Unrecoverable) -> bool {
    let is_of_job = pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job");
    is_of_job && [CRASH_LOOP, OUT_OF_MEMORY, INIT_FAILED].contains(&failure.reason)
}

/// Returns the log of a container, if it has started and so has one.
fn log_place(observed: &ObservedPod, container: Option<&str>) -> Option<LogPlace> {
    let pod = &observed.pod;
    let container = pod
        .all_containers()
        .find(|candidate| Some(candidate.name.as_str()) == container)?;
    let has_restarted = container.last.is_some();
    let has_ended = matches!(container.state, RunState::Terminated(_));
    if !has_restarted && container.restarts == 0 && !has_ended {
        return None;
    }
    Some(LogPlace {
        namespace: pod.namespace.clone(),
        pod: observed.node.name.clone(),
        container: container.name.clone(),
        has_restarted,
    })
}

fn failed_controller(
    observation: &Observation,
    node: &ResourceNode,
) -> Option<UnrecoverableResource> {
    let since = observation.pod_histories.failing_since(&node.uid)?;
    if observation.now.saturating_sub(since) < CREATE_GRACE {
        return None;
    }
    let failure = failed_create(node.health.as_ref().map_or("", |health| &health.message))?;
    Some(UnrecoverableResource {
        name: format!("{}/{}", node.kind, node.name),
        reason: failure.reason,
        text: failure.text,
        images: Vec::new(),
        log: None,
    })
}

#[cfg(test)]
mod tests;

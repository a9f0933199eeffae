//! Whether a pod fails in a way from which it cannot recover.

mod scope;

use std::time::Duration;

use argocd::ResourceNode;
use contract::Reason;
use pods::{
    CONFIG_ERROR, CRASH_LOOP, CRASHED_BEFORE, GracePeriods, IMAGE_PULL, IMAGE_PULL_DENIED,
    INIT_FAILED, NAME_RESERVED, NODE_PRESSURE, NODE_RUNTIME, NOT_READY, OUT_OF_MEMORY,
    POD_REJECTED, Pod, RunState, SANDBOX, SETTINGS_MISSING, SIDECAR, START_FAILED, UNSCHEDULABLE,
    Unrecoverable, VOLUME, failed_create, failed_creation, waits_for_new_node,
};

use self::scope::FailureScope;
use crate::{
    judge::{
        blame,
        decision::{Conclusion, WaitDecision},
        history::{ApplicationHistory, LastingPhase},
        image,
        message::tidy,
        revision,
    },
    observe::{ApplicationPods, FollowUp, LogPlace, Observation, ObservedPod},
    reasons::NEWER_COMMIT_FAILED,
    request::Request,
};

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

/// The failures of an application's pods.
enum PodsTrouble {
    Failed(UnrecoverableResource),
    /// The events of this object tell whether something is wrong.
    Asks(Box<ResourceNode>, String),
}

impl PodsTrouble {
    /// A crash that pods of the version before share does not blame the change.
    fn unless_shared(self, node: &ResourceNode, read: &ApplicationPods) -> Self {
        const CRASHES: [Reason; 3] = [CRASH_LOOP, OUT_OF_MEMORY, INIT_FAILED];
        let Self::Failed(failure) = self else {
            return self;
        };
        let is_crash = CRASHES.contains(&failure.reason);
        let Some(before) = read.crashed_before(node).filter(|_| is_crash) else {
            return Self::Failed(failure);
        };
        let (text, before) = (&failure.text, &before.name);
        Self::Failed(UnrecoverableResource {
            reason: CRASHED_BEFORE,
            text: format!("{text}; {before}, of the version before, crashes, too"),
            ..failure
        })
    }
}

/// The pods whose failures count. During a rollout the old pods are still the newest, and their
/// failures do not count: the commit may be what helps them.
#[derive(Debug, Clone, Copy)]
struct CountedPods<'a> {
    /// Those that were created after this time, if something was applied.
    created_after: Option<&'a str>,
    /// Older ones, too, if they are still the newest of their Deployment.
    older: bool,
    /// Those that belong to what decides about the application.
    scope: FailureScope<'a>,
    grace: GracePeriods,
}

impl CountedPods<'_> {
    fn contains(&self, node: &ResourceNode, read: &ApplicationPods) -> bool {
        if !self.scope.contains(node, read) {
            return false;
        }
        let created = node.created_at.as_deref();
        let counts_older = self.older && self.scope.may_be_of_change(node);
        let Some((created, applied)) = created.zip(self.created_after) else {
            return counts_older;
        };
        // Both times have whole seconds and are in UTC, so their texts compare.
        created > applied
            || (created == applied && self.scope.runs_image(node))
            || (counts_older && !is_replaced_one_by_one(node))
    }
}

/// A StatefulSet and a DaemonSet replace their pods one after the other, which may take any time.
/// A Job never does.
fn is_replaced_one_by_one(node: &ResourceNode) -> bool {
    node.parent_refs
        .iter()
        .any(|parent| matches!(parent.kind.as_str(), "StatefulSet" | "DaemonSet" | "Job"))
}

/// Refuses an application with a pod that cannot recover; a newer image there supersedes the
/// request. `is_healthy` says that Argo CD finds nothing wrong with the application.
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
    is_healthy: bool,
) -> Option<WaitDecision> {
    let read = observation.pods.as_ref()?;
    let counted = CountedPods {
        created_after: observation.applied_since(),
        older: history.lasted(LastingPhase::Applied, observation.now) >= ROLLOUT_GRACE,
        scope: FailureScope::new(request, &observation.app, is_healthy),
        grace: request.grace,
    };
    history.pod_warning = warning(observation, read, &counted);
    let is_later = revision::is_descendant(request, &observation.app);
    history.image_roots = scope::image_roots(request, read, is_later);
    history.ready_roots = scope::ready_roots(request, read);
    history.given_up.extend(scope::given_up_roots(read));
    match trouble(observation, read, &counted)? {
        PodsTrouble::Failed(failure) => Some(failed(request, observation, failure).into()),
        PodsTrouble::Asks(node, text) => {
            let follow_ups = vec![FollowUp::Events(node), FollowUp::FailingPods];
            Some(WaitDecision::wait(NOT_READY, text, follow_ups))
        }
    }
}

fn failed(
    request: &Request,
    observation: &Observation,
    failure: UnrecoverableResource,
) -> Conclusion {
    let reason = blame::of_policy(request, failure.reason, &failure.text);
    let mut conclusion = match image::newer_image(request, observation, &failure.images) {
        Some(newer) => image::superseded(request, observation, newer),
        None => {
            let text = format!("cannot become healthy: {}, {}", failure.name, failure.text);
            Conclusion::refused(blamed(request, observation, reason), text)
        }
    };
    if conclusion.reason == Some(NEWER_COMMIT_FAILED) {
        conclusion = conclusion.hinted(blame::newer_commit_hint(request));
    }
    if conclusion.reason == Some(failure.reason)
        && let Some(hint) = hint(failure.reason)
    {
        conclusion = conclusion.hinted(hint);
    }
    if failure.log.is_some() && request.log_lines == 0 {
        conclusion = conclusion
            .hinted("pass `--log-lines 25` to see the end of its log, where everybody can read it");
    }
    conclusion.log = failure.log;
    conclusion
}

/// Returns the reason of a failing pod. One that runs the image proves that itself, whatever commit
/// brought it.
fn blamed(request: &Request, observation: &Observation, reason: Reason) -> Reason {
    match &request.image {
        Some(_) => reason,
        None => blame::at_revision(request, &observation.app, reason),
    }
}

/// Returns what to do about a failure: where to look, or the flag that tolerates it for longer.
fn hint(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        CRASH_LOOP => {
            "if it ends until something else has started, pass `--max-restarts N` to allow for \
             that, or 0 to leave it to the timeout"
        }
        CRASHED_BEFORE => {
            "check what both versions need, such as a database: a rollback may not help"
        }
        CONFIG_ERROR | SETTINGS_MISSING => {
            "if something creates that later, pass a longer `--config-grace`"
        }
        UNSCHEDULABLE | VOLUME | SANDBOX => {
            "if that may take longer, pass a longer `--schedule-grace`"
        }
        IMAGE_PULL => "if that may take longer, pass a longer `--pull-grace`",
        IMAGE_PULL_DENIED => {
            "give the pods a pull secret that is valid for this registry (`imagePullSecrets`)"
        }
        SIDECAR => "check that container: the image that this step waits for is not to blame",
        NODE_RUNTIME | NODE_PRESSURE | NAME_RESERVED | START_FAILED | POD_REJECTED => {
            "check the node: the image is not proven to be to blame"
        }
        _ => return None,
    })
}

fn trouble(
    observation: &Observation,
    read: &ApplicationPods,
    counted: &CountedPods<'_>,
) -> Option<PodsTrouble> {
    let mut pods = read.pods.iter();
    let pod = pods.find_map(|observed| {
        let trouble = pod_trouble(observation, observed, counted)?;
        let counts = counted.contains(&observed.node, read);
        counts.then(|| trouble.unless_shared(&observed.node, read))
    });
    pod.or_else(|| {
        let mut controllers = read.failed_controllers.iter();
        let failure = controllers.find_map(|node| {
            let failure = failed_controller(observation, node, &counted.grace)?;
            counted.contains(node, read).then_some(failure)
        });
        let failure = failure.or_else(|| given_up(observation, read, counted));
        failure.map(PodsTrouble::Failed)
    })
}

/// Returns the failure of a resource whose pods are given up by their nodes, one after the other.
fn given_up(
    observation: &Observation,
    read: &ApplicationPods,
    counted: &CountedPods<'_>,
) -> Option<UnrecoverableResource> {
    let of_pods = read.pods.iter().map(|observed| &observed.node);
    let mut decisive = of_pods.filter(|node| counted.scope.contains(node, read));
    decisive.find_map(|node| {
        let root = read.roots.get(&node.uid)?;
        let given_up = observation.pod_histories.given_up(&root.node.uid)?;
        let (name, failure) = given_up.failure(&counted.grace, observation.now)?;
        Some(UnrecoverableResource {
            name,
            reason: failure.reason,
            text: failure.text,
            images: node.images.clone(),
            log: None,
        })
    })
}

/// Returns what is wrong with a pod and may pass, for the report at the deadline: of what decides,
/// else of anything.
fn warning(
    observation: &Observation,
    read: &ApplicationPods,
    counted: &CountedPods<'_>,
) -> Option<String> {
    let counts = |node: &&ResourceNode| counted.scope.contains(node, read);
    let warnings = || {
        let pods = read.pods.iter();
        let of_pods = pods.filter_map(|observed| {
            Some((
                &observed.node,
                pod_warning(observation, observed, &counted.grace)?,
            ))
        });
        let controllers = read.failed_controllers.iter();
        of_pods.chain(controllers.filter_map(|node| Some((node, controller_warning(node)?))))
    };
    let text = warnings()
        .find(|(node, _)| counts(node))
        .or_else(|| warnings().next());
    let stuck = stuck_pod(observation, read, counted);
    stuck.or_else(|| text.map(|(_, text)| tidy(&text)))
}

/// Returns what to do about a pod of before that fails: its StatefulSet replaces the others only
/// once that one is ready, which it never will be (kubernetes/kubernetes#67250).
fn stuck_pod(
    observation: &Observation,
    read: &ApplicationPods,
    counted: &CountedPods<'_>,
) -> Option<String> {
    let mut pods = read.pods.iter();
    pods.find_map(|observed| {
        let mut parents = observed.node.parent_refs.iter();
        let set = parents.find(|parent| parent.kind == "StatefulSet")?;
        let trouble = pod_trouble(observation, observed, counted)?;
        let PodsTrouble::Failed(failure) = trouble else {
            return None;
        };
        let (name, text) = (failure.name, tidy(&failure.text));
        let is_of_before = !counted.contains(&observed.node, read);
        is_of_before.then(|| {
            format!(
                "StatefulSet/{} waits for {name}, which cannot recover ({text}): delete that pod",
                set.name
            )
        })
    })
}

fn pod_warning(
    observation: &Observation,
    observed: &ObservedPod,
    grace: &GracePeriods,
) -> Option<String> {
    let pod = &observed.pod;
    if let Some(node) = pod.lost_node() {
        return Some(format!("{} is on {node}, which does not answer", pod.name));
    }
    match pod.unschedulable() {
        Some(_) if awaits_new_node(observation, observed, grace) => {
            let name = &pod.name;
            Some(format!(
                "{name} waits for a node that an autoscaler is adding"
            ))
        }
        Some(scheduled) => Some(format!("{}: {}", pod.name, scheduled.message)),
        None => pods::warning(pod, observation.pod_histories.pod(&observed.node.uid)?),
    }
}

fn awaits_new_node(
    observation: &Observation,
    observed: &ObservedPod,
    grace: &GracePeriods,
) -> bool {
    let uid = &observed.node.uid;
    let history = observation.pod_histories.pod(uid);
    let known = history.zip(observation.events(uid));
    known.is_some_and(|(history, events)| waits_for_new_node(history, grace, events))
}

fn controller_warning(node: &ResourceNode) -> Option<String> {
    let message = node.health.as_ref().map(|health| health.message.as_str());
    Some(format!("{}/{}: {}", node.kind, node.name, message?))
}

fn pod_trouble(
    observation: &Observation,
    observed: &ObservedPod,
    counted: &CountedPods<'_>,
) -> Option<PodsTrouble> {
    let grace = &counted.grace;
    let (node, pod) = (&observed.node, &observed.pod);
    let history = observation.pod_histories.pod(&node.uid)?;
    let events = observation.events(&node.uid);
    let asks = |text: &str| {
        let text = format!("{}: {text}", node.name);
        PodsTrouble::Asks(Box::new(node.clone()), text)
    };
    let failure = match pods::unrecoverable(pod, history, grace) {
        Some(failure) => failure,
        // Its volumes or its network keep its containers from being created.
        None if history.creating() >= grace.schedule && !pod.is_terminating() => match events {
            None => return Some(asks("its containers are being created")),
            Some(events) => failed_creation(events)?,
        },
        None => return None,
    };
    if is_retried_by_job(pod, &failure) {
        return None;
    }
    if failure.reason == UNSCHEDULABLE {
        match events {
            None => return Some(asks(&failure.text)),
            Some(_) if awaits_new_node(observation, observed, grace) => return None,
            Some(_) => {}
        }
    }
    let failure = counted.scope.of_image(failure, pod, node);
    Some(PodsTrouble::Failed(UnrecoverableResource {
        name: node.name.clone(),
        reason: failure.reason,
        log: log_place(observed, failure.container.as_deref()),
        text: failure.text,
        images: node.images.clone(),
    }))
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
    grace: &GracePeriods,
) -> Option<UnrecoverableResource> {
    let since = observation.pod_histories.failing_since(&node.uid)?;
    // A webhook may be restarting.
    if observation.now.saturating_sub(since) < grace.config {
        return None;
    }
    let failure = failed_create(node.health.as_ref().map_or("", |health| &health.message))?;
    Some(UnrecoverableResource {
        name: format!("{}/{}", node.kind, node.name),
        reason: failure.reason,
        text: failure.text,
        images: node.images.clone(),
        log: None,
    })
}

#[cfg(test)]
mod tests;

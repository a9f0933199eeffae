//! One crash of a container, when that is enough for a failure.

use crate::{GracePeriods, Pod, PodHistory, Unrecoverable, unrecoverable::last_crash};

/// Returns the crash that the last observation of a pod showed, if `--max-restarts` does not permit
/// it. Ask when all pods should stay ready: then one crash is enough.
///
/// ```
/// use std::time::Duration;
/// use pods::{Container, GracePeriods, Pod, PodHistory, Termination, crash};
///
/// let mut pod = Pod { containers: vec![Container::default()], ..Pod::default() };
/// let mut history = PodHistory::default();
/// history.observe(&pod, Duration::ZERO);
/// pod.containers[0].restarts = 1;
/// pod.containers[0].last = Some(Termination { code: 1, ..Termination::default() });
/// history.observe(&pod, Duration::from_secs(5));
/// let failure = crash(&pod, &history, &GracePeriods::default()).unwrap();
/// assert_eq!(failure.reason, pods::CRASH_LOOP);
/// ```
pub fn crash(pod: &Pod, history: &PodHistory, grace: &GracePeriods) -> Option<Unrecoverable> {
    if is_leaving(pod) || permits_a_crash(grace) {
        return None;
    }
    last_crash(pod, history, grace)
}

/// Returns whether the pod is replaced or is being stopped by its node: that ends its containers.
fn is_leaving(pod: &Pod) -> bool {
    let is_disrupted = pod
        .condition("DisruptionTarget")
        .is_some_and(|target| target.is_true);
    pod.outdated || pod.is_terminating() || pod.was_given_up() || is_disrupted
}

/// The default number of restarts counts crashes before the pods are ready; a larger one, and 0,
/// say that the containers may crash.
fn permits_a_crash(grace: &GracePeriods) -> bool {
    grace.max_restarts == 0 || grace.max_restarts > GracePeriods::default().max_restarts
}

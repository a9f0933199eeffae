//! Workloads of kinds that this step does not read: what their pods and ReplicaSets tell.

use std::collections::BTreeSet;

use kubernetes as k;
use pods::{Pod, PreviousTemplate, Rollout};

use super::controller::controller;
use crate::request::WorkloadName;

/// Returns whether a pod belongs to a workload.
pub(super) fn is_owner(name: &WorkloadName, pod: &Pod) -> bool {
    pod.owner
        .as_ref()
        .is_some_and(|owner| name.kind.is_of(&owner.kind) && owner.name == name.name)
}

/// Makes the workload from its pods; `None` if there are none.
pub(super) fn rollout(
    name: &WorkloadName,
    view: &k::NamespaceView,
    pods: &[Pod],
) -> Option<Rollout> {
    let first = active(pods).next()?;
    let count = u32::try_from(active(pods).count()).unwrap_or(u32::MAX);
    let wanted = by_replica_sets(name, view).max(count);
    Some(Rollout {
        kind: name.kind.clone(),
        namespace: first.namespace.clone(),
        name: name.name.clone(),
        id: String::new(),
        images: images(pods),
        observed: true,
        wanted,
        updated: wanted,
        paused: false,
        on_delete: false,
        partition: 0,
        stalled: None,
        replica_failure: None,
        available: None,
        min_ready_seconds: 0,
        not_available: None,
        ordered: false,
        previous: PreviousTemplate::Unknown,
    })
}

/// Returns the images of the pods.
pub(super) fn images(pods: &[Pod]) -> Vec<String> {
    let containers = active(pods).flat_map(Pod::all_containers);
    let images: BTreeSet<&String> = containers.map(|container| &container.image).collect();
    images.into_iter().cloned().collect()
}

fn active(pods: &[Pod]) -> impl Iterator<Item = &Pod> {
    pods.iter()
        .filter(|pod| !pod.has_ended() && !pod.is_terminating())
}

/// Returns the number of pods that the workload's ReplicaSets want.
fn by_replica_sets(name: &WorkloadName, view: &k::NamespaceView) -> u32 {
    let own = view.replica_sets.values().filter(|set| {
        controller(&set.metadata)
            .is_some_and(|owner| name.kind.is_of(&owner.kind) && owner.name == name.name)
    });
    own.map(|set| set.spec.replicas.unwrap_or(0)).sum()
}

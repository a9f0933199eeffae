//! Pods whose controller has another unique id than they name, as stand-ins for an API server may
//! show them. A real cluster is not known to do so; for such pods the name decides, within the limits
//! of [`MirroredControllers::of`].

use std::collections::{BTreeMap, BTreeSet};

use kubernetes as k;

use super::controller::controller;

/// The unique ids of controllers by what their pods name instead.
#[derive(Debug, Default)]
pub(super) struct MirroredControllers<'v>(BTreeMap<OwnerClaim<'v>, &'v str>);

/// What a pod says of its controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OwnerClaim<'v> {
    kind: &'v str,
    name: &'v str,
    uid: &'v str,
}

/// A controller that pods may name.
#[derive(Clone, Copy)]
struct MirroredController<'v> {
    uid: &'v str,
    counts: PodCounts,
}

/// The pods that a controller counts as its own, or that make the same claim.
#[derive(Debug, Clone, Copy, Default)]
struct PodCounts {
    active: u32,
    ready: u32,
}

impl<'v> MirroredControllers<'v> {
    /// Finds them. The name is enough only if no pod at all has the controller's id, and if the
    /// controller itself counts as many pods as claim its name: a pod that is made by hand to claim
    /// a name is not among those. If more claim it, with several ids, the pods of one id are
    /// believed if they alone are as many, and as many of them ready, as the controller counts.
    pub(super) fn of(view: &'v k::NamespaceView) -> Self {
        let owned = owned(view);
        let candidates = candidates(view, &owned);
        let mut claims = claims(view);
        claims.retain(|claim, _| candidates.values().all(|found| found.uid != claim.uid));
        let mut believed = BTreeMap::new();
        for ((kind, name), found) in candidates {
            if owned.contains(found.uid) {
                continue;
            }
            let of_name = claims
                .iter()
                .filter(|(claim, _)| (claim.kind, claim.name) == (kind, name));
            for claim in fitting(&of_name.collect::<Vec<_>>(), found.counts) {
                believed.insert(claim, found.uid);
            }
        }
        Self(believed)
    }

    /// Returns the unique id of the controller that a pod means.
    pub(super) fn id_of<'o>(&self, owner: &'o k::OwnerReference) -> &'o str
    where
        'v: 'o,
    {
        self.0.get(&claim(owner)).copied().unwrap_or(&owner.uid)
    }
}

fn claim(owner: &k::OwnerReference) -> OwnerClaim<'_> {
    OwnerClaim {
        kind: &owner.kind,
        name: &owner.name,
        uid: &owner.uid,
    }
}

/// Returns the claims that the controller's own counts confirm.
fn fitting<'v>(
    claims: &[(&OwnerClaim<'v>, &PodCounts)],
    counted: PodCounts,
) -> Vec<OwnerClaim<'v>> {
    let all: u32 = claims.iter().map(|(_, pods)| pods.active).sum();
    if all <= counted.active {
        return claims.iter().map(|(claim, _)| **claim).collect();
    }
    let mut alone = claims
        .iter()
        .filter(|(_, pods)| pods.active <= counted.active && pods.ready == counted.ready);
    match (alone.next(), alone.next()) {
        (Some((claim, _)), None) => vec![**claim],
        _ => Vec::new(),
    }
}

/// Returns the ids that pods name as their controllers'.
fn owned(view: &k::NamespaceView) -> BTreeSet<&str> {
    let owners = view
        .pods
        .values()
        .filter_map(|pod| controller(&pod.metadata));
    owners.map(|owner| owner.uid.as_str()).collect()
}

fn claims(view: &k::NamespaceView) -> BTreeMap<OwnerClaim<'_>, PodCounts> {
    let mut claims: BTreeMap<_, PodCounts> = BTreeMap::new();
    for pod in view.pods.values() {
        if let Some(owner) = controller(&pod.metadata) {
            let counts = claims.entry(claim(owner)).or_default();
            counts.active += u32::from(is_active(pod));
            counts.ready += u32::from(is_active(pod) && is_ready(pod));
        }
    }
    claims
}

/// Returns all controllers of a namespace, by kind and name.
fn candidates<'v>(
    view: &'v k::NamespaceView,
    owned: &BTreeSet<&str>,
) -> BTreeMap<(&'v str, &'v str), MirroredController<'v>> {
    let mut candidates = BTreeMap::new();
    for (kind, objects) in &view.workloads {
        for object in objects.values() {
            let counts = counts_of(&object.status);
            insert(&mut candidates, kind.name(), &object.metadata, counts);
        }
    }
    for set in view.replica_sets.values() {
        let mut counts = counts_of(&set.status);
        if counts.active == 0 {
            counts = counts_of_deployment(view, set, owned);
        }
        insert(&mut candidates, "ReplicaSet", &set.metadata, counts);
    }
    candidates
}

/// Returns the counts of a ReplicaSet's Deployment, if none of its sets has a pod by its id.
fn counts_of_deployment(
    view: &k::NamespaceView,
    set: &k::ReplicaSet,
    owned: &BTreeSet<&str>,
) -> PodCounts {
    let Some(owner) = controller(&set.metadata) else {
        return PodCounts::default();
    };
    let is_sibling = |other: &&k::ReplicaSet| {
        controller(&other.metadata).is_some_and(|root| root.uid == owner.uid)
    };
    let mut siblings = view.replica_sets.values().filter(is_sibling);
    let has_pod = siblings.any(|other| {
        let uid = other.metadata.uid.as_deref();
        other.status.replicas > 0 || uid.is_some_and(|uid| owned.contains(uid))
    });
    let deployment = view.workload(k::ControllerKind::Deployment, &owner.name);
    let deployment = deployment.filter(|found| found.metadata.uid.as_ref() == Some(&owner.uid));
    match deployment {
        Some(deployment) if !has_pod => counts_of(&deployment.status),
        _ => PodCounts::default(),
    }
}

fn counts_of(status: &k::ControllerStatus) -> PodCounts {
    PodCounts {
        active: status.replicas.max(status.current_number_scheduled),
        ready: status.ready_replicas,
    }
}

fn insert<'v>(
    candidates: &mut BTreeMap<(&'v str, &'v str), MirroredController<'v>>,
    kind: &'v str,
    meta: &'v k::ObjectMeta,
    counts: PodCounts,
) {
    if let (Some(name), Some(uid)) = (&meta.name, &meta.uid) {
        candidates.insert((kind, name), MirroredController { uid, counts });
    }
}

/// Returns whether a controller counts a pod: it has not ended, and was not deleted.
fn is_active(pod: &k::PodObject) -> bool {
    let has_ended = ["Succeeded", "Failed"].contains(&pod.status.phase.as_str());
    !has_ended && pod.metadata.deletion_timestamp.is_none()
}

fn is_ready(pod: &k::PodObject) -> bool {
    let mut conditions = pod.status.conditions.iter();
    conditions.any(|condition| condition.kind == "Ready" && condition.status == "True")
}

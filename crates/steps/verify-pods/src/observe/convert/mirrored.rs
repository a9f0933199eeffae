//! Pods whose controller has another unique id than they name, as stand-ins for an API server may
//! show them. A real cluster is not known to do so; for such pods the name decides, within the limits
//! of [`MirroredControllers::of`].

use std::collections::{BTreeMap, BTreeSet};

use kubernetes as k;

use super::controller::controller;

/// The unique ids of controllers whose pods name another id, by kind and name.
#[derive(Debug, Default)]
pub(super) struct MirroredControllers<'v>(BTreeMap<(&'v str, &'v str), &'v str>);

/// A controller that pods may name.
struct MirroredController<'v> {
    uid: &'v str,
    /// The number of pods that it counts as its own.
    count: u32,
}

impl<'v> MirroredControllers<'v> {
    /// Finds them. The name is enough only if no pod at all has the controller's id, and if the
    /// controller itself counts as many pods as claim its name: a pod that is made by hand to claim
    /// a name is not among those.
    pub(super) fn of(view: &'v k::NamespaceView) -> Self {
        let candidates = candidates(view);
        let ids: BTreeSet<&str> = candidates.values().map(|found| found.uid).collect();
        let (mut owned, mut claims) = (BTreeSet::new(), BTreeMap::new());
        for pod in view.pods.values() {
            let Some(owner) = controller(&pod.metadata) else {
                continue;
            };
            if ids.contains(owner.uid.as_str()) {
                owned.insert(owner.uid.as_str());
            } else {
                let claim = (owner.kind.as_str(), owner.name.as_str());
                *claims.entry(claim).or_insert(0) += u32::from(is_active(pod));
            }
        }
        let believed = claims.into_iter().filter_map(|(claim, count)| {
            let found = candidates.get(&claim)?;
            let is_alone = !owned.contains(found.uid) && count <= found.count;
            is_alone.then_some((claim, found.uid))
        });
        Self(believed.collect())
    }

    /// Returns the unique id of the controller that a pod means.
    pub(super) fn id_of<'o>(&self, owner: &'o k::OwnerReference) -> &'o str
    where
        'v: 'o,
    {
        let claim = (owner.kind.as_str(), owner.name.as_str());
        self.0.get(&claim).copied().unwrap_or(&owner.uid)
    }
}

/// Returns all controllers of a namespace, by kind and name.
fn candidates(view: &k::NamespaceView) -> BTreeMap<(&str, &str), MirroredController<'_>> {
    let mut candidates = BTreeMap::new();
    for set in view.replica_sets.values() {
        insert(
            &mut candidates,
            "ReplicaSet",
            &set.metadata,
            set.status.replicas,
        );
    }
    for (kind, objects) in &view.workloads {
        for object in objects.values() {
            let status = &object.status;
            let count = status.replicas.max(status.current_number_scheduled);
            insert(&mut candidates, kind.name(), &object.metadata, count);
        }
    }
    candidates
}

fn insert<'v>(
    candidates: &mut BTreeMap<(&'v str, &'v str), MirroredController<'v>>,
    kind: &'v str,
    meta: &'v k::ObjectMeta,
    count: u32,
) {
    if let (Some(name), Some(uid)) = (&meta.name, &meta.uid) {
        candidates.insert((kind, name), MirroredController { uid, count });
    }
}

/// Returns whether a controller counts a pod: it has not ended, and was not deleted.
fn is_active(pod: &k::PodObject) -> bool {
    let has_ended = ["Succeeded", "Failed"].contains(&pod.status.phase.as_str());
    !has_ended && pod.metadata.deletion_timestamp.is_none()
}

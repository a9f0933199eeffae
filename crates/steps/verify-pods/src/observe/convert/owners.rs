//! Finds the workload of each pod by the unique ids of the owners: a pod made by hand
//! may name any owner.

use std::collections::BTreeMap;

use kubernetes as k;
use pods::Owner;

use super::{controller::controller, mirrored::MirroredControllers};

/// The controllers of a namespace.
pub(super) struct Owners<'v> {
    view: &'v k::NamespaceView,
    /// The ReplicaSets, by unique id.
    sets: BTreeMap<&'v str, &'v k::ReplicaSet>,
    /// The workloads, by unique id.
    workloads: BTreeMap<&'v str, WorkloadOwner<'v>>,
    /// The newest revision of each Deployment, by unique id.
    revisions: BTreeMap<&'v str, u64>,
    mirrored: MirroredControllers<'v>,
}

/// The workload that a pod belongs to.
#[derive(Clone, Copy)]
pub(super) struct WorkloadOwner<'v> {
    kind: k::ControllerKind,
    pub(super) workload: &'v k::Workload,
}

impl<'v> Owners<'v> {
    pub(super) fn of(view: &'v k::NamespaceView) -> Self {
        let mut owners = Self {
            view,
            sets: BTreeMap::new(),
            workloads: BTreeMap::new(),
            revisions: BTreeMap::new(),
            mirrored: MirroredControllers::of(view),
        };
        for set in view.replica_sets.values() {
            owners.sets.insert(uid(&set.metadata), set);
            if let (Some(deployment), Some(revision)) = (controller(&set.metadata), revision(set)) {
                let newest = owners.revisions.entry(&deployment.uid).or_insert(revision);
                *newest = revision.max(*newest);
            }
        }
        for (kind, objects) in &view.workloads {
            for workload in objects.values() {
                let owner = WorkloadOwner {
                    kind: *kind,
                    workload,
                };
                owners.workloads.insert(uid(&workload.metadata), owner);
            }
        }
        owners
    }

    /// Returns the workload that a pod belongs to: a Deployment owns its pods through ReplicaSets.
    pub(super) fn workload_of(&self, pod: &k::PodObject) -> Option<WorkloadOwner<'v>> {
        let owner = controller(&pod.metadata)?;
        if owner.kind != "ReplicaSet" {
            return self.workload(owner);
        }
        match self.sets.get(self.mirrored.id_of(owner)) {
            Some(set) => self.workload(controller(&set.metadata)?),
            None => self.deployment_of_deleted_set(pod, &owner.name),
        }
    }

    /// Returns the controller of a pod, or the controller of its ReplicaSet: of a kind that this step
    /// does not know. Of the kinds that are always watched, one that is not there controls nothing:
    /// the pod only claims it.
    pub(super) fn root_of(&self, pod: &k::PodObject) -> Option<Owner> {
        let owner = controller(&pod.metadata)?;
        let root = match owner.kind.as_str() {
            "ReplicaSet" => {
                let set = self.sets.get(self.mirrored.id_of(owner))?;
                controller(&set.metadata).unwrap_or(owner)
            }
            "Deployment" | "StatefulSet" | "DaemonSet" => {
                self.workload(owner)?;
                owner
            }
            _ => owner,
        };
        Some(Owner {
            kind: root.kind.clone(),
            name: root.name.clone(),
        })
    }

    fn workload(&self, owner: &k::OwnerReference) -> Option<WorkloadOwner<'v>> {
        let found = self.workloads.get(self.mirrored.id_of(owner)).copied();
        found.filter(|found| found.kind.name() == owner.kind)
    }

    /// A ReplicaSet beyond the revision history limit is deleted while its last pods still
    /// terminate. They can only delay a rollout, so here the name is enough.
    fn deployment_of_deleted_set(
        &self,
        pod: &k::PodObject,
        set: &str,
    ) -> Option<WorkloadOwner<'v>> {
        let is_deleted = !self.view.replica_sets.contains_key(set);
        if !is_deleted || pod.metadata.deletion_timestamp.is_none() {
            return None;
        }
        let (deployment, _) = set.rsplit_once('-')?;
        let kind = k::ControllerKind::Deployment;
        let workload = self.view.workload(kind, deployment)?;
        Some(WorkloadOwner { kind, workload })
    }

    /// Returns whether a pod was created from an older template; false when that is unknown.
    pub(super) fn are_newer(&self, pod: &k::PodObject, owner: WorkloadOwner<'v>) -> bool {
        let (meta, status) = (&owner.workload.metadata, &owner.workload.status);
        let (label, wanted) = match owner.kind {
            k::ControllerKind::Deployment => return self.are_newer_than_set(pod, owner.workload),
            k::ControllerKind::StatefulSet | k::ControllerKind::CloneSet => {
                (k::REVISION_LABEL, Some(status.update_revision.as_str()))
            }
            k::ControllerKind::DaemonSet => {
                let generation = mark(meta.annotations.as_ref(), k::GENERATION);
                (k::GENERATION_LABEL, generation)
            }
            k::ControllerKind::Rollout => {
                (k::ROLLOUT_LABEL, Some(status.current_pod_hash.as_str()))
            }
        };
        // The label of a CloneSet's pod may be the end of the revision's name.
        mark(pod.metadata.labels.as_ref(), label)
            .zip(wanted.filter(|hash| !hash.is_empty()))
            .is_some_and(|(own, wanted)| own != wanted && !wanted.ends_with(&format!("-{own}")))
    }

    fn are_newer_than_set(&self, pod: &k::PodObject, deployment: &k::Workload) -> bool {
        let owner = controller(&pod.metadata);
        let Some(set) = owner.and_then(|owner| self.sets.get(self.mirrored.id_of(owner))) else {
            return true;
        };
        revision(set)
            .zip(self.revisions.get(uid(&deployment.metadata)))
            .is_some_and(|(own, newest)| own < *newest)
    }
}

fn uid(meta: &k::ObjectMeta) -> &str {
    meta.uid.as_deref().unwrap_or_default()
}

/// Returns the number of a ReplicaSet's template among those of its Deployment.
pub(super) fn revision(set: &k::ReplicaSet) -> Option<u64> {
    mark(set.metadata.annotations.as_ref(), k::REVISION)?
        .parse()
        .ok()
}

fn mark<'a>(marks: Option<&'a k::Labels>, name: &str) -> Option<&'a str> {
    marks?.get(name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn metadata(name: &str, uid: &str, owner: Option<(&str, &str, &str)>) -> Value {
        let owners = owner.map(|(kind, name, uid)| {
            json!([{
                "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid,
                "controller": true,
            }])
        });
        json!({ "name": name, "uid": uid, "ownerReferences": owners })
    }

    fn object<K: serde::de::DeserializeOwned>(metadata: Value) -> K {
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    fn view() -> k::NamespaceView {
        let mut view = k::NamespaceView::default();
        for (kind, name) in [
            (k::ControllerKind::Deployment, "app"),
            (k::ControllerKind::StatefulSet, "db"),
            (k::ControllerKind::DaemonSet, "agent"),
        ] {
            let workload = object(metadata(name, &format!("uid-of-{name}"), None));
            view.workloads
                .entry(kind)
                .or_default()
                .insert(name.to_owned(), workload);
        }
        for (set, uid, deployment) in [
            ("app-abc", "uid-of-app-abc", "uid-of-app"),
            ("app-forged", "uid-of-app-forged", "another"),
        ] {
            let owner = ("Deployment", "app", deployment);
            let set_object = object(metadata(set, uid, Some(owner)));
            view.replica_sets.insert(set.to_owned(), set_object);
        }
        view
    }

    /// Returns the name of the workload of a pod with this controller.
    fn workload_of(kind: &str, name: &str, uid: &str, is_deleted: bool) -> Option<String> {
        let mut metadata = metadata("pod", "uid-of-pod", Some((kind, name, uid)));
        if is_deleted {
            metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        let view = view();
        let owner = Owners::of(&view).workload_of(&object(metadata))?;
        owner.workload.metadata.name.clone()
    }

    #[test]
    fn an_owner_is_known_by_its_uid() {
        for (kind, name, uid, workload) in [
            ("ReplicaSet", "app-abc", "uid-of-app-abc", "app"),
            ("StatefulSet", "db", "uid-of-db", "db"),
            ("DaemonSet", "agent", "uid-of-agent", "agent"),
        ] {
            let found = workload_of(kind, name, uid, false);
            assert_eq!(found.as_deref(), Some(workload));
            assert_eq!(workload_of(kind, name, "another", false), None);
            assert_eq!(workload_of(kind, name, "another", true), None);
        }
        assert_eq!(workload_of("Job", "db", "uid-of-db", false), None);
    }

    #[test]
    fn a_replica_set_of_another_deployment_does_not_count() {
        let found = workload_of("ReplicaSet", "app-forged", "uid-of-app-forged", false);
        assert_eq!(found, None);
    }

    #[test]
    fn a_claim_makes_no_controller() {
        let root = |kind, name, uid| {
            let view = view();
            let pod = object(metadata("pod", "uid-of-pod", Some((kind, name, uid))));
            Owners::of(&view).root_of(&pod).map(|root| root.name)
        };
        assert_eq!(root("ReplicaSet", "app-abc", "another"), None);
        assert_eq!(root("StatefulSet", "db", "another"), None);
        assert_eq!(root("Rollout", "canary", "any").as_deref(), Some("canary"));
        let forged = root("ReplicaSet", "app-forged", "uid-of-app-forged");
        assert_eq!(forged.as_deref(), Some("app"));
    }

    /// Returns the workloads of pods that claim `app-abc`, each by a uid.
    fn claimed_by(uids: &[&str], counted: u32) -> Vec<Option<String>> {
        let mut view = view();
        for (index, uid) in uids.iter().enumerate() {
            let name = format!("pod-{index}");
            let owner = ("ReplicaSet", "app-abc", *uid);
            view.pods
                .insert(name.clone(), object(metadata(&name, &name, Some(owner))));
        }
        let set = view.replica_sets.get_mut("app-abc").unwrap();
        set.status.replicas = counted;
        let owners = Owners::of(&view);
        let workloads = view.pods.values().map(|pod| owners.workload_of(pod));
        workloads
            .map(|owner| owner?.workload.metadata.name.clone())
            .collect()
    }

    #[test]
    fn a_name_suffices_only_where_no_uid_fits() {
        let app = || Some("app".to_owned());
        assert_eq!(claimed_by(&["old", "old"], 2), [app(), app()]);
        assert_eq!(claimed_by(&["old", "old"], 1), [None, None]);
        assert_eq!(claimed_by(&["uid-of-app-abc", "old"], 2), [app(), None]);
    }

    #[test]
    fn of_several_claims_the_counted_one_is_believed() {
        let claimed = |ready: [bool; 2]| {
            let mut view = view();
            for (uid, is_ready) in ["old", "forged"].into_iter().zip(ready) {
                let owner = ("ReplicaSet", "app-abc", uid);
                let mut pod: k::PodObject = object(metadata(uid, uid, Some(owner)));
                pod.status.conditions = vec![k::StatusCondition {
                    kind: "Ready".to_owned(),
                    status: if is_ready { "True" } else { "False" }.to_owned(),
                    ..k::StatusCondition::default()
                }];
                view.pods.insert(uid.to_owned(), pod);
            }
            let deployments = view
                .workloads
                .get_mut(&k::ControllerKind::Deployment)
                .unwrap();
            let status = &mut deployments.get_mut("app").unwrap().status;
            (status.replicas, status.ready_replicas) = (1, 1);
            let owners = Owners::of(&view);
            ["old", "forged"].map(|pod| owners.workload_of(&view.pods[pod]).is_some())
        };
        assert_eq!(claimed([true, false]), [true, false]);
        assert_eq!(claimed([true, true]), [false, false]);
    }

    #[test]
    fn only_terminating_pods_outlive_their_replica_set() {
        let gone = |is_deleted| workload_of("ReplicaSet", "app-gone", "gone", is_deleted);
        assert_eq!(gone(true).as_deref(), Some("app"));
        assert_eq!(gone(false), None);
    }
}

//! The resources of an application to which pods belong.

use std::collections::{BTreeMap, HashMap};

use argocd::{ApplicationId, ApplicationTree, ArgoCd, ResourceNode};
use contract::Failure;

/// Takes a resource out of its application's health (argo-cd, `controller/health.go`).
const IGNORE_HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";
/// The longest chain of owners: Rollout, ReplicaSet, Pod; operators may add some.
const MAX_DEPTH: usize = 16;
/// The largest number of resources whose annotations are read.
const MAX_ANNOTATED: usize = 20;

/// A resource of an application, the first in the chain of a pod's owners.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RootResource {
    pub(crate) node: ResourceNode,
    /// Whether its health does not count for the application.
    pub(crate) is_health_ignored: bool,
    /// Whether the pod is of a run that a CronJob started.
    pub(crate) is_scheduled: bool,
}

impl RootResource {
    /// Returns its health; empty if it has none.
    pub(crate) fn health(&self) -> &str {
        let health = self.node.health.as_ref();
        health.map_or("", |health| &health.status)
    }
}

/// Returns the roots of these nodes, by the nodes' unique ids.
pub(super) fn roots<'n>(
    tree: &ApplicationTree,
    nodes: impl Iterator<Item = &'n ResourceNode>,
) -> BTreeMap<String, RootResource> {
    let by_id: HashMap<&str, &ResourceNode> = tree
        .nodes
        .iter()
        .map(|node| (node.uid.as_str(), node))
        .collect();
    nodes
        .map(|node| (node.uid.clone(), root(&by_id, node)))
        .collect()
}

fn root(by_id: &HashMap<&str, &ResourceNode>, node: &ResourceNode) -> RootResource {
    let mut at = node;
    let mut is_scheduled = false;
    for _ in 0..MAX_DEPTH {
        is_scheduled |= at.kind == "CronJob";
        let mut parents = at.parent_refs.iter();
        match parents.find_map(|parent| by_id.get(parent.uid.as_str())) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    // A CronJob may be missing in the tree although its Job is there.
    let mut parents = at.parent_refs.iter();
    is_scheduled |= parents.any(|parent| parent.kind == "CronJob");
    RootResource {
        node: at.clone(),
        is_health_ignored: false,
        is_scheduled,
    }
}

/// Reads which roots of these nodes do not count for the application's health.
///
/// # Errors
/// As [`ArgoCd::object`].
pub(super) async fn read_annotations<'n>(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    roots: &mut BTreeMap<String, RootResource>,
    nodes: impl Iterator<Item = &'n ResourceNode>,
) -> Result<(), Failure> {
    let unhealthy: BTreeMap<String, ResourceNode> = nodes
        .filter_map(|node| roots.get(&node.uid))
        .filter(|root| !matches!(root.health(), "" | "Healthy"))
        .map(|root| (root.node.uid.clone(), root.node.clone()))
        .take(MAX_ANNOTATED)
        .collect();
    for node in unhealthy.values() {
        let object = argocd.object(app, node).await?;
        let is_ignored =
            object.is_some_and(|object| object["metadata"]["annotations"][IGNORE_HEALTH] == "true");
        for root in roots.values_mut().filter(|root| root.node.uid == node.uid) {
            root.is_health_ignored = is_ignored;
        }
    }
    Ok(())
}

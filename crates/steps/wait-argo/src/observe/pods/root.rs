//! The resources of an application to which pods belong.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

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
    fn of(node: &ResourceNode, is_scheduled: bool) -> Self {
        Self {
            node: node.clone(),
            is_health_ignored: false,
            is_scheduled,
        }
    }

    /// Returns its health; empty if it has none.
    pub(crate) fn health(&self) -> &str {
        let health = self.node.health.as_ref();
        health.map_or("", |health| &health.status)
    }
}

/// Returns the roots of these nodes, by the nodes' unique ids. Nodes of one resource share it.
pub(super) fn roots<'n>(
    tree: &ApplicationTree,
    nodes: impl Iterator<Item = &'n ResourceNode>,
) -> BTreeMap<String, Rc<RootResource>> {
    let by_id: HashMap<&str, &ResourceNode> = tree
        .nodes
        .iter()
        .map(|node| (node.uid.as_str(), node))
        .collect();
    let mut known: HashMap<(&str, bool), Rc<RootResource>> = HashMap::new();
    let mut roots = BTreeMap::new();
    for node in nodes {
        let Some(node) = by_id.get(node.uid.as_str()) else {
            continue;
        };
        let (root, is_scheduled) = root(&by_id, node);
        let root = known
            .entry((&root.uid, is_scheduled))
            .or_insert_with(|| Rc::new(RootResource::of(root, is_scheduled)));
        roots.insert(node.uid.clone(), Rc::clone(root));
    }
    roots
}

/// Returns the root of a node, and whether a CronJob started the run to which it belongs.
fn root<'n>(
    by_id: &HashMap<&str, &'n ResourceNode>,
    node: &'n ResourceNode,
) -> (&'n ResourceNode, bool) {
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
    (at, is_scheduled)
}

/// Reads which roots of these nodes do not count for the application's health.
///
/// # Errors
/// As [`ArgoCd::object`].
pub(super) async fn read_annotations<'n>(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    roots: &mut BTreeMap<String, Rc<RootResource>>,
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
        if object.is_none_or(|object| object["metadata"]["annotations"][IGNORE_HEALTH] != "true") {
            continue;
        }
        for root in roots.values_mut().filter(|root| root.node.uid == node.uid) {
            Rc::make_mut(root).is_health_ignored = true;
        }
    }
    Ok(())
}

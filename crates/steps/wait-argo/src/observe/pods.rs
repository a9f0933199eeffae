//! Reads an application's pods through Argo CD's tree: without credentials for the cluster.

use std::{
    collections::{BTreeMap, HashSet},
    rc::Rc,
    time::Duration,
};

use argocd::{ApplicationId, ApplicationTree, ArgoCd, ResourceNode};
use contract::Failure;
use futures_util::{StreamExt as _, stream};
use pods::{GivenUpPods, Owner, Pod, PodHistory, Summary, image::ImageMatcher};

pub(crate) use self::root::RootResource;
use crate::observe::{pod, rendered::container_images};

mod root;

/// Pods of the image that are read one by one; the others are judged by their lines in the tree.
const MAX_DETAILED_PODS: usize = 500;
/// The same, of all pods that fail.
const MAX_FAILING_PODS: usize = 50;
/// Pods that are read at the same time.
const MAX_CONCURRENT: usize = 8;

/// A pod of the tree.
#[derive(Debug, Clone)]
pub(crate) struct ObservedPod {
    pub(crate) node: ResourceNode,
    pub(crate) pod: Pod,
    /// Whether the pod was read from Kubernetes' object, not from its line in the tree.
    pub(crate) has_details: bool,
}

/// One reading of an application's pods.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApplicationPods {
    /// The pods of the newest templates.
    pub(crate) pods: Vec<ObservedPod>,
    /// The controllers that cannot create pods; their health says why.
    pub(crate) failed_controllers: Vec<ResourceNode>,
    /// The resources of the application to which these belong, by unique id.
    pub(crate) roots: BTreeMap<String, Rc<RootResource>>,
    /// The pods of earlier versions that crash.
    pub(crate) crashing_before: Vec<ResourceNode>,
    /// Whether the tree has any resource: an application that runs nothing has its controllers.
    pub(crate) has_resources: bool,
    /// The time of the request, if it was made for the proof that the pods run the image.
    pub(crate) live_at: Option<Duration>,
}

/// Which pods are read one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodDetail {
    /// Those whose line in the tree looks like a failure.
    Failing,
    /// Those that run the image as well: only they have its digest.
    OfImage,
}

/// What to read of the pods.
#[derive(Debug, Clone, Copy)]
pub(super) struct PodsQuestion<'a> {
    pub(super) detail: PodDetail,
    /// The image that the pods have to run, if that is checked.
    pub(super) image: Option<&'a ImageMatcher>,
    pub(super) max_log_lines: usize,
    /// The time of the question, if it is for the proof that the pods run the image.
    pub(super) live_at: Option<Duration>,
}

/// The observations of the pods, and of controllers that cannot create pods, over time.
#[derive(Debug, Clone, Default)]
pub(crate) struct PodHistories {
    /// By unique id.
    pods: BTreeMap<String, PodHistory>,
    /// Since when a controller fails, by unique id.
    failed_controllers: BTreeMap<String, Duration>,
    /// The pods that nodes gave up, by the unique ids of the resources to which they belong.
    given_up: BTreeMap<String, GivenUpPods>,
}

impl PodHistories {
    /// Takes in a reading of the pods.
    pub(crate) fn update(&mut self, read: &ApplicationPods, now: Duration) {
        for observed in &read.pods {
            let history = self.pods.entry(observed.node.uid.clone()).or_default();
            history.observe(&observed.pod, now);
        }
        for (root, pods) in read.pods_by_root() {
            let given_up = self.given_up.entry(root.to_owned()).or_default();
            given_up.observe(pods.into_iter(), now);
        }
        let failed = &read.failed_controllers;
        self.failed_controllers
            .retain(|uid, _| failed.iter().any(|controller| controller.uid == *uid));
        for controller in failed {
            self.failed_controllers
                .entry(controller.uid.clone())
                .or_insert(now);
        }
    }

    /// Returns the history of a pod.
    pub(crate) fn pod(&self, uid: &str) -> Option<&PodHistory> {
        self.pods.get(uid)
    }

    /// Returns the pods of a resource that nodes gave up.
    pub(crate) fn given_up(&self, root: &str) -> Option<&GivenUpPods> {
        self.given_up.get(root)
    }

    /// Returns since when a controller cannot create pods.
    pub(crate) fn failing_since(&self, uid: &str) -> Option<Duration> {
        self.failed_controllers.get(uid).copied()
    }
}

/// Reads the pods of the newest templates.
pub(super) async fn read(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    question: PodsQuestion<'_>,
) -> Result<ApplicationPods, Failure> {
    let tree = argocd.tree(app).await?;
    let old = old_replica_sets(&tree);
    let (mut detailed, mut others): (Vec<&ResourceNode>, Vec<&ResourceNode>) =
        current_pods(&tree, &old)
            .partition(|node| looks_failing(node) || question.needs_digest(node));
    detailed.sort_by_key(|node| !question.is_of_image(node));
    others.extend(detailed.split_off(question.limit(&detailed)));
    let objects = stream::iter(&detailed).map(|node| read_details(argocd, app, node));
    let mut objects = objects.buffered(MAX_CONCURRENT);
    let mut pods = Vec::new();
    while let Some(pod) = objects.next().await {
        pods.push(pod?);
    }
    pods.extend(others.into_iter().map(ObservedPod::of_line));
    for observed in &mut pods {
        let pod = &mut observed.pod;
        pod.limit_termination_messages(question.max_log_lines);
    }
    let mut failed_controllers = failed_controllers(&tree, &old);
    for node in &mut failed_controllers {
        node.images = template_images(argocd, app, node).await?;
    }
    let crashing_before = crashing_before(&tree, &old, question.image);
    let nodes = pods.iter().map(|observed| &observed.node);
    let nodes = nodes.chain(&failed_controllers).chain(&crashing_before);
    let mut roots = root::roots(&tree, nodes);
    // Without an image the application's health decides, from which an annotation may exclude a
    // resource.
    if question.image.is_none() {
        let failing = detailed.iter().copied().chain(&failed_controllers);
        root::read_annotations(argocd, app, &mut roots, failing).await?;
    }
    Ok(ApplicationPods {
        pods,
        failed_controllers,
        roots,
        crashing_before,
        has_resources: !tree.nodes.is_empty(),
        live_at: question.live_at,
    })
}

impl ApplicationPods {
    /// Returns a pod of an earlier version that crashes, of the resource to which a node belongs.
    pub(crate) fn crashed_before(&self, node: &ResourceNode) -> Option<&ResourceNode> {
        let root = |node: &ResourceNode| Some(&self.roots.get(&node.uid)?.node.uid);
        let own = root(node)?;
        let mut crashing = self.crashing_before.iter();
        crashing.find(|crashing| root(crashing) == Some(own))
    }

    /// Returns the pods of each resource of the application, by its unique id.
    fn pods_by_root(&self) -> BTreeMap<&str, Vec<&Pod>> {
        let mut found: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for observed in &self.pods {
            if let Some(root) = self.roots.get(&observed.node.uid) {
                let pods = found.entry(&root.node.uid).or_default();
                pods.push(&observed.pod);
            }
        }
        found
    }
}

impl ObservedPod {
    /// Makes a pod of its line in the tree.
    fn of_line(node: &ResourceNode) -> Self {
        Self {
            node: node.clone(),
            pod: summarize(node),
            has_details: false,
        }
    }
}

impl PodsQuestion<'_> {
    fn is_of_image(&self, node: &ResourceNode) -> bool {
        let mut images = node.images.iter();
        self.image
            .is_some_and(|wanted| images.any(|image| wanted.is_of_repository(image)))
    }

    fn needs_digest(&self, node: &ResourceNode) -> bool {
        self.detail == PodDetail::OfImage && self.is_of_image(node)
    }

    /// Returns how many of these pods, those of the image first, are read one by one.
    fn limit(&self, pods: &[&ResourceNode]) -> usize {
        let of_image = pods.iter().filter(|node| self.is_of_image(node)).count();
        let limit = of_image.clamp(MAX_FAILING_PODS, MAX_DETAILED_PODS);
        limit.min(pods.len())
    }
}

/// Returns the images of a controller's template; its line in the tree has none.
async fn template_images(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    node: &ResourceNode,
) -> Result<Vec<String>, Failure> {
    let object = argocd.object(app, node).await?;
    Ok(container_images(object.as_slice()))
}

async fn read_details(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    node: &ResourceNode,
) -> Result<ObservedPod, Failure> {
    let pod = match argocd.object(app, node).await? {
        Some(object) => pod::read(&object),
        None => summarize(node),
    };
    Ok(ObservedPod {
        node: node.clone(),
        pod,
        has_details: true,
    })
}

/// Returns the pods of the newest ReplicaSet of each Deployment, and all pods without one.
fn current_pods<'t>(
    tree: &'t ApplicationTree,
    old: &HashSet<&str>,
) -> impl Iterator<Item = &'t ResourceNode> {
    let pods = tree.nodes.iter().filter(|node| node.kind == "Pod");
    pods.filter(|pod| !is_of(pod, old))
}

fn is_of(pod: &ResourceNode, sets: &HashSet<&str>) -> bool {
    let mut parents = pod.parent_refs.iter();
    parents.any(|parent| sets.contains(parent.uid.as_str()))
}

/// Returns the pods that crash, and are of an older ReplicaSet or run another version of the image.
fn crashing_before(
    tree: &ApplicationTree,
    old: &HashSet<&str>,
    image: Option<&ImageMatcher>,
) -> Vec<ResourceNode> {
    const CRASHES: [&str; 3] = ["CrashLoopBackOff", "Error", "OOMKilled"];
    let crashes = |pod: &ResourceNode| {
        let status = pod.info("Status Reason").unwrap_or_default();
        CRASHES.contains(&status.strip_prefix("Init:").unwrap_or(status))
    };
    let is_other = |pod: &ResourceNode, image: &ImageMatcher| {
        let mut images = pod.images.iter();
        images.any(|named| image.is_of_repository(named))
            && !pod.images.iter().any(|named| image.is_named(named))
    };
    let pods = tree.nodes.iter();
    let pods = pods.filter(|node| node.kind == "Pod" && crashes(node));
    pods.filter(|pod| is_of(pod, old) || image.is_some_and(|image| is_other(pod, image)))
        .cloned()
        .collect()
}

/// Returns the ids of the ReplicaSets that are not the newest of their Deployment.
fn old_replica_sets(tree: &ApplicationTree) -> HashSet<&str> {
    let sets: Vec<(&ResourceNode, &str, u64)> = tree.nodes.iter().filter_map(replica_set).collect();
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, deployment, revision) in &sets {
        let newest = newest.entry(deployment).or_default();
        *newest = (*newest).max(*revision);
    }
    sets.into_iter()
        .filter(|(_, deployment, revision)| *revision < newest[deployment])
        .map(|(set, ..)| set.uid.as_str())
        .collect()
}

/// Returns a ReplicaSet, the id of its Deployment, and its revision: Argo CD writes `Rev:3`.
fn replica_set(node: &ResourceNode) -> Option<(&ResourceNode, &str, u64)> {
    if node.kind != "ReplicaSet" || node.group != "apps" {
        return None;
    }
    let deployment = node.parent_refs.first()?;
    let revision = node.info("Revision")?.trim_start_matches("Rev:");
    Some((node, &deployment.uid, revision.parse().ok()?))
}

/// Returns the controllers that cannot create pods: their condition makes them Degraded.
pub(crate) fn failed_controllers(tree: &ApplicationTree, old: &HashSet<&str>) -> Vec<ResourceNode> {
    let is_controller =
        |node: &ResourceNode| matches!(node.kind.as_str(), "ReplicaSet" | "Job" | "StatefulSet");
    let failed = tree.nodes.iter();
    let failed = failed.filter(|node| is_controller(node) && has_health(node, "Degraded"));
    failed
        .filter(|node| !old.contains(node.uid.as_str()))
        .cloned()
        .collect()
}

fn has_health(node: &ResourceNode, status: &str) -> bool {
    node.health
        .as_ref()
        .is_some_and(|health| health.status == status)
}

/// Returns whether a line of the tree looks like a failure, so that the pod's details are needed.
fn looks_failing(node: &ResourceNode) -> bool {
    const GOOD: [&str; 8] = [
        "Running",
        "Completed",
        "Succeeded",
        "Terminating",
        "ContainerCreating",
        "PodInitializing",
        "SchedulingGated",
        "",
    ];
    let status = node.info("Status Reason").unwrap_or_default();
    let bare = status.strip_prefix("Init:").unwrap_or(status);
    // `Init:0/2` counts the init containers that are done.
    let is_count = status.starts_with("Init:") && bare.contains('/');
    let has_restarted = node.info("Restart Count").is_some_and(|count| count != "0");
    !(GOOD.contains(&bare) || is_count) || (has_restarted && status != "Terminating")
}

/// Makes a pod from its line in the tree.
pub(crate) fn summarize(node: &ResourceNode) -> Pod {
    let info = |name: &str| node.info(name).unwrap_or_default().to_owned();
    let message = node.health.as_ref().map(|health| health.message.clone());
    let owner = node.parent_refs.first().map(|parent| Owner {
        kind: parent.kind.clone(),
        name: parent.name.clone(),
    });
    Pod::from_summary(Summary {
        namespace: node.namespace.clone(),
        name: node.name.clone(),
        status: info("Status Reason"),
        message: message.unwrap_or_default(),
        images: node.images.clone(),
        restarts: info("Restart Count").parse().unwrap_or(0),
        ready: has_health(node, "Healthy"),
        node: node.info("Node").map(str::to_owned),
        owner,
    })
}

#[cfg(test)]
mod tests;

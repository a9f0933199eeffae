//! Which pods belong to what decides about an application.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use argocd::{Application, ResourceNode};
use contract::Fault;
use pods::{Pod, SIDECAR, Unrecoverable, image::ImageMatcher};

use crate::{
    observe::{ApplicationPods, RootResource},
    request::Request,
};

/// What decides about an application, so that only failures of it count.
#[derive(Debug, Clone, Copy)]
pub(super) enum FailureScope<'a> {
    /// The pods that run the image, and those for which the sync waits.
    Image {
        image: &'a ImageMatcher,
        awaited: Option<&'a str>,
        /// Whether Argo CD calls the application healthy: then no Job decides.
        is_healthy: bool,
    },
    /// What makes the application unhealthy, and what the sync waits for.
    Health { awaited: Option<&'a str> },
    /// Nothing: Argo CD calls the application healthy.
    Nothing,
}

impl<'a> FailureScope<'a> {
    pub(super) fn new(request: &'a Request, app: &'a Application, is_healthy: bool) -> Self {
        let awaited = awaited_resource(app);
        match &request.image {
            Some(image) => Self::Image {
                image,
                awaited,
                is_healthy,
            },
            None if is_healthy => Self::Nothing,
            None => Self::Health { awaited },
        }
    }

    /// Returns whether a pod, or a controller without pods, belongs to what decides.
    pub(super) fn contains(self, node: &ResourceNode, read: &ApplicationPods) -> bool {
        let root = read.roots.get(&node.uid).map(Rc::as_ref);
        match self {
            Self::Nothing => false,
            Self::Image {
                image,
                awaited,
                is_healthy,
            } => {
                let mut images = node.images.iter();
                // A controller may not tell its images.
                let runs_image = node.images.is_empty()
                    || images.any(|named| image.is_of_repository(named) || spells(named, image));
                let is_other = is_scheduled(root) || (is_healthy && is_of_job(node));
                is_awaited(root, awaited) || (runs_image && !is_other)
            }
            Self::Health { awaited } => {
                is_awaited(root, awaited) || root.is_none_or(makes_unhealthy)
            }
        }
    }

    /// Returns whether a pod that was there before may be one of the change: one of another version
    /// of the image is not.
    pub(super) fn may_be_of_change(self, node: &ResourceNode) -> bool {
        match self {
            Self::Image { .. } => node.images.is_empty() || self.runs_image(node),
            Self::Health { .. } | Self::Nothing => true,
        }
    }

    /// Returns a failure with the fault that is proven: neither an injected container nor the pod of
    /// another image, for which the sync waits, is the fault of the image.
    pub(super) fn of_image(
        self,
        failure: Unrecoverable,
        pod: &Pod,
        node: &ResourceNode,
    ) -> Unrecoverable {
        let Self::Image { image, .. } = self else {
            return failure;
        };
        let mut images = node.images.iter();
        let runs_image = images.any(|named| image.is_of_repository(named) || spells(named, image));
        if runs_image || failure.reason.fault != Fault::Change {
            return failure.of_image(pod, image);
        }
        Unrecoverable {
            reason: SIDECAR,
            ..failure
        }
    }

    /// Returns whether a pod is to run the image.
    pub(super) fn runs_image(self, node: &ResourceNode) -> bool {
        match self {
            Self::Image { image, .. } => node.images.iter().any(|named| image.is_named(named)),
            Self::Health { .. } | Self::Nothing => false,
        }
    }
}

/// Returns whether a name begins with the image's repository, for one that cannot be parsed.
fn spells(named: &str, image: &ImageMatcher) -> bool {
    let rest = named.strip_prefix(&image.reference().name());
    rest.is_some_and(|rest| rest.starts_with([':', '@']))
}

/// Returns the resources whose pods run the image, as `Deployment/dex`. At a later commit, pods of
/// another version do not count: that commit may have brought it.
pub(super) fn image_roots(
    request: &Request,
    read: &ApplicationPods,
    is_later: bool,
) -> Vec<String> {
    let Some(image) = &request.image else {
        return Vec::new();
    };
    let pods = read.pods.iter().map(|observed| &observed.node);
    let nodes = pods.chain(&read.failed_controllers);
    let of_image = nodes.filter(|node| {
        let mut images = node.images.iter();
        images.any(|named| image.is_named(named) || (!is_later && image.is_of_repository(named)))
    });
    // A workload has many pods.
    let roots: BTreeSet<(&str, &str)> = of_image
        .filter_map(|node| read.roots.get(&node.uid))
        .map(|root| (root.node.kind.as_str(), root.node.name.as_str()))
        .collect();
    let names = roots.into_iter();
    names.map(|(kind, name)| format!("{kind}/{name}")).collect()
}

/// Returns the resources whose pods are all healthy, as `Rollout/dex`. Where the image is known,
/// they run it.
pub(super) fn ready_roots(request: &Request, read: &ApplicationPods) -> Vec<String> {
    let is_wanted = |node: &ResourceNode| {
        let image = request.image.as_ref();
        image.is_none_or(|image| node.images.iter().any(|named| image.is_named(named)))
    };
    let mut roots: BTreeMap<String, bool> = BTreeMap::new();
    for observed in read.pods.iter().filter(|one| !one.pod.has_ended()) {
        let node = &observed.node;
        let Some(root) = read.roots.get(&node.uid) else {
            continue;
        };
        let health = node.health.as_ref();
        let is_healthy = health.is_some_and(|health| health.status == "Healthy");
        let name = format!("{}/{}", root.node.kind, root.node.name);
        let is_ready = is_healthy && is_wanted(node) && !observed.pod.is_terminating();
        *roots.entry(name).or_insert(true) &= is_ready;
    }
    let ready = roots.into_iter().filter(|(_, is_ready)| *is_ready);
    ready.map(|(name, _)| name).collect()
}

/// Returns the resources of which a node gave up a pod, as `Job/migrate`.
pub(super) fn given_up_roots(read: &ApplicationPods) -> impl Iterator<Item = String> {
    let given_up = read.pods.iter().filter(|one| one.pod.was_given_up());
    let roots = given_up.filter_map(|one| read.roots.get(&one.node.uid));
    roots.map(|root| format!("{}/{}", root.node.kind, root.node.name))
}

/// The Jobs of a CronJob are another matter: the next one may succeed, and the health of a CronJob
/// does not depend on them.
fn is_scheduled(root: Option<&RootResource>) -> bool {
    root.is_some_and(|root| root.is_scheduled)
}

fn is_of_job(node: &ResourceNode) -> bool {
    let mut parents = node.parent_refs.iter();
    parents.any(|parent| parent.kind == "Job")
}

fn makes_unhealthy(root: &RootResource) -> bool {
    let is_healthy = matches!(root.health(), "" | "Healthy" | "Suspended");
    !root.is_scheduled && !root.is_health_ignored && !is_healthy
}

/// Returns the resource for which a running sync waits: `batch/Job/migrate`, as Argo CD writes it
/// (gitops-engine, `sync_context.go`, `setRunningPhase`).
pub(super) fn awaited_resource(app: &Application) -> Option<&str> {
    const BEGINNINGS: [&str; 2] = [
        "waiting for completion of hook ",
        "waiting for healthy state of ",
    ];
    let state = app.status.operation_state.as_ref()?;
    let mut beginnings = BEGINNINGS.iter();
    let rest = beginnings.find_map(|begin| state.message.strip_prefix(begin))?;
    let name = rest.split(' ').next()?;
    state.is_running().then_some(name)
}

fn is_awaited(root: Option<&RootResource>, awaited: Option<&str>) -> bool {
    let (Some(root), Some(awaited)) = (root, awaited) else {
        return false;
    };
    let node = &root.node;
    format!("{}/{}/{}", node.group, node.kind, node.name) == awaited
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use argocd::HealthStatus;

    use super::*;
    use crate::observe::ObservedPod;

    fn observed(name: &str, image: &str, health: &str) -> ObservedPod {
        let health = HealthStatus {
            status: health.to_owned(),
            message: String::new(),
        };
        ObservedPod {
            node: ResourceNode {
                uid: name.to_owned(),
                images: vec![image.to_owned()],
                health: Some(health),
                ..ResourceNode::default()
            },
            pod: Pod::default(),
            has_details: false,
        }
    }

    #[test]
    fn a_resource_is_ready_with_all_of_its_pods() {
        let wanted = "ghcr.io/a/dex:v2";
        let image = wanted.parse().unwrap();
        let request = Request {
            image: Some(ImageMatcher::new(image, Vec::new(), Vec::new())),
            ..crate::judge::tests::request()
        };
        let node = ResourceNode {
            kind: "Rollout".to_owned(),
            name: "dex".to_owned(),
            ..ResourceNode::default()
        };
        let root = Rc::new(RootResource {
            node,
            ..RootResource::default()
        });
        let ready = |pods: Vec<ObservedPod>| {
            let ids = pods.iter().map(|one| one.node.uid.clone());
            let roots = ids.map(|id| (id, root.clone())).collect();
            let read = ApplicationPods {
                pods,
                roots,
                ..ApplicationPods::default()
            };
            !ready_roots(&request, &read).is_empty()
        };
        let healthy = || observed("a", wanted, "Healthy");
        assert!(ready(vec![healthy()]));
        assert!(!ready(vec![]));
        assert!(!ready(vec![
            healthy(),
            observed("b", wanted, "Progressing")
        ]));
        assert!(!ready(vec![
            healthy(),
            observed("b", "ghcr.io/a/dex:v1", "Healthy")
        ]));
    }
}

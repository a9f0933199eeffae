//! Looking at an application's pods through Argo CD's tree: without credentials of the cluster.

use std::{collections::BTreeMap, time::Duration};

use argocd::{App, ArgoCd, Node, Tree};
use contract::Failure;
use futures_util::{StreamExt as _, stream};
use pods::{
    GracePeriods, Owner, Pod, PodHistory, Summary, Unrecoverable, image::ImageMatcher as Image,
    unrecoverable,
};

use crate::pod;

/// How many pods are looked at one by one.
const MOST: usize = 50;
/// How many at a time.
const AT_ONCE: usize = 8;
/// A controller may stumble over a webhook that restarts.
const CREATE_GRACE: Duration = Duration::from_secs(10);

/// A pod of the tree, and what Kubernetes says of it if that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) node: Node,
    pub(crate) pod: Pod,
    /// Whether it was asked for.
    pub(crate) near: bool,
}

/// The tree, and the pods of it that matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub(crate) pods: Vec<Seen>,
    /// The controllers that cannot make pods; their health says why.
    pub(crate) failed_creates: Vec<Node>,
}

/// Which pods are asked for one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closer {
    /// Those in trouble.
    Sick,
    /// All.
    All,
}

/// Looks at the pods of the newest templates.
pub(crate) async fn look(argocd: &ArgoCd<'_>, app: &App, closer: Closer) -> Result<Look, Failure> {
    let tree = argocd.tree(app).await?;
    let failed_creates = failed_creates(&tree);
    let wanted = |node: &&Node| closer == Closer::All || is_sick(node);
    let (near, far): (Vec<&Node>, Vec<&Node>) = current(&tree).into_iter().partition(wanted);
    let objects = stream::iter(near.iter().take(MOST).map(|node| async move {
        let object = argocd.object(app, node).await?;
        let pod = object.map_or_else(|| summed_up(node), |it| pod::read(&it));
        Ok::<_, Failure>(Seen {
            node: (*node).clone(),
            pod,
            near: true,
        })
    }));
    let mut pods = Vec::new();
    let mut objects = objects.buffered(AT_ONCE);
    while let Some(seen) = objects.next().await {
        pods.push(seen?);
    }
    let rest = far.into_iter().chain(near.iter().copied().skip(MOST));
    pods.extend(rest.map(|node| Seen {
        node: node.clone(),
        pod: summed_up(node),
        near: false,
    }));
    Ok(Look {
        pods,
        failed_creates,
    })
}

/// Returns the pods that are no remains: of the newest ReplicaSet of each Deployment, and all others.
fn current(tree: &Tree) -> Vec<&Node> {
    let old = old_replica_sets(tree);
    let pods = tree.nodes.iter().filter(|node| node.kind == "Pod");
    pods.filter(|pod| {
        !pod.parent_refs
            .iter()
            .any(|parent| old.contains(&parent.uid.as_str()))
    })
    .collect()
}

/// Returns the ReplicaSets that are not the newest of their Deployment: `Revision` is `Rev:3`.
fn old_replica_sets(tree: &Tree) -> Vec<&str> {
    let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
    let sets = || {
        tree.nodes
            .iter()
            .filter(|node| node.kind == "ReplicaSet" && node.group == "apps")
    };
    let of = |node: &Node| {
        node.info("Revision")
            .and_then(|it| it.trim_start_matches("Rev:").parse::<u64>().ok())
    };
    let owner = |node: &'_ Node| node.parent_refs.first().map(|parent| parent.uid.clone());
    for set in sets() {
        if let (Some(parent), Some(revision)) = (set.parent_refs.first(), of(set)) {
            let best = newest.entry(parent.uid.as_str()).or_default();
            *best = (*best).max(revision);
        }
    }
    let is_old = |set: &&Node| {
        let best = owner(set).and_then(|owner| newest.get(owner.as_str()).copied());
        best.is_some_and(|best| of(set).is_some_and(|revision| revision < best))
    };
    sets().filter(is_old).map(|set| set.uid.as_str()).collect()
}

/// A controller whose condition says that it cannot make pods is Degraded, with its words.
fn failed_creates(tree: &Tree) -> Vec<Node> {
    let old = old_replica_sets(tree);
    let sets = tree
        .nodes
        .iter()
        .filter(|node| matches!(node.kind.as_str(), "ReplicaSet" | "Job" | "StatefulSet"));
    let current = sets.filter(|set| !old.contains(&set.uid.as_str()));
    current
        .filter(|set| {
            set.health
                .as_ref()
                .is_some_and(|it| it.status == "Degraded")
        })
        .cloned()
        .collect()
}

/// Returns whether a line of the tree asks for a closer look.
fn is_sick(node: &Node) -> bool {
    const WELL: [&str; 8] = [
        "Running",
        "Completed",
        "Succeeded",
        "Terminating",
        "ContainerCreating",
        "PodInitializing",
        "SchedulingGated",
        "",
    ];
    let word = node.info("Status Reason").unwrap_or_default();
    let bare = word.strip_prefix("Init:").unwrap_or(word);
    let counts = word.starts_with("Init:") && bare.contains('/');
    let restarted = node.info("Restart Count").is_some_and(|count| count != "0");
    !(WELL.contains(&bare) || counts) || (restarted && word != "Terminating")
}

/// Makes a pod of its line in the tree.
fn summed_up(node: &Node) -> Pod {
    let info = |name: &str| node.info(name).unwrap_or_default().to_owned();
    let parent = node.parent_refs.first();
    Pod::from_summary(Summary {
        namespace: node.namespace.clone(),
        name: node.name.clone(),
        status: info("Status Reason"),
        message: node
            .health
            .as_ref()
            .map(|health| health.message.clone())
            .unwrap_or_default(),
        images: node.images.clone(),
        restarts: info("Restart Count").parse().unwrap_or(0),
        ready: node
            .health
            .as_ref()
            .is_some_and(|health| health.status == "Healthy"),
        node: node.info("Node").map(str::to_owned),
        owner: parent.map(|parent| Owner {
            kind: parent.kind.clone(),
            name: parent.name.clone(),
        }),
    })
}

/// A doom, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Doomed {
    pub(crate) doom: Unrecoverable,
    /// Namespace, pod, container; none for what is not a pod.
    pub(crate) pod: Option<[String; 3]>,
    /// The images of its containers.
    pub(crate) images: Vec<String>,
    /// The pod's name, or the controller's.
    pub(crate) name: String,
    /// Whether its container was started before, so that the log of that start tells more.
    pub(crate) restarted: bool,
}

/// Whose dooms count. While something is being applied, the pods of before are still the newest, and may
/// be as sick as they like: the commit may be what helps them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Judged<'a> {
    /// Of those that were made since then, if something was applied.
    pub(crate) since: Option<&'a str>,
    /// In that very second, of those that are to run this.
    pub(crate) image: Option<&'a Image>,
    /// And of those of before that are still the newest of their Deployment.
    pub(crate) all: bool,
}

impl Judged<'_> {
    /// Both times have whole seconds and are in UTC, so that their texts compare.
    fn contains(&self, node: &Node) -> bool {
        let Some((created, since)) = node.created_at.as_deref().zip(self.since) else {
            return self.all;
        };
        let wanted = || {
            self.image
                .is_some_and(|image| node.images.iter().any(|it| image.is_named(it)))
        };
        // A StatefulSet and a DaemonSet replace their pods one after the other, for as long as it takes.
        let slow = node
            .parent_refs
            .iter()
            .any(|it| matches!(it.kind.as_str(), "StatefulSet" | "DaemonSet"));
        created > since || (created == since && wanted()) || (self.all && !slow)
    }
}

/// What was seen of the pods so far.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    since: BTreeMap<String, PodHistory>,
    creating: BTreeMap<String, Duration>,
}

impl Watched {
    /// Takes in how the pods are, and returns the first that has no future.
    pub(crate) fn observe(
        &mut self,
        look: &Look,
        now: Duration,
        judged: &Judged<'_>,
    ) -> Option<Doomed> {
        let graces = GracePeriods::default();
        let dooms = look.pods.iter().filter_map(|seen| {
            let since = self.since.entry(seen.node.uid.clone()).or_default();
            since.observe(&seen.pod, now);
            let doom = unrecoverable(&seen.pod, since, &graces)
                .filter(|doom| !is_tried_again(&seen.pod, doom));
            let doom = doom.filter(|_| judged.contains(&seen.node));
            doom.map(|doom| doomed(seen, doom))
        });
        // Every pod is to be observed, also behind one that is doomed.
        let dooms: Vec<Doomed> = dooms.collect();
        dooms
            .into_iter()
            .next()
            .or_else(|| self.failed_create(look, now, judged))
    }

    fn failed_create(&mut self, look: &Look, now: Duration, judged: &Judged<'_>) -> Option<Doomed> {
        self.creating
            .retain(|uid, _| look.failed_creates.iter().any(|set| set.uid == *uid));
        look.failed_creates.iter().find_map(|set| {
            let since = *self.creating.entry(set.uid.clone()).or_insert(now);
            let over = now.saturating_sub(since) >= CREATE_GRACE && judged.contains(set);
            let message = set
                .health
                .as_ref()
                .map(|health| health.message.as_str())
                .unwrap_or_default();
            let doom = pods::failed_create(message).filter(|_| over)?;
            Some(Doomed {
                doom,
                pod: None,
                images: Vec::new(),
                name: format!("{}/{}", set.kind, set.name),
                restarted: false,
            })
        })
    }
}

/// A job makes another pod for one that has failed, and says itself when it gives up.
fn is_tried_again(pod: &Pod, doom: &Unrecoverable) -> bool {
    let of_a_job = pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job");
    of_a_job && [pods::CRASH_LOOP, pods::OUT_OF_MEMORY, pods::INIT_FAILED].contains(&doom.reason)
}

fn doomed(seen: &Seen, doom: Unrecoverable) -> Doomed {
    let (pod, name) = (&seen.pod, seen.node.name.clone());
    let container = pod
        .all_containers()
        .find(|it| doom.container.as_deref() == Some(it.name.as_str()));
    let place = container.map(|it| [pod.namespace.clone(), name.clone(), it.name.clone()]);
    let restarted = container.is_some_and(|it| it.last.is_some());
    let ran = container.is_some_and(|it| it.restarts > 0 || it.last.is_some());
    let has_log = ran
        || matches!(
            container.map(|it| &it.state),
            Some(pods::RunState::Terminated(_))
        );
    Doomed {
        doom,
        pod: place.filter(|_| has_log),
        images: seen.node.images.clone(),
        name,
        restarted,
    }
}

#[cfg(test)]
mod tests;

//! Keeps the pods and workloads of namespaces up to date.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    mem,
    time::Duration,
};

use contract::Failure;
use futures_util::{
    FutureExt as _, Stream, StreamExt as _,
    stream::{LocalBoxStream, SelectAll},
};
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    Cluster, ControllerKind, PodObject, ReplicaSet, Workload,
    error::{self, FailedRequest},
    health::WATCH_TIMEOUT,
};

/// The largest number of objects of a kind in a namespace: a list may have any number of pages.
const MAX_OBJECTS: usize = 100_000;

/// How long to collect events before a report: several watches report one change, in any order.
const SETTLE_INTERVAL: Duration = Duration::from_millis(15);

/// The part of a namespace to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchScope {
    /// The namespace.
    pub namespace: String,
    /// The kinds of workloads.
    pub kinds: Vec<ControllerKind>,
}

/// The known objects of one namespace.
#[derive(Debug, Default)]
pub struct NamespaceView {
    /// The pods, by name.
    pub pods: BTreeMap<String, PodObject>,
    /// The ReplicaSets, by name.
    pub replica_sets: BTreeMap<String, ReplicaSet>,
    /// The workloads, by kind, then by name.
    pub workloads: BTreeMap<ControllerKind, BTreeMap<String, Workload>>,
    /// The paths that have not been listed yet.
    unlisted: BTreeSet<String>,
    /// The kinds that the cluster does not have.
    unknown: BTreeSet<ControllerKind>,
}

impl NamespaceView {
    /// Returns a workload.
    pub fn workload(&self, kind: ControllerKind, name: &str) -> Option<&Workload> {
        self.workloads.get(&kind)?.get(name)
    }

    /// Returns whether the cluster does not have a kind.
    pub fn lacks(&self, kind: ControllerKind) -> bool {
        self.unknown.contains(&kind)
    }

    /// Returns whether everything was listed at least once.
    pub fn is_complete(&self) -> bool {
        self.unlisted.is_empty()
    }
}

/// The watches of all namespaces.
pub struct ClusterWatch<'c> {
    cluster: &'c Cluster<'c>,
    views: Vec<(String, NamespaceView)>,
    streams: SelectAll<LocalBoxStream<'c, SourcedEvent>>,
    /// An event that arrived and was not applied yet.
    pending: Option<SourcedEvent>,
    /// The last transient error of each path.
    failures: BTreeMap<String, Failure>,
}

/// An event, and the watch that it came from.
struct SourcedEvent {
    /// The index of the namespace.
    namespace: usize,
    path: String,
    event: WatchEvent,
}

/// An event of a watch.
enum WatchEvent {
    Pod(ObjectChange<PodObject>),
    ReplicaSet(ObjectChange<ReplicaSet>),
    Workload(ControllerKind, Box<ObjectChange<Workload>>),
}

impl WatchEvent {
    fn is_list(&self) -> bool {
        match self {
            Self::Pod(change) => change.is_list(),
            Self::ReplicaSet(change) => change.is_list(),
            Self::Workload(_, change) => change.is_list(),
        }
    }
}

enum ObjectChange<K> {
    /// A list starts, or an incomplete one is discarded.
    Restarted,
    Listed(Vec<K>),
    Applied(K),
    Deleted(K),
    /// The cluster does not have the kind.
    Unknown,
    Failed(Failure),
}

impl<K> ObjectChange<K> {
    /// Returns whether it tells all objects that there are.
    fn is_list(&self) -> bool {
        matches!(self, Self::Listed(_) | Self::Unknown)
    }
}

impl<'c> ClusterWatch<'c> {
    /// Starts the watches; the lists arrive through [`changed`](Self::changed).
    pub fn start(cluster: &'c Cluster<'c>, scopes: &[WatchScope]) -> Self {
        let mut watch = Self {
            cluster,
            views: Vec::new(),
            streams: SelectAll::new(),
            pending: None,
            failures: BTreeMap::new(),
        };
        for scope in scopes {
            watch.add(scope);
        }
        watch
    }

    fn add(&mut self, scope: &WatchScope) {
        let (at, cluster, namespace) = (self.views.len(), self.cluster, scope.namespace.as_str());
        let mut all = vec![stream(cluster, namespace, (), at, false, WatchEvent::Pod)];
        if scope.kinds.iter().any(|kind| kind.has_replica_sets()) {
            all.push(stream(
                cluster,
                namespace,
                (),
                at,
                false,
                WatchEvent::ReplicaSet,
            ));
        }
        for kind in scope.kinds.iter().copied() {
            let is_extension = kind.is_extension();
            all.push(stream(
                cluster,
                namespace,
                kind,
                at,
                is_extension,
                move |change| WatchEvent::Workload(kind, Box::new(change)),
            ));
        }
        let (unlisted, streams): (_, Vec<_>) = all.into_iter().unzip();
        self.streams.extend(streams);
        self.views.push((
            namespace.to_owned(),
            NamespaceView {
                unlisted,
                ..NamespaceView::default()
            },
        ));
    }

    /// Returns the known objects, in the order of the scopes.
    pub fn views(&self) -> impl Iterator<Item = (&str, &NamespaceView)> {
        self.views
            .iter()
            .map(|(namespace, view)| (namespace.as_str(), view))
    }

    /// Waits for events, and applies all that arrive together. Returns whether the API reported its
    /// state, even an unchanged one; a watch that breaks reports nothing.
    ///
    /// # Errors
    /// `denied` for rejected credentials or a missing permission, `unavailable` for a server that is
    /// not the API at once, and for a transient error that lasts for too long.
    pub async fn changed(&mut self) -> Result<bool, Failure> {
        let cluster = self.cluster;
        // The caller may drop this future at any await, so the event is kept.
        if self.pending.is_none() {
            self.pending = match self.gives_up() {
                Some(end) => tokio::time::timeout_at(end, self.streams.next())
                    .await
                    .ok()
                    .flatten(),
                None => self.streams.next().await,
            };
        }
        if self.pending.is_some() {
            tokio::time::sleep(SETTLE_INTERVAL).await;
        }
        let (mut next, mut learnt) = (self.pending.take(), false);
        while let Some(sourced) = next {
            learnt |= self.apply(sourced)?;
            next = self.streams.next().now_or_never().flatten();
        }
        self.failures
            .retain(|path, _| cluster.health.is_failing(path));
        if self.gives_up().is_some_and(|end| end <= Instant::now())
            && let Some((_, failure)) = self.failures.pop_first()
        {
            return Err(failure);
        }
        Ok(learnt)
    }

    /// Returns the transient error that interrupts the watches at this moment, in words.
    pub fn interruption(&self) -> Option<String> {
        let failing = |path: &str| self.cluster.health.is_failing(path);
        self.failures
            .iter()
            .find(|(path, _)| failing(path))
            .map(|(_, failure)| failure.summary())
    }

    /// Returns the transient error that interrupts the watches, as a failure.
    pub fn into_interruption(mut self) -> Option<Failure> {
        let cluster = self.cluster;
        self.failures
            .retain(|path, _| cluster.health.is_failing(path));
        self.failures.pop_first().map(|(_, failure)| failure)
    }

    fn gives_up(&self) -> Option<Instant> {
        self.failures
            .keys()
            .filter_map(|path| self.cluster.health.gives_up(path))
            .min()
    }

    fn apply(&mut self, sourced: SourcedEvent) -> Result<bool, Failure> {
        let SourcedEvent {
            namespace,
            path,
            event,
        } = sourced;
        let Some((_, view)) = self.views.get_mut(namespace) else {
            return Ok(false);
        };
        if event.is_list() {
            view.unlisted.remove(&path);
        }
        let request = self.cluster.failed(&path);
        let learnt = match event {
            WatchEvent::Pod(change) => apply(&mut view.pods, change, request),
            WatchEvent::ReplicaSet(change) => apply(&mut view.replica_sets, change, request),
            WatchEvent::Workload(kind, change) => {
                if matches!(*change, ObjectChange::Unknown) {
                    view.unknown.insert(kind);
                }
                apply(view.workloads.entry(kind).or_default(), *change, request)
            }
        };
        match learnt {
            Err(failure)
                if error::is_transient(&failure) && self.cluster.world.deadline().waits() =>
            {
                // The answer had begun when it broke; the next request shows whether the server is
                // up.
                self.failures.insert(path, failure);
                Ok(false)
            }
            learnt => learnt,
        }
    }
}

fn apply<K: Resource>(
    objects: &mut BTreeMap<String, K>,
    change: ObjectChange<K>,
    request: FailedRequest<'_>,
) -> Result<bool, Failure> {
    let key = |object: &K| object.meta().name.clone().unwrap_or_default();
    match change {
        ObjectChange::Restarted => return Ok(false),
        ObjectChange::Unknown => objects.clear(),
        ObjectChange::Listed(list) => {
            *objects = list
                .into_iter()
                .map(|object| (key(&object), object))
                .collect();
        }
        ObjectChange::Applied(object) => {
            objects.insert(key(&object), object);
            if objects.len() > MAX_OBJECTS {
                return Err(too_many_objects(request));
            }
        }
        ObjectChange::Deleted(object) => drop(objects.remove(&key(&object))),
        ObjectChange::Failed(failure) => return Err(failure),
    }
    Ok(true)
}

/// Lists and watches one kind in one namespace, without end unless the cluster does not have it.
/// Returns the path as well.
fn stream<'c, K>(
    cluster: &'c Cluster<'c>,
    namespace: &str,
    kind: K::DynamicType,
    index: usize,
    is_extension: bool,
    wrap: impl Fn(ObjectChange<K>) -> WatchEvent + 'c,
) -> (String, LocalBoxStream<'c, SourcedEvent>)
where
    K: Resource<Scope = kube::core::DynamicResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
    K::DynamicType: Clone,
{
    let path = K::url_path(&kind, Some(namespace));
    let watches = endless(cluster, namespace, kind);
    let (source, scanned) = (path.clone(), path.clone());
    let changes = watches.scan((None, false), move |(list, has_ended), event| {
        if *has_ended {
            return std::future::ready(None);
        }
        *has_ended = is_extension && matches!(&event, Err(error) if error::is_unknown_kind(error));
        std::future::ready(Some(if *has_ended {
            ObjectChange::Unknown
        } else {
            change(list, event, cluster.failed(&scanned))
        }))
    });
    let events = changes.map(move |change| SourcedEvent {
        namespace: index,
        path: source.clone(),
        event: wrap(change),
    });
    (path, events.boxed_local())
}

/// Lists and watches one kind again and again: a watch that the server refuses with status 410 starts
/// with a list.
fn endless<'c, K>(
    cluster: &'c Cluster<'c>,
    namespace: &str,
    kind: K::DynamicType,
) -> impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> + use<'c, K>
where
    K: Resource<Scope = kube::core::DynamicResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
    K::DynamicType: Clone,
{
    let namespace = namespace.to_owned();
    futures_util::stream::repeat(()).flat_map(move |()| {
        let api: Api<K> = Api::namespaced_with(cluster.client.clone(), &namespace, &kind);
        let settings = watcher::Config::default().timeout(WATCH_TIMEOUT.as_secs() as u32);
        let events = watcher(api, settings).backoff(WatchBackoff::default());
        events.scan(false, |gone, event| {
            // The error itself passes, and ends the stream before the next event.
            let ends = mem::replace(gone, matches!(&event, Err(error) if error::is_gone(error)));
            std::future::ready((!ends).then_some(event))
        })
    })
}

fn change<K>(
    list: &mut Option<Vec<K>>,
    event: Result<watcher::Event<K>, watcher::Error>,
    request: FailedRequest<'_>,
) -> ObjectChange<K> {
    match event {
        Ok(watcher::Event::Init) => {
            *list = Some(Vec::new());
            ObjectChange::Restarted
        }
        Ok(watcher::Event::InitApply(object)) => {
            let list = list.get_or_insert_default();
            if list.len() >= MAX_OBJECTS {
                return ObjectChange::Failed(too_many_objects(request));
            }
            list.push(object);
            ObjectChange::Restarted
        }
        Ok(watcher::Event::InitDone) => ObjectChange::Listed(list.take().unwrap_or_default()),
        Ok(watcher::Event::Apply(object)) => ObjectChange::Applied(object),
        Ok(watcher::Event::Delete(object)) => ObjectChange::Deleted(object),
        Err(error) if error::is_gone(&error) => ObjectChange::Restarted,
        Err(error) => ObjectChange::Failed(request.watch(error)),
    }
}

fn too_many_objects(request: FailedRequest<'_>) -> Failure {
    request.not_the_api(&format!("a list of more than {MAX_OBJECTS} objects"))
}

/// The backoff between two attempts: short, since a restart of the API server takes seconds.
#[derive(Debug, Default)]
struct WatchBackoff(u32);

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Self::Item> {
        self.0 = (self.0 + 1).min(4);
        Some(Duration::from_millis(250) * 2_u32.pow(self.0 - 1))
    }
}

impl kube::runtime::utils::Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use contract::{World, asking};

    use super::*;

    #[test]
    fn a_watch_adds_no_more_objects_than_a_list_may_have() {
        let world = World::for_tests(Duration::ZERO);
        let request = FailedRequest {
            path: "/api/v1/namespaces/dex/pods",
            server: "https://cluster.example",
            world: &world,
        };
        let mut objects = BTreeMap::new();
        let mut add = |number: usize| {
            let mut set = ReplicaSet::default();
            set.metadata.name = Some(number.to_string());
            apply(&mut objects, ObjectChange::Applied(set), request)
        };
        assert!((0..MAX_OBJECTS).all(|number| add(number).is_ok()));
        assert!(add(0).is_ok(), "it is there already");
        let failure = add(MAX_OBJECTS).unwrap_err();
        assert_eq!(failure.reason, asking::NOT_THE_API);
    }
}

//! Everything of some namespaces that decides about pods, kept up to date.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    mem,
    time::Duration,
};

use contract::Failure;
use futures_util::{
    FutureExt as _, StreamExt as _,
    stream::{LocalBoxStream, SelectAll},
};
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{Cluster, Kind, Pod, ReplicaSet, Workload, error, health::WATCH};

/// What comes together is looked at together: a change is told by several watches, in any order.
const SETTLED: Duration = Duration::from_millis(15);

/// What is watched of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The namespace.
    pub namespace: String,
    /// The kinds of workloads.
    pub kinds: Vec<Kind>,
}

/// What is known of one namespace.
#[derive(Debug, Default)]
pub struct View {
    /// By name.
    pub pods: BTreeMap<String, Pod>,
    /// By name.
    pub replica_sets: BTreeMap<String, ReplicaSet>,
    /// By kind, then by name.
    pub workloads: BTreeMap<Kind, BTreeMap<String, Workload>>,
    /// The paths whose lists are still to come.
    missing: BTreeSet<String>,
}

impl View {
    /// Returns a workload.
    pub fn workload(&self, kind: Kind, name: &str) -> Option<&Workload> {
        self.workloads.get(&kind)?.get(name)
    }

    /// Returns whether everything was listed once.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

/// The watches of all namespaces.
pub struct Watch<'c> {
    cluster: &'c Cluster<'c>,
    views: Vec<(String, View)>,
    streams: SelectAll<LocalBoxStream<'c, Told>>,
    /// What has come, and was not taken in yet.
    first: Option<Told>,
    /// The last error of each path that may pass.
    troubles: BTreeMap<String, Failure>,
}

/// Of which scope, at which path, and what.
type Told = (usize, String, Seen);

/// What a watch tells.
enum Seen {
    Pod(Change<Pod>),
    ReplicaSet(Change<ReplicaSet>),
    Workload(Kind, Change<Workload>),
}

impl Seen {
    fn is_list(&self) -> bool {
        matches!(
            self,
            Self::Pod(Change::Listed(_))
                | Self::ReplicaSet(Change::Listed(_))
                | Self::Workload(_, Change::Listed(_))
        )
    }
}

enum Change<K> {
    /// A list starts, or one that was cut off is over.
    Restarted,
    Listed(Vec<K>),
    Applied(K),
    Deleted(K),
    Failed(Failure),
}

impl<'c> Watch<'c> {
    /// Starts to watch; the lists come with [`changed`](Self::changed).
    pub fn start(cluster: &'c Cluster<'c>, scopes: &[Scope]) -> Self {
        let (views, streams, troubles) = (Vec::new(), SelectAll::new(), BTreeMap::new());
        let mut watch = Self {
            cluster,
            views,
            streams,
            first: None,
            troubles,
        };
        for scope in scopes {
            watch.add(scope);
        }
        watch
    }

    fn add(&mut self, scope: &Scope) {
        let (at, cluster, namespace) = (self.views.len(), self.cluster, scope.namespace.as_str());
        let mut all = vec![stream(cluster, namespace, (), at, Seen::Pod)];
        if scope.kinds.contains(&Kind::Deployment) {
            all.push(stream(cluster, namespace, (), at, Seen::ReplicaSet));
        }
        for kind in scope.kinds.iter().copied() {
            all.push(stream(cluster, namespace, kind, at, move |change| {
                Seen::Workload(kind, change)
            }));
        }
        let (missing, streams): (_, Vec<_>) = all.into_iter().unzip();
        self.streams.extend(streams);
        self.views.push((
            namespace.to_owned(),
            View {
                missing,
                ..View::default()
            },
        ));
    }

    /// Returns what is known, in the order of the scopes.
    pub fn views(&self) -> impl Iterator<Item = (&str, &View)> {
        self.views
            .iter()
            .map(|(namespace, view)| (namespace.as_str(), view))
    }

    /// Waits for something new, and takes in all that comes with it. Returns whether anything was learnt, be
    /// it that all is as it was; a watch that breaks tells nothing.
    ///
    /// # Errors
    /// What does not pass at once: rejected credentials, a missing permission, something that is not the
    /// API. What may pass when it has lasted for too long.
    pub async fn changed(&mut self) -> Result<bool, Failure> {
        let cluster = self.cluster;
        // Whoever waits may stop at any await, so what has come is kept.
        if self.first.is_none() {
            self.first = match self.gives_up() {
                Some(end) => tokio::time::timeout_at(end, self.streams.next())
                    .await
                    .ok()
                    .flatten(),
                None => self.streams.next().await,
            };
        }
        if self.first.is_some() {
            tokio::time::sleep(SETTLED).await;
        }
        let (mut next, mut learnt) = (self.first.take(), false);
        while let Some((at, path, seen)) = next {
            learnt |= self.take(at, &path, seen)?;
            next = self.streams.next().now_or_never().flatten();
        }
        self.troubles
            .retain(|path, _| cluster.health.is_failing(path));
        if self.gives_up().is_some_and(|end| end <= Instant::now())
            && let Some((_, failure)) = self.troubles.pop_first()
        {
            return Err(failure);
        }
        Ok(learnt)
    }

    /// Returns what keeps us from seeing everything at this moment, in words.
    pub fn interruption(&self) -> Option<String> {
        let failing = |path: &str| self.cluster.health.is_failing(path);
        self.troubles
            .iter()
            .find(|(path, _)| failing(path))
            .map(|(_, failure)| failure.summary())
    }

    /// Returns what keeps us from seeing everything, as the failure that it is.
    pub fn into_interruption(mut self) -> Option<Failure> {
        let cluster = self.cluster;
        self.troubles
            .retain(|path, _| cluster.health.is_failing(path));
        self.troubles.pop_first().map(|(_, failure)| failure)
    }

    fn gives_up(&self) -> Option<Instant> {
        self.troubles
            .keys()
            .filter_map(|path| self.cluster.health.gives_up(path))
            .min()
    }

    fn take(&mut self, at: usize, path: &str, seen: Seen) -> Result<bool, Failure> {
        let Some((_, view)) = self.views.get_mut(at) else {
            return Ok(false);
        };
        if seen.is_list() {
            view.missing.remove(path);
        }
        let learnt = match seen {
            Seen::Pod(change) => apply(&mut view.pods, change),
            Seen::ReplicaSet(change) => apply(&mut view.replica_sets, change),
            Seen::Workload(kind, change) => apply(view.workloads.entry(kind).or_default(), change),
        };
        match learnt {
            Err(failure) if error::may_pass(&failure) && self.cluster.world.deadline().waits() => {
                // Its head came before it broke: the next one tells whether the server is there.
                self.troubles.insert(path.to_owned(), failure);
                Ok(false)
            }
            learnt => learnt,
        }
    }
}

fn apply<K: Resource>(
    objects: &mut BTreeMap<String, K>,
    change: Change<K>,
) -> Result<bool, Failure> {
    let key = |object: &K| object.meta().name.clone().unwrap_or_default();
    match change {
        Change::Restarted => return Ok(false),
        Change::Listed(list) => {
            *objects = list
                .into_iter()
                .map(|object| (key(&object), object))
                .collect();
        }
        Change::Applied(object) => drop(objects.insert(key(&object), object)),
        Change::Deleted(object) => drop(objects.remove(&key(&object))),
        Change::Failed(failure) => return Err(failure),
    }
    Ok(true)
}

/// Lists and watches one kind in one namespace, for ever; returns the path as well.
fn stream<'c, K>(
    cluster: &'c Cluster<'c>,
    namespace: &str,
    kind: K::DynamicType,
    at: usize,
    wrap: impl Fn(Change<K>) -> Seen + 'c,
) -> (String, LocalBoxStream<'c, Told>)
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
    let namespace = namespace.to_owned();
    // A watch that the server does not start any more (410 as its status) is begun anew from a list.
    let watches = futures_util::stream::repeat(()).flat_map(move |()| {
        let api: Api<K> = Api::namespaced_with(cluster.client.clone(), &namespace, &kind);
        let settings = watcher::Config::default().timeout(WATCH.as_secs() as u32);
        let events = watcher(api, settings).backoff(Pauses::default());
        events.scan(false, |gone, event| {
            let ends = mem::replace(gone, matches!(&event, Err(error) if error::is_gone(error)));
            std::future::ready((!ends).then_some(event))
        })
    });
    let told = path.clone();
    let changes = watches.scan(None, move |list: &mut Option<Vec<K>>, event| {
        std::future::ready(Some(change(list, event, &told, cluster.server())))
    });
    let listed = path.clone();
    (
        listed,
        changes
            .map(move |change| (at, path.clone(), wrap(change)))
            .boxed_local(),
    )
}

fn change<K>(
    list: &mut Option<Vec<K>>,
    event: Result<watcher::Event<K>, watcher::Error>,
    path: &str,
    server: &str,
) -> Change<K> {
    match event {
        Ok(watcher::Event::Init) => {
            *list = Some(Vec::new());
            Change::Restarted
        }
        Ok(watcher::Event::InitApply(object)) => {
            list.get_or_insert_default().push(object);
            Change::Restarted
        }
        Ok(watcher::Event::InitDone) => Change::Listed(list.take().unwrap_or_default()),
        Ok(watcher::Event::Apply(object)) => Change::Applied(object),
        Ok(watcher::Event::Delete(object)) => Change::Deleted(object),
        Err(error) if error::is_gone(&error) => Change::Restarted,
        Err(error) => Change::Failed(error::watch(error, path, server)),
    }
}

/// Pauses between two tries: short, since a restart of the API server takes seconds.
#[derive(Debug, Default)]
struct Pauses(u32);

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Self::Item> {
        self.0 = (self.0 + 1).min(4);
        Some(Duration::from_millis(250) * 2_u32.pow(self.0 - 1))
    }
}

impl kube::runtime::utils::Backoff for Pauses {
    fn reset(&mut self) {
        self.0 = 0;
    }
}

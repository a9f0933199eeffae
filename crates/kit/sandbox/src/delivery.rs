//! Argo CD and a cluster as one small machine: a branch is looked at, what it says is rolled out.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::{process::Command, sync::watch, task::JoinHandle};

use crate::{Registry, argocd, kubernetes, rollout::ReplicaSet};

/// How often the machine moves.
const TICK: Duration = Duration::from_millis(50);
/// How long a sync takes.
const SYNC: Duration = Duration::from_millis(200);
/// How often a branch is looked at without a refresh; a real Argo CD takes minutes.
const POLL: Duration = Duration::from_secs(180);

/// An application of Argo CD, which is a deployment in a namespace of its own.
#[derive(Debug, Clone)]
pub struct App {
    /// `dex-prod`, also its namespace.
    pub name: String,
    /// `infra/argocd/overlays/prod`.
    pub overlay: String,
    /// `main`.
    pub branch: String,
}

/// Argo CD and a cluster on loopback; both end when this is dropped.
pub struct Delivery {
    argocd: String,
    kubernetes: String,
    tasks: Vec<JoinHandle<()>>,
}

/// What both APIs show, and how they hear of changes.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

/// Everything there is.
pub(crate) struct State {
    /// Grows with every change, as a resource version does.
    pub(crate) version: u64,
    /// The version at which something went last.
    pub(crate) removed: u64,
    pub(crate) remote: PathBuf,
    pub(crate) apps: Vec<AppState>,
}

/// One application and its deployment.
pub(crate) struct AppState {
    pub(crate) app: App,
    pub(crate) version: u64,
    /// The commit that was compared last; empty before the first comparison.
    pub(crate) revision: String,
    pub(crate) compared: SystemTime,
    /// The newest last.
    pub(crate) sets: Vec<ReplicaSet>,
    /// A comparison was asked for and has not begun.
    pub(crate) refresh: bool,
    /// A sync that runs until then.
    pub(crate) syncing: Option<Instant>,
    /// When the last sync began, and when it ended; and what it brought.
    pub(crate) synced: (SystemTime, SystemTime, String),
    rolled_out: u64,
    looked: Option<Instant>,
}

impl Delivery {
    /// Starts both for a bare repository and the images of a registry, within the caller's runtime.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(remote: PathBuf, registry: &Registry, apps: Vec<App>) -> io::Result<Self> {
        let apps = apps.into_iter().map(AppState::new).collect();
        let state = Arc::new(Mutex::new(State {
            version: 1,
            removed: 1,
            remote,
            apps,
        }));
        let world = World {
            state,
            changed: watch::Sender::new(1),
        };
        let (argocd, first) = serve(argocd::router(world.clone())).await?;
        let (kubernetes, second) = serve(kubernetes::router(world.clone())).await?;
        let machine = tokio::spawn(run(world, registry.looker()));
        Ok(Self {
            argocd,
            kubernetes,
            tasks: vec![first, second, machine],
        })
    }

    /// Returns `http://127.0.0.1:PORT` of Argo CD.
    pub fn argocd(&self) -> &str {
        &self.argocd
    }

    /// Returns a kubeconfig for the cluster.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\n\
             clusters:\n- name: sandbox\n  cluster:\n    server: {}\n\
             contexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: sandbox\n\
             users:\n- name: sandbox\n  user: {{}}\n",
            self.kubernetes
        )
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl World {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what changes with every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        let version = self.lock().version;
        self.changed
            .send_if_modified(|seen| std::mem::replace(seen, version) != version);
    }
}

impl State {
    /// How many objects there are: time passing takes some away, and makes none.
    fn objects(&self) -> usize {
        self.apps
            .iter()
            .flat_map(|app| &app.sets)
            .map(|set| 1 + set.pods.len())
            .sum()
    }

    pub(crate) fn app(&mut self, name: &str) -> Option<&mut AppState> {
        self.apps.iter_mut().find(|state| state.app.name == name)
    }
}

impl AppState {
    fn new(app: App) -> Self {
        Self {
            app,
            version: 1,
            revision: String::new(),
            compared: SystemTime::now(),
            sets: Vec::new(),
            refresh: true,
            syncing: None,
            synced: (SystemTime::now(), SystemTime::now(), String::new()),
            rolled_out: 0,
            looked: None,
        }
    }

    /// Returns the pods that are wanted.
    pub(crate) fn newest(&self) -> Option<&ReplicaSet> {
        self.sets.last()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.newest().is_some_and(ReplicaSet::is_ready)
    }

    fn is_due(&self) -> bool {
        self.syncing.is_none()
            && (self.refresh || self.looked.is_none_or(|looked| looked.elapsed() >= POLL))
    }

    /// Takes over what the branch says.
    fn compare(&mut self, revision: String, image: &str, digest: Option<String>, version: u64) {
        (self.refresh, self.looked, self.compared) =
            (false, Some(Instant::now()), SystemTime::now());
        self.version = version;
        self.revision = revision;
        if self.newest().is_none_or(|set| set.image != image) {
            self.rolled_out += 1;
            self.syncing = Some(Instant::now() + SYNC);
            self.synced = (self.compared, self.compared + SYNC, self.revision.clone());
            self.sets.push(ReplicaSet::new(
                "dex",
                self.rolled_out,
                image,
                digest,
                version,
            ));
        }
    }

    /// Lets time pass; returns whether anything changed.
    fn tick(&mut self, version: u64) -> bool {
        let mut changed = self.syncing.is_some_and(|end| end <= Instant::now());
        if changed {
            self.syncing = None;
        }
        for set in &mut self.sets {
            changed |= set.tick(version);
        }
        if self.is_healthy() && self.sets.len() > 1 {
            let last = self.sets.len() - 1;
            self.sets[..last]
                .iter_mut()
                .for_each(|set| set.end(version));
        }
        let newest = self.newest().map(|set| set.number);
        let before = self.sets.len();
        self.sets
            .retain(|set| Some(set.number) == newest || !set.pods.is_empty());
        changed |= self.sets.len() != before;
        if changed {
            self.version = version;
        }
        changed
    }
}

async fn serve(router: axum::Router) -> io::Result<(String, JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move {
        // It ends with the runtime; an error of one connection is not the server's.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, server))
}

/// The machine itself.
async fn run(world: World, look: impl Fn(&str, &str) -> Option<String> + Send + 'static) {
    loop {
        let due: Vec<App> = world
            .lock()
            .apps
            .iter()
            .filter(|state| state.is_due())
            .map(|state| state.app.clone())
            .collect();
        for app in due {
            let remote = world.lock().remote.clone();
            if let Some((revision, image)) = read(&remote, &app).await {
                let digest = pulled(&image, &look);
                let mut state = world.lock();
                state.version += 1;
                let version = state.version;
                if let Some(found) = state.app(&app.name) {
                    found.compare(revision, &image, digest, version);
                }
            }
        }
        {
            let mut state = world.lock();
            let (version, before) = (state.version + 1, state.objects());
            if state
                .apps
                .iter_mut()
                .filter_map(|app| app.tick(version).then_some(()))
                .count()
                > 0
            {
                state.version = version;
            }
            if state.objects() < before {
                state.removed = version;
            }
        }
        world.tell();
        tokio::time::sleep(TICK).await;
    }
}

/// Returns the branch's tip and the image that the overlay wants there.
async fn read(remote: &std::path::Path, app: &App) -> Option<(String, String)> {
    let tip = git(
        remote,
        &["rev-parse", &format!("refs/heads/{}", app.branch)],
    )
    .await?;
    let file = git(
        remote,
        &["show", &format!("{tip}:{}/kustomization.yaml", app.overlay)],
    )
    .await?;
    let entry = overlay::read(file.as_bytes()).ok()?.into_iter().next()?;
    let (name, tag) = (
        entry.value.new_name.unwrap_or(entry.name),
        entry.value.tag.unwrap_or_default(),
    );
    Some((tip, format!("{name}:{tag}")))
}

async fn git(remote: &std::path::Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(remote)
        .args(arguments)
        .kill_on_drop(true);
    let output = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .await
        .ok()?;
    output.status.success().then(|| {
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    })
}

/// Returns the digest that a node gets for `host/repository:tag`.
fn pulled(image: &str, look: &impl Fn(&str, &str) -> Option<String>) -> Option<String> {
    let (name, tag) = image.rsplit_once(':')?;
    look(name.split_once('/')?.1, tag)
}

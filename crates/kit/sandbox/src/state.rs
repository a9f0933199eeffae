//! The state that both APIs show: applications, their deployments and the changes to these.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

use crate::rollout::RolloutSet;

/// How long a sync takes.
const SYNC: Duration = Duration::from_millis(200);
/// Interval at which a branch is read without a refresh, as a real Argo CD does.
const POLL_INTERVAL: Duration = Duration::from_secs(180);

/// An application of Argo CD, which is a deployment in a namespace of its own.
#[derive(Debug, Clone)]
pub struct SandboxApp {
    /// `dex-prod`, also its namespace.
    pub name: String,
    /// `infra/argocd/overlays/prod`.
    pub overlay: String,
    /// `main`.
    pub branch: String,
}

/// The state and its changes; clones share them.
#[derive(Clone)]
pub(crate) struct SandboxWorld {
    state: Arc<Mutex<SandboxState>>,
    changed: watch::Sender<u64>,
}

/// Everything that there is.
pub(crate) struct SandboxState {
    /// Grows with every change, as a resource version does.
    pub(crate) version: u64,
    /// The version at which an object was last removed.
    pub(crate) removed: u64,
    pub(crate) remote: PathBuf,
    pub(crate) apps: Vec<AppState>,
}

/// One application and its deployment.
pub(crate) struct AppState {
    pub(crate) app: SandboxApp,
    pub(crate) version: u64,
    /// The commit of the last comparison; empty before the first one.
    pub(crate) revision: String,
    pub(crate) compared: SystemTime,
    /// The newest last.
    pub(crate) sets: Vec<RolloutSet>,
    /// Whether a client has asked for a comparison that has not begun yet.
    pub(crate) refresh: bool,
    /// The end of the sync that is running.
    pub(crate) syncing: Option<Instant>,
    pub(crate) last_sync: LastSync,
    rolled_out: u64,
    polled: Option<Instant>,
}

/// The last sync of an application.
pub(crate) struct LastSync {
    pub(crate) started: SystemTime,
    pub(crate) finished: SystemTime,
    pub(crate) revision: String,
}

impl SandboxWorld {
    /// Creates the state: applications that were never compared.
    pub(crate) fn new(remote: PathBuf, apps: Vec<SandboxApp>) -> Self {
        let state = SandboxState {
            version: 1,
            removed: 1,
            remote,
            apps: apps.into_iter().map(AppState::new).collect(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            changed: watch::Sender::new(1),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, SandboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a receiver that hears of every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells the subscribers of changes since the last call, if there are any.
    pub(crate) fn notify(&self) {
        let version = self.lock().version;
        self.changed
            .send_if_modified(|seen| std::mem::replace(seen, version) != version);
    }
}

impl SandboxState {
    pub(crate) fn app(&mut self, name: &str) -> Option<&mut AppState> {
        self.apps.iter_mut().find(|state| state.app.name == name)
    }

    /// Returns the applications whose branches are to be read now.
    pub(crate) fn due(&self) -> Vec<SandboxApp> {
        let due = self.apps.iter().filter(|state| state.is_due());
        due.map(|state| state.app.clone()).collect()
    }

    /// Takes over the result of reading a branch.
    pub(crate) fn compare(
        &mut self,
        app: &str,
        revision: String,
        image: &str,
        digest: Option<String>,
    ) {
        self.version += 1;
        let version = self.version;
        if let Some(found) = self.app(app) {
            found.compare(revision, image, digest, version);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self) {
        let (version, before) = (self.version + 1, self.objects());
        let mut changed = false;
        for app in &mut self.apps {
            changed |= app.tick(version);
        }
        if changed {
            self.version = version;
        }
        if self.objects() < before {
            self.removed = version;
        }
    }

    /// Returns the number of objects. Passing time removes some, and creates none.
    fn objects(&self) -> usize {
        let sets = self.apps.iter().flat_map(|app| &app.sets);
        sets.map(|set| 1 + set.pods.len()).sum()
    }
}

impl AppState {
    fn new(app: SandboxApp) -> Self {
        let now = SystemTime::now();
        Self {
            app,
            version: 1,
            revision: String::new(),
            compared: now,
            sets: Vec::new(),
            refresh: true,
            syncing: None,
            last_sync: LastSync {
                started: now,
                finished: now,
                revision: String::new(),
            },
            rolled_out: 0,
            polled: None,
        }
    }

    /// Returns the pods of the current template.
    pub(crate) fn newest(&self) -> Option<&RolloutSet> {
        self.sets.last()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.newest().is_some_and(RolloutSet::is_ready)
    }

    fn is_due(&self) -> bool {
        let is_stale = |polled: Instant| polled.elapsed() >= POLL_INTERVAL;
        self.syncing.is_none() && (self.refresh || self.polled.is_none_or(is_stale))
    }

    fn compare(&mut self, revision: String, image: &str, digest: Option<String>, version: u64) {
        self.refresh = false;
        self.polled = Some(Instant::now());
        self.compared = SystemTime::now();
        self.version = version;
        self.revision = revision;
        if self.newest().is_none_or(|set| set.image != image) {
            self.sync(image, digest, version);
        }
    }

    fn sync(&mut self, image: &str, digest: Option<String>, version: u64) {
        self.rolled_out += 1;
        self.syncing = Some(Instant::now() + SYNC);
        self.last_sync = LastSync {
            started: self.compared,
            finished: self.compared + SYNC,
            revision: self.revision.clone(),
        };
        let set = RolloutSet::new("dex", self.rolled_out, image, digest, version);
        self.sets.push(set);
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
        if self.is_healthy() {
            let replaced = self.sets.len() - 1;
            for set in &mut self.sets[..replaced] {
                set.end(version);
            }
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

//! Real Kubernetes and Argo CD on loopback, as `cargo xtask test` has built them.
//!
//! One world serves all tests of a machine: the first that needs one starts it (8 seconds), and it
//! ends by itself a minute after the last. Tests stay apart by namespace, app and account. The
//! kubelet is the test.
//!
//! ```no_run
//! use lab::{GitRemote, overlays::SampleOverlay};
//! use lab::testbed::{AppSpec, Testbed, repository, scripts};
//!
//! let testbed = Testbed::shared();
//! let namespace = testbed.namespace();
//! let (remote, overlay) = (GitRemote::new(), SampleOverlay::dev("sha-1"));
//! let files = repository::files(&overlay, namespace.name());
//! let commit = remote.change("main", &files, "deploy: sha-1");
//! let app = testbed.app(&AppSpec::new(&namespace, &remote.url(), "infra/argocd/overlays/dev"));
//! app.wait_until_deployed(&commit);
//! namespace.pods(scripts::crash_loop(1, "no such table: users\n"));
//! ```

pub mod repository;

mod account;
mod app;
mod argocd;
mod capacity;
mod client;
mod inner;
mod install;
mod join;
mod keys;
mod kubelet;
mod kubernetes;
mod namespace;
mod plan;
mod ports;
mod process;
mod programs;
mod start;
mod tools;
mod unique;
mod world;

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use account::{Account, AccountRule};
pub use app::{AppSpec, TestbedApp};
pub use argocd::{ArgoAccount, TestbedArgoCd};
pub use capacity::Capacity;
pub use kubelet::{PodView, ScriptedStatus, scripts};
pub use kubernetes::Kubernetes;
pub use namespace::Namespace;
pub use tools::{MANIFESTS, PROGRAMS, Tools};

use inner::TestbedInner;
use kubelet::Kubelet;
use process::ServerProcess;
use programs::{ARGOCD, TestbedProgram};
use unique::unique;
use world::TestbedWorld;

/// How many seconds the world of one test outlives its process.
const PRIVATE_GRACE: u64 = 2;

/// A world, seen by one process.
#[derive(Clone, Debug)]
pub struct Testbed {
    inner: Arc<TestbedInner>,
}

impl Testbed {
    /// Returns the world that all tests share: one that runs, be it `cargo xtask testbed up`'s, or
    /// a new one.
    ///
    /// # Panics
    ///
    /// If it cannot be started, with the ends of all logs; if its programs are missing, with a
    /// hint.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Testbed> = OnceLock::new();
        SHARED.get_or_init(|| Self::over(join::shared(), None))
    }

    /// Starts a world of its own, whose parts may be stopped; it ends when the last that came from
    /// it is dropped.
    ///
    /// # Panics
    ///
    /// As [`Testbed::shared`].
    #[must_use]
    pub fn private() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("lab-testbed-")
            .tempdir()
            .expect("a temporary folder");
        let world = TestbedWorld::start(&folder.path().join("world"), PRIVATE_GRACE);
        Self::over(world, Some(folder))
    }

    /// Returns the shared world, if one runs.
    #[must_use]
    pub fn running() -> Option<Self> {
        join::running().map(|world| Self::over(world, None))
    }

    /// Ends the shared world, even while others use it; does nothing if there is none.
    pub fn end_shared() {
        join::end();
    }

    fn over(world: TestbedWorld, private: Option<TempDir>) -> Self {
        let kubelet = Kubelet::start(world.kubernetes.client());
        Self {
            inner: Arc::new(TestbedInner {
                argocd: TestbedArgoCd::new(&world),
                world,
                kubelet,
                private,
            }),
        }
    }

    /// Returns the API server.
    #[must_use]
    pub fn kubernetes(&self) -> &Kubernetes {
        &self.inner.world.kubernetes
    }

    /// Returns Argo CD.
    #[must_use]
    pub fn argocd(&self) -> &TestbedArgoCd {
        &self.inner.argocd
    }

    /// Creates a namespace that no other test has, with a node for its pods.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        self.namespace_on(Capacity::default())
    }

    /// Creates a namespace whose node has this capacity: pods that do not fit are unschedulable.
    #[must_use]
    pub fn namespace_on(&self, capacity: Capacity) -> Namespace {
        Namespace::new(&self.inner, &unique("test"), capacity)
    }

    /// Creates a namespace of this name.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[must_use]
    pub fn namespace_named(&self, name: &str) -> Namespace {
        Namespace::new(&self.inner, name, Capacity::default())
    }

    /// Creates a node for the pods of all namespaces that were not made here, as `kubectl create
    /// namespace` makes them.
    pub fn open_node(&self, name: &str) {
        self.inner.add_node(name, "open", Capacity::default());
    }

    /// Creates an application.
    ///
    /// # Panics
    ///
    /// With the API server's answer, if it rejects the object.
    #[must_use]
    pub fn app(&self, spec: &AppSpec) -> TestbedApp {
        TestbedApp::new(&self.inner, spec)
    }

    /// Creates a project with this `spec` in Argo CD; one without restrictions if that is empty.
    ///
    /// # Panics
    ///
    /// With the API server's answer, if it rejects the object.
    pub fn project(&self, name: &str, spec: &Value) {
        let mut all = json!({
            "sourceRepos": ["*"],
            "destinations": [{ "server": "*", "namespace": "*" }],
            "clusterResourceWhitelist": [{ "group": "*", "kind": "*" }],
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        let project = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": { "name": name, "namespace": "argocd" },
            "spec": all,
        });
        self.kubernetes().create(
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects",
            &project,
        );
    }

    /// Stops all of Argo CD. Only for a private world, which no other test uses.
    pub fn stop_argocd(&self) {
        self.may_stop();
        self.inner.world.stop(&ARGOCD);
    }

    /// Starts Argo CD again, where it was.
    pub fn start_argocd(&self) {
        self.inner.world.restart(&ARGOCD);
    }

    /// Stops the API server. Only for a private world, which no other test uses.
    pub fn stop_kubernetes(&self) {
        self.may_stop();
        self.inner.world.stop(&[TestbedProgram::Apiserver]);
    }

    /// Starts the API server again, where it was.
    pub fn start_kubernetes(&self) {
        self.inner.world.restart(&[TestbedProgram::Apiserver]);
    }

    fn may_stop(&self) {
        assert!(
            self.inner.private.is_some(),
            "other tests use this world: call `Testbed::private()`"
        );
    }

    /// Returns the path of one of [`PROGRAMS`]: `argocd` is also its command line.
    #[must_use]
    pub fn program(&self, name: &str) -> std::path::PathBuf {
        Tools::find().programs().join(name)
    }

    /// Returns the last lines of all logs.
    #[must_use]
    pub fn logs(&self) -> String {
        self.inner.logs()
    }

    /// Returns the folder of the world, with all logs in `logs`; it is gone when the world is.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.inner.world.folder
    }

    /// Returns each program that runs, with its process id and its memory in KiB.
    #[must_use]
    pub fn processes(&self) -> Vec<(String, u32, u64)> {
        let all = ServerProcess::recorded(&self.inner.world.folder);
        let alive = all.into_iter().filter(ServerProcess::is_alive);
        alive
            .map(|process| (process.name.clone(), process.id, process.memory_kib()))
            .collect()
    }

    /// Has a process end with the world.
    pub fn adopt(&self, name: &str, id: u32) {
        ServerProcess::record(&self.inner.world.folder, name, id);
    }
}

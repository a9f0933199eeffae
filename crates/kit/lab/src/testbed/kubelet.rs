//! The kubelet, played by the test: a script says how each pod is at each moment.
//!
//! ```
//! use std::time::Duration;
//! use lab::testbed::{PodStatus, PodView};
//!
//! // One function is one story: here, a pod that is not ready in its first two seconds.
//! fn slow(pod: &PodView) -> PodStatus {
//!     let running = PodStatus::running();
//!     if pod.age < Duration::from_secs(2) { running.not_ready() } else { running }
//! }
//! ```

pub mod scripts;

mod logs;
mod render;
mod status;
mod watch;

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use crate::background::Background;
use crate::faulty::Faulty;
use crate::tls::Authority;

pub(super) use render::now as render_now;
pub use status::PodStatus;

/// A pod as a script sees it.
#[derive(Clone, Debug)]
pub struct PodView {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The image of its first container.
    pub image: String,
    /// Since it was put on its node.
    pub age: Duration,
    /// All of it, as the API has it.
    pub object: Value,
}

/// How a pod is, by what is known of it.
type Script = Arc<dyn Fn(&PodView) -> PodStatus + Send + Sync>;

/// Plays the pods of its nodes until it is dropped.
pub(super) struct Kubelet {
    desk: Arc<Desk>,
    endpoint: Faulty,
    _loop: Background,
}

impl Debug for Kubelet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubelet").finish_non_exhaustive()
    }
}

/// Which nodes are ours, what their pods do, and what these have said.
#[derive(Default)]
struct Desk {
    nodes: Mutex<HashSet<String>>,
    scripts: Mutex<HashMap<String, Script>>,
    logs: Mutex<HashMap<String, [String; 2]>>,
}

impl Kubelet {
    /// Starts to watch all pods of a world.
    pub(super) fn start(client: &Client) -> Self {
        let desk = Arc::<Desk>::default();
        let answers = Arc::clone(&desk);
        let endpoint = Faulty::start(Some(Authority::new()), move |seen| {
            logs::answer(&answers, seen)
        });
        let task = watch::run(Arc::clone(&desk), client.own());
        Self {
            desk,
            endpoint,
            _loop: Background::start(task),
        }
    }

    /// Takes a node over.
    pub(super) fn add_node(&self, node: &str) {
        lock(&self.desk.nodes).insert(node.to_owned());
    }

    /// Leaves a node, and with it its pods, alone.
    pub(super) fn remove_node(&self, node: &str) {
        lock(&self.desk.nodes).remove(node);
    }

    /// Gives the pods of a namespace another script, from the next look on.
    pub(super) fn play(
        &self,
        namespace: &str,
        script: impl Fn(&PodView) -> PodStatus + Send + Sync + 'static,
    ) {
        lock(&self.desk.scripts).insert(namespace.to_owned(), Arc::new(script));
    }

    /// Forgets what the pods of a namespace do and said.
    pub(super) fn forget(&self, namespace: &str) {
        lock(&self.desk.scripts).remove(namespace);
        lock(&self.desk.logs).retain(|pod, _| !pod.starts_with(&format!("{namespace}/")));
    }

    /// Returns the port where logs are asked for.
    pub(super) fn port(&self) -> u16 {
        let address = self.endpoint.address();
        address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok())
            .expect("an address with a port")
    }
}

impl Desk {
    fn is_ours(&self, node: &str) -> bool {
        lock(&self.nodes).contains(node)
    }

    /// Asks the script of the pod's namespace how it is, and keeps what it has said.
    fn judge(&self, pod: &PodView) -> PodStatus {
        let script = lock(&self.scripts).get(&pod.namespace).map(Arc::clone);
        let status = script.map_or_else(|| scripts::healthy(pod), |script| script(pod));
        let said = [status.log.clone(), status.previous_log.clone()];
        lock(&self.logs).insert(format!("{}/{}", pod.namespace, pod.name), said);
        status
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

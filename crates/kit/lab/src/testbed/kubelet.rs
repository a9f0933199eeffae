//! The kubelet, played by the test: a script says how each pod is at each moment.
//!
//! ```
//! use std::time::Duration;
//! use lab::testbed::{ScriptedStatus, PodView};
//!
//! // One function is one story: here, a pod that is not ready in its first two seconds.
//! fn slow(pod: &PodView) -> ScriptedStatus {
//!     let running = ScriptedStatus::running();
//!     if pod.age < Duration::from_secs(2) { running.not_ready() } else { running }
//! }
//! ```

pub mod scripts;

mod logs;
mod render;
mod state;
mod status;
mod view;
mod watch;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use super::client::TestbedClient;
use crate::background::Background;
use crate::faulty::Faulty;
use crate::lock::lock;
use crate::tls::Authority;

pub(super) use render::now as render_now;
pub use status::ScriptedStatus;
pub use view::PodView;

use state::KubeletState;

/// Plays the pods of its nodes until it is dropped.
pub(super) struct Kubelet {
    state: Arc<KubeletState>,
    endpoint: Faulty,
    _loop: Background,
}

impl Debug for Kubelet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubelet").finish_non_exhaustive()
    }
}

impl Kubelet {
    /// Starts to watch all pods of a world.
    pub(super) fn start(client: &TestbedClient) -> Self {
        let state = Arc::<KubeletState>::default();
        let answers = Arc::clone(&state);
        let endpoint = Faulty::start(Some(Authority::new()), move |seen| {
            logs::answer(&answers, seen)
        });
        let task = watch::run(Arc::clone(&state), client.own());
        Self {
            state,
            endpoint,
            _loop: Background::start(task),
        }
    }

    /// Takes a node over.
    pub(super) fn add_node(&self, node: &str) {
        lock(&self.state.nodes).insert(node.to_owned());
    }

    /// Leaves a node, and with it its pods, alone.
    pub(super) fn remove_node(&self, node: &str) {
        lock(&self.state.nodes).remove(node);
    }

    /// Gives the pods of a namespace another script, from the next round on.
    pub(super) fn play(
        &self,
        namespace: &str,
        script: impl Fn(&PodView) -> ScriptedStatus + Send + Sync + 'static,
    ) {
        lock(&self.state.scripts).insert(namespace.to_owned(), Arc::new(script));
    }

    /// Forgets scripts and logs of the pods of a namespace.
    pub(super) fn forget(&self, namespace: &str) {
        lock(&self.state.scripts).remove(namespace);
        lock(&self.state.logs).retain(|pod, _| !pod.starts_with(&format!("{namespace}/")));
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

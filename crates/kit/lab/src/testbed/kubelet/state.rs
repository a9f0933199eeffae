//! The nodes of a kubelet, the scripts of its pods, and their logs.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::scripts;
use super::status::ScriptedStatus;
use super::view::PodView;
use crate::lock::lock;

/// Returns the status of a pod.
type Script = Arc<dyn Fn(&PodView) -> ScriptedStatus + Send + Sync>;

/// The nodes of this kubelet, the scripts of its pods, and their logs.
#[derive(Default)]
pub(super) struct KubeletState {
    pub(super) nodes: Mutex<HashSet<String>>,
    pub(super) scripts: Mutex<HashMap<String, Script>>,
    pub(super) logs: Mutex<HashMap<String, [String; 2]>>,
}

impl KubeletState {
    pub(super) fn is_ours(&self, node: &str) -> bool {
        lock(&self.nodes).contains(node)
    }

    /// Asks the script of the pod's namespace for the status, and keeps the logs in it.
    pub(super) fn judge(&self, pod: &PodView) -> ScriptedStatus {
        let script = lock(&self.scripts).get(&pod.namespace).map(Arc::clone);
        let status = script.map_or_else(|| scripts::healthy(pod), |script| script(pod));
        let said = [status.log.clone(), status.previous_log.clone()];
        lock(&self.logs).insert(format!("{}/{}", pod.namespace, pod.name), said);
        status
    }
}

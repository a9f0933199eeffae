//! The part of a testbed that its namespaces and apps hold on to.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use super::argocd::TestbedArgoCd;
use super::capacity::Capacity;
use super::kubelet::{Kubelet, render_now};
use super::process;
use super::world::TestbedWorld;

/// The servers of a world, shared by the testbed, its namespaces and its apps.
#[derive(Debug)]
pub(super) struct TestbedInner {
    pub(super) world: TestbedWorld,
    pub(super) argocd: TestbedArgoCd,
    pub(super) kubelet: Kubelet,
    /// The folder of a world of one test.
    pub(super) private: Option<TempDir>,
}

impl TestbedInner {
    /// Makes a node with a label, whose kubelet this process plays.
    pub(super) fn add_node(&self, name: &str, label: &str, capacity: Capacity) {
        let kubernetes = &self.world.kubernetes;
        let labels = json!({
            "testbed": label,
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
        });
        kubernetes.create(
            "/api/v1/nodes",
            &json!({ "metadata": { "name": name, "labels": labels } }),
        );
        self.kubelet.add_node(name);
        let resources = json!({
            "cpu": capacity.cpu.to_string(),
            "memory": format!("{}Mi", capacity.memory_mib),
            "pods": capacity.pods.to_string(),
        });
        let now = render_now();
        let ready = json!({
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        });
        let status = json!({
            "capacity": resources,
            "allocatable": resources,
            "conditions": [ready],
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": self.kubelet.port() } },
            "nodeInfo": { "architecture": "amd64", "operatingSystem": "linux" },
        });
        kubernetes.patch(
            &format!("/api/v1/nodes/{name}/status"),
            &json!({ "status": status }),
        );
        // Admission says that a new node is not ready, and the controller that would take it back
        // is off.
        kubernetes.patch(
            &format!("/api/v1/nodes/{name}"),
            &json!({ "spec": { "taints": null } }),
        );
    }

    pub(super) fn remove_node(&self, name: &str) {
        self.kubelet.remove_node(name);
        drop(
            self.world
                .kubernetes
                .try_ask(Method::DELETE, &format!("/api/v1/nodes/{name}"), None),
        );
    }

    pub(super) fn logs(&self) -> String {
        process::logs(&self.world.folder)
    }
}

impl Drop for TestbedInner {
    fn drop(&mut self) {
        if self.private.is_some() {
            process::end(&self.world.folder);
        }
    }
}

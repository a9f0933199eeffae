//! A namespace for one test, with a node of its own: tests share a cluster and do not meet.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::account::{Account, AccountRule};
use super::capacity::Capacity;
use super::inner::TestbedInner;
use super::keys;
use super::kubelet::{PodView, ScriptedStatus, render_now};
use super::unique::unique;
use crate::wait;

/// A namespace; dropping this deletes it with all that is in it.
///
/// Its pods run on its node alone (an annotation that admission turns into their node selector),
/// and the process that has made it plays that node's kubelet. A DaemonSet also wants a pod on each
/// other node, unless [`Namespace::node_selector`] stands in its template.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    inner: Arc<TestbedInner>,
}

impl Namespace {
    pub(super) fn new(inner: &Arc<TestbedInner>, name: &str, capacity: Capacity) -> Self {
        let selector = format!("testbed={name}");
        let annotations = json!({ "scheduler.alpha.kubernetes.io/node-selector": selector });
        let object = json!({ "metadata": { "name": name, "annotations": annotations } });
        inner.world.kubernetes.create("/api/v1/namespaces", &object);
        inner.add_node(name, name, capacity);
        // Without it Kubernetes admits no pod.
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        wait::until("the namespace's account", || {
            inner.world.kubernetes.find(&account).is_some()
        });
        Self {
            name: name.to_owned(),
            inner: Arc::clone(inner),
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the node selector of its node, for the templates of DaemonSets.
    #[must_use]
    pub fn node_selector(&self) -> Value {
        json!({ "testbed": self.name })
    }

    /// Gives its pods a script, including those that exist already.
    ///
    /// Without one, [`scripts::healthy`](super::scripts::healthy) holds.
    pub fn pods(&self, script: impl Fn(&PodView) -> ScriptedStatus + Send + Sync + 'static) {
        self.inner.kubelet.play(&self.name, script);
    }

    /// Returns the path of a kind in here: `pods`, `apps/deployments`, `batch/jobs/NAME`.
    #[must_use]
    pub fn path(&self, kind: &str) -> String {
        const GROUPS: [(&str, &str); 6] = [
            ("apps/", "/apis/apps/v1"),
            ("batch/", "/apis/batch/v1"),
            ("autoscaling/", "/apis/autoscaling/v2"),
            ("policy/", "/apis/policy/v1"),
            ("networking/", "/apis/networking.k8s.io/v1"),
            ("rbac/", "/apis/rbac.authorization.k8s.io/v1"),
        ];
        let group = GROUPS
            .iter()
            .find_map(|(short, api)| Some((*api, kind.strip_prefix(short)?)));
        let (api, kind) = group.unwrap_or(("/api/v1", kind));
        format!("{api}/namespaces/{}/{kind}", self.name)
    }

    /// Creates an object of a kind in here, and returns it.
    ///
    /// # Panics
    ///
    /// With the API server's answer, if it rejects the object.
    #[track_caller]
    pub fn create(&self, kind: &str, object: &Value) -> Value {
        self.inner.world.kubernetes.create(&self.path(kind), object)
    }

    /// Returns all objects of a kind in here.
    #[must_use]
    #[track_caller]
    pub fn list(&self, kind: &str) -> Vec<Value> {
        self.inner.world.kubernetes.list(&self.path(kind))
    }

    /// Returns the pods once `right` holds for them.
    ///
    /// # Panics
    ///
    /// Naming `what`, if it does not within 20 seconds.
    #[track_caller]
    pub fn wait_for_pods(&self, what: &str, right: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        wait::found(what, || {
            std::thread::sleep(Duration::from_millis(20));
            Some(self.list("pods")).filter(|pods| right(pods))
        })
    }

    /// Writes an event about an object of a kind: `event("pods", name, "Warning", "Failed", "…")`.
    pub fn event(&self, kind: &str, name: &str, severity: &str, reason: &str, message: &str) {
        let kubernetes = &self.inner.world.kubernetes;
        let about = kubernetes.get(&self.path(&format!("{kind}/{name}")));
        let now = render_now();
        let event = json!({
            "metadata": { "name": format!("{name}.{}", unique("e")) },
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": name,
                "namespace": self.name,
                "uid": about["metadata"]["uid"],
            },
            "type": severity,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": { "component": "kubelet" },
        });
        self.create("events", &event);
    }

    /// Makes a service account that may do exactly this in here.
    #[must_use]
    pub fn account(&self, name: &str, rules: &[AccountRule]) -> Account {
        let rules: Vec<Value> = rules.iter().map(AccountRule::to_json).collect();
        self.account_with(name, &json!(rules))
    }

    /// Makes a service account with the `rules` of a Role, as they stand in a manifest.
    #[must_use]
    pub fn account_with(&self, name: &str, rules: &Value) -> Account {
        let named = json!({ "metadata": { "name": name } });
        let account = self.create("serviceaccounts", &named);
        self.create(
            "rbac/roles",
            &json!({ "metadata": { "name": name }, "rules": rules }),
        );
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": self.name }],
        });
        self.create("rbac/rolebindings", &binding);
        let request = json!({ "spec": { "expirationSeconds": 7200 } });
        let token = self.create(&format!("serviceaccounts/{name}/token"), &request);
        let token = token["status"]["token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let expired = keys::expired(
            &self.inner.world.folder,
            &self.name,
            &account,
            Duration::from_secs(3600),
        );
        let kubernetes = &self.inner.world.kubernetes;
        Account {
            kubeconfig: kubernetes.kubeconfig_for(&token, &self.name),
            name: name.to_owned(),
            token,
            expired,
        }
    }

    /// Changes what an account may do, from now on.
    pub fn change_account(&self, account: &Account, rules: &[AccountRule]) {
        let rules: Vec<Value> = rules.iter().map(AccountRule::to_json).collect();
        let role = self.path(&format!("rbac/roles/{}", account.name));
        self.inner
            .world
            .kubernetes
            .patch(&role, &json!({ "rules": rules }));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The kubelet of this node stops, so deletion must not wait for it. Errors do not matter:
        // the world may be gone already.
        let kubernetes = &self.inner.world.kubernetes;
        let at_once = json!({ "gracePeriodSeconds": 0 });
        drop(kubernetes.try_ask(
            Method::DELETE,
            &format!("/api/v1/namespaces/{}", self.name),
            None,
        ));
        drop(kubernetes.try_ask(Method::DELETE, &self.path("pods"), Some(&at_once)));
        self.inner.remove_node(&self.name);
        self.inner.kubelet.forget(&self.name);
    }
}

//! The resources of an application: its tree, single objects, logs, sync windows.

use contract::Failure;
use fetch::HttpAnswer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::{Presence, SyncAnswer},
    application::{HealthStatus, or_default},
    client::{GET, RequiredPermission},
    id::ApplicationId,
    server::ArgoCd,
};

/// Reads the logs of an application's pods.
const LOGS: RequiredPermission = RequiredPermission {
    resource: "logs",
    action: "get",
};
/// Starts a sync of an application.
const SYNC: RequiredPermission = RequiredPermission {
    resource: "applications",
    action: "sync",
};

/// The tree of resources, from those that the application names down to its pods.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ApplicationTree {
    /// All nodes of the tree.
    #[serde(deserialize_with = "or_default")]
    pub nodes: Vec<ResourceNode>,
}

/// One resource of the tree.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceNode {
    /// The API group, such as `apps`; empty for the core group.
    pub group: String,
    /// The API version, such as `v1`.
    pub version: String,
    /// The resource's kind, such as `Pod`.
    pub kind: String,
    /// The resource's namespace.
    pub namespace: String,
    /// The resource's name.
    pub name: String,
    /// The resource's unique id.
    pub uid: String,
    /// The resources that own it.
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<ParentRef>,
    /// Argo CD's own findings, as names and values.
    #[serde(deserialize_with = "or_default")]
    pub info: Vec<NodeInfo>,
    /// The images of a pod's init and main containers, as its spec names them.
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<String>,
    /// Its health, if it has one.
    pub health: Option<HealthStatus>,
    /// The time of its creation.
    pub created_at: Option<String>,
}

/// The owner of a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ParentRef {
    /// The owner's kind, such as `ReplicaSet`.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's unique id.
    pub uid: String,
}

/// A finding of Argo CD about a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct NodeInfo {
    /// Its name: `Status Reason`, `Restart Count`, `Revision`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl ResourceNode {
    /// Returns the value of a finding of Argo CD.
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info
            .iter()
            .find(|info| info.name == name)
            .map(|info| info.value.as_str())
    }
}

/// The sync windows of an application (`spec.syncWindows` of its project).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncWindows {
    /// The windows that are open now.
    #[serde(deserialize_with = "or_default")]
    pub active_windows: Vec<SyncWindow>,
    /// All windows that apply to the application.
    #[serde(deserialize_with = "or_default")]
    pub assigned_windows: Vec<SyncWindow>,
}

/// One sync window.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncWindow {
    /// `allow` or `deny`.
    pub kind: String,
    /// The times at which it opens, in cron's syntax.
    pub schedule: String,
    /// How long it stays open.
    pub duration: String,
}

/// An event of Kubernetes about an object.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TreeEvent {
    /// `TriggeredScaleUp`, `FailedMount`, …
    pub reason: String,
    /// The explanation.
    pub message: String,
    /// The time of its last occurrence.
    #[serde(deserialize_with = "or_default")]
    pub last_timestamp: String,
}

#[derive(Default, Deserialize)]
struct TreeEvents {
    #[serde(deserialize_with = "or_default", default)]
    items: Vec<TreeEvent>,
}

/// One resource as the application's source defines it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ManagedResource {
    target_state: String,
}

#[derive(Default, Deserialize)]
struct ManagedResources {
    #[serde(deserialize_with = "or_default", default)]
    items: Vec<ManagedResource>,
}

#[derive(Deserialize)]
struct ResourceManifest {
    #[serde(default)]
    manifest: String,
}

impl ArgoCd<'_> {
    /// Gets the tree of resources.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn tree(&self, app: &ApplicationId) -> Result<ApplicationTree, Failure> {
        let path = format!("api/v1/applications/{}/resource-tree", app.name);
        let mut tree: ApplicationTree = self.read_list(app, &path, &[]).await?;
        let health = tree
            .nodes
            .iter_mut()
            .filter_map(|node| node.health.as_mut());
        self.redact(health.map(HealthStatus::text).collect());
        Ok(tree)
    }

    /// Gets an object of the tree as Kubernetes has it; `None` when it no longer exists.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn object(
        &self,
        app: &ApplicationId,
        node: &ResourceNode,
    ) -> Result<Option<Value>, Failure> {
        let path = format!("api/v1/applications/{}/resource", app.name);
        let query = [
            ("namespace", node.namespace.as_str()),
            ("resourceName", node.name.as_str()),
            ("version", node.version.as_str()),
            ("group", node.group.as_str()),
            ("kind", node.kind.as_str()),
        ];
        let Presence::Present(answer) = self.client.get(app, &path, &query, GET).await? else {
            return Ok(None);
        };
        let manifest: ResourceManifest =
            answer.json().map_err(|error| self.client.explain(error))?;
        let mut object = serde_json::from_str(&manifest.manifest).ok();
        if let Some(object) = &mut object {
            let mut texts = Vec::new();
            messages(object, &mut texts);
            self.redact(texts);
        }
        Ok(object)
    }

    /// Gets the events of an object of the tree, newest last.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn object_events(
        &self,
        app: &ApplicationId,
        node: &ResourceNode,
    ) -> Result<Vec<TreeEvent>, Failure> {
        let path = format!("api/v1/applications/{}/events", app.name);
        let query = [
            ("resourceNamespace", node.namespace.as_str()),
            ("resourceName", node.name.as_str()),
            ("resourceUID", node.uid.as_str()),
        ];
        let mut list: TreeEvents = self.read(app, &path, &query).await?;
        self.redact(
            list.items
                .iter_mut()
                .map(|event| &mut event.message)
                .collect(),
        );
        // Both times are in UTC and have whole seconds, so their texts compare.
        list.items
            .sort_by(|one, other| one.last_timestamp.cmp(&other.last_timestamp));
        Ok(list.items)
    }

    /// Gets the sync windows of an application.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn windows(&self, app: &ApplicationId) -> Result<SyncWindows, Failure> {
        let path = format!("api/v1/applications/{}/syncwindows", app.name);
        self.read(app, &path, &[]).await
    }

    /// Gets the manifests that Argo CD rendered last.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn rendered(&self, app: &ApplicationId) -> Result<Vec<Value>, Failure> {
        let path = format!("api/v1/applications/{}/managed-resources", app.name);
        let items: ManagedResources = self
            .read_list(app, &path, &[("fields", "items.targetState")])
            .await?;
        Ok(items
            .items
            .iter()
            .filter_map(|item| serde_json::from_str(&item.target_state).ok())
            .collect())
    }

    /// Gets the last lines of a container's log; with `previous` those of the container before its
    /// last restart.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn log(
        &self,
        app: &ApplicationId,
        [namespace, pod, container]: [&str; 3],
        lines: usize,
        previous: bool,
    ) -> Result<Vec<String>, Failure> {
        let path = format!("api/v1/applications/{}/logs", app.name);
        let (lines, previous) = (lines.to_string(), previous.to_string());
        let query = [
            ("namespace", namespace),
            ("podName", pod),
            ("container", container),
            ("tailLines", lines.as_str()),
            ("previous", previous.as_str()),
            ("follow", "false"),
        ];
        match self.client.get(app, &path, &query, LOGS).await? {
            Presence::Present(answer) => {
                let mut lines = log_lines(answer.body());
                self.redact(lines.iter_mut().collect());
                Ok(lines)
            }
            Presence::Absent(_) => Ok(Vec::new()),
        }
    }

    /// Starts a sync to the branch that the application tracks.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the token may not sync.
    pub async fn sync(&self, app: &ApplicationId) -> Result<SyncAnswer, Failure> {
        let path = format!("api/v1/applications/{}/sync", app.name);
        let body = json!({
            "name": app.name, "project": app.project, "appNamespace": app.namespace,
        });
        self.client.post(app, &path, &body, SYNC).await
    }

    async fn read<T: serde::de::DeserializeOwned + Default>(
        &self,
        app: &ApplicationId,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.json(self.client.get(app, path, query, GET).await?)
    }

    async fn read_list<T: serde::de::DeserializeOwned + Default>(
        &self,
        app: &ApplicationId,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.json(self.client.get_list(app, path, query).await?)
    }

    fn json<T: serde::de::DeserializeOwned + Default>(
        &self,
        answer: Presence<HttpAnswer>,
    ) -> Result<T, Failure> {
        match answer {
            Presence::Present(answer) => answer.json().map_err(|error| self.client.explain(error)),
            Presence::Absent(_) => Ok(T::default()),
        }
    }
}

/// Collects the messages of an object, which may quote anything.
fn messages<'v>(value: &'v mut Value, found: &mut Vec<&'v mut String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key != "message" {
                    messages(value, found);
                } else if let Value::String(text) = value {
                    found.push(text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| messages(item, found)),
        _ => {}
    }
}

/// Reads the frames of a log, one per line; the last frame is empty and only marks the end.
fn log_lines(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    text.lines().filter_map(log_line).collect()
}

fn log_line(frame: &str) -> Option<String> {
    let frame: Value = serde_json::from_str(frame).ok()?;
    let entry = &frame["result"];
    if entry["last"] == true {
        return None;
    }
    Some(entry["content"].as_str()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_of_a_log_is_a_line() {
        let body = "{\"result\":{\"content\":\"one\",\"last\":false,\"podName\":\"p\"}}\n\
                    {\"result\":{\"content\":\"two\\n\",\"last\":false}}\n\
                    {\"result\":{\"content\":\"\",\"last\":true}}\n";
        assert_eq!(log_lines(body.as_bytes()), ["one", "two"]);
    }
}

//! What an application has made: its tree, single objects, logs, windows.

use contract::Failure;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    App, ArgoCd, Found,
    application::{Health, or_default},
    client::{GET, Right},
};

/// To read what its pods have said.
const LOGS: Right = Right {
    resource: "logs",
    action: "get",
};
/// To bring it to its revision.
const SYNC: Right = Right {
    resource: "applications",
    action: "sync",
};

/// The tree of resources, from what the application names down to its pods.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Tree {
    /// All nodes.
    #[serde(deserialize_with = "or_default")]
    pub nodes: Vec<Node>,
}

/// One resource of the tree.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// `apps`; empty for the core's.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Pod`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
    /// Who made it.
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<Parent>,
    /// What Argo CD found out, as names and values.
    #[serde(deserialize_with = "or_default")]
    pub info: Vec<Info>,
    /// Images of a pod's init and main containers, as its spec names them.
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<String>,
    /// Its health, if it has one.
    pub health: Option<Health>,
    /// When it was made.
    pub created_at: Option<String>,
}

/// Who made a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Parent {
    /// `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
}

/// Something that Argo CD found out about a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    /// `Status Reason`, `Restart Count`, `Revision`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Node {
    /// Returns what Argo CD found out under this name.
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
pub struct Windows {
    /// Those that are open now.
    #[serde(deserialize_with = "or_default")]
    pub active_windows: Vec<Window>,
    /// All that apply to it.
    #[serde(deserialize_with = "or_default")]
    pub assigned_windows: Vec<Window>,
}

/// One sync window.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Window {
    /// `allow` or `deny`.
    pub kind: String,
    /// When it opens, as cron has it.
    pub schedule: String,
    /// For how long.
    pub duration: String,
}

/// What was rendered for one resource, and is to be there.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Managed {
    target_state: String,
}

#[derive(Default, Deserialize)]
struct Items {
    #[serde(deserialize_with = "or_default", default)]
    items: Vec<Managed>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    manifest: String,
}

impl ArgoCd<'_> {
    /// Asks for the tree of resources.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn tree(&self, app: &App) -> Result<Tree, Failure> {
        let path = format!("api/v1/applications/{}/resource-tree", app.name);
        self.read(app, &path, &[]).await
    }

    /// Asks for an object of the tree as Kubernetes has it; `None` when it is no longer there.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn object(&self, app: &App, node: &Node) -> Result<Option<Value>, Failure> {
        let path = format!("api/v1/applications/{}/resource", app.name);
        let query = [
            ("namespace", node.namespace.as_str()),
            ("resourceName", node.name.as_str()),
            ("version", node.version.as_str()),
            ("group", node.group.as_str()),
            ("kind", node.kind.as_str()),
        ];
        let Found::Here(answer) = self.client.get(app, &path, &query, GET).await? else {
            return Ok(None);
        };
        let manifest: Manifest = answer.json().map_err(|error| self.client.explain(error))?;
        Ok(serde_json::from_str(&manifest.manifest).ok())
    }

    /// Asks for the sync windows.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn windows(&self, app: &App) -> Result<Windows, Failure> {
        let path = format!("api/v1/applications/{}/syncwindows", app.name);
        self.read(app, &path, &[]).await
    }

    /// Asks for what was rendered last: each object as it is to be.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn rendered(&self, app: &App) -> Result<Vec<Value>, Failure> {
        let path = format!("api/v1/applications/{}/managed-resources", app.name);
        let items: Items = self
            .read(app, &path, &[("fields", "items.targetState")])
            .await?;
        Ok(items
            .items
            .iter()
            .filter_map(|item| serde_json::from_str(&item.target_state).ok())
            .collect())
    }

    /// Asks for the last lines of a container's log; of the one before its last restart, if `previous`.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn log(
        &self,
        app: &App,
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
            Found::Here(answer) => Ok(log_lines(answer.body())),
            Found::Absent(_) => Ok(Vec::new()),
        }
    }

    /// Asks for a sync to the branch that the application tracks; returns the server's words where it
    /// cannot be: another operation runs, a window is closed.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us do it.
    pub async fn sync(&self, app: &App) -> Result<Result<(), String>, Failure> {
        let path = format!("api/v1/applications/{}/sync", app.name);
        let body = json!({
            "name": app.name, "project": app.project, "appNamespace": app.namespace,
        });
        self.client.post(app, &path, &body, SYNC).await
    }

    async fn read<T: serde::de::DeserializeOwned + Default>(
        &self,
        app: &App,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        match self.client.get(app, path, query, GET).await? {
            Found::Here(answer) => answer.json().map_err(|error| self.client.explain(error)),
            Found::Absent(_) => Ok(T::default()),
        }
    }
}

/// Each line is a frame of its own; the last one is empty and only says that it is the last.
fn log_lines(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let frames = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let entries = frames.map(|mut frame| frame["result"].take());
    entries
        .filter(|entry| entry["last"] != Value::Bool(true))
        .filter_map(|entry| {
            entry["content"]
                .as_str()
                .map(|line| line.trim_end().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_frame_by_frame() {
        let body = "{\"result\":{\"content\":\"one\",\"last\":false,\"podName\":\"p\"}}\n\
                    {\"result\":{\"content\":\"two\\n\",\"last\":false}}\n\
                    {\"result\":{\"content\":\"\",\"last\":true}}\n";
        assert_eq!(log_lines(body.as_bytes()), ["one", "two"]);
    }
}

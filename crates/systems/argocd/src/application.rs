//! An application as Argo CD shows it: only what somebody decides on.

use serde::{Deserialize, Deserializer};

/// An application at one moment (`argoproj.io/v1alpha1`).
///
/// Sync and health come from one comparison and are written in one patch, so both of one resource
/// version are one consistent observation.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Application {
    /// Name, version, annotations.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Metadata,
    /// What is wanted.
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
    /// What is there.
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
    /// An operation that was asked for, or runs; gone when it has ended.
    pub operation: Option<Operation>,
}

/// Of an application's metadata.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Grows with every change.
    pub resource_version: String,
    /// Set once it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// The project; empty means `default`.
    pub project: String,
    /// Where it comes from, when that is one place.
    pub source: Option<Source>,
    /// Where it comes from, when there are several.
    #[serde(deserialize_with = "or_default")]
    pub sources: Vec<Source>,
    /// How it is synced.
    #[serde(deserialize_with = "or_default")]
    pub sync_policy: SyncPolicy,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// Repository.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// Folder.
    pub path: String,
    /// Branch, tag or commit; empty means `HEAD`.
    pub target_revision: String,
    /// A Helm chart's name: then the revision is a version.
    pub chart: String,
}

/// How it is synced.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncPolicy {
    /// Set when it syncs by itself.
    pub automated: Option<Automated>,
}

/// Syncing by itself.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Automated {
    /// `false` switches it off though it is set.
    pub enabled: Option<bool>,
    /// Whether what is no longer wanted is deleted.
    pub prune: Option<bool>,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The last comparison.
    #[serde(deserialize_with = "or_default")]
    pub sync: Sync,
    /// The application's health.
    #[serde(deserialize_with = "or_default")]
    pub health: Health,
    /// The last operation.
    pub operation_state: Option<OperationState>,
    /// Errors and warnings.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    /// When the last comparison began.
    pub reconciled_at: Option<String>,
    /// Its resources; only a GET has them.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<Resource>,
}

/// The last comparison.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Sync {
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub status: String,
    /// The revision of the only source.
    pub revision: String,
    /// The revisions of several sources, in their order.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
}

/// Health of an application or a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Health {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`.
    pub status: String,
    /// Why.
    pub message: String,
}

/// An operation that was asked for.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Operation {
    /// A sync.
    pub sync: Option<SyncOperation>,
}

/// What is synced.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncOperation {
    /// To which revision.
    pub revision: String,
    /// To which revisions, with several sources.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
    /// Whether it only pretends.
    pub dry_run: bool,
}

/// An operation that runs or ran.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationState {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`; `Running` with a time of its end waits
    /// for its next try.
    pub phase: String,
    /// What happened.
    pub message: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How often it was tried again.
    pub retry_count: u32,
    /// What was asked for.
    #[serde(deserialize_with = "or_default")]
    pub operation: Operation,
    /// What came out.
    pub sync_result: Option<SyncResult>,
}

/// What came out of a sync.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncResult {
    /// The revision of the only source.
    pub revision: String,
    /// The revisions of several sources.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
    /// What became of each resource; only a GET has them.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<ResourceResult>,
}

/// What became of one resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceResult {
    /// `Job`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub status: String,
    /// What happened.
    pub message: String,
    /// `PreSync`, `Sync`, `PostSync`, `SyncFail`; empty for what is no hook.
    pub hook_type: String,
    /// `Running`, `Succeeded`, `Failed`, `Error`.
    pub hook_phase: String,
}

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// `ComparisonError`, `SyncError`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says.
    pub message: String,
}

/// One resource of an application.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    /// `apps`; empty for the core's.
    pub group: String,
    /// `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `Synced`, `OutOfSync`.
    pub status: String,
    /// Its health, if it has one.
    pub health: Option<Health>,
    /// Whether it is only there because nothing is pruned.
    pub requires_pruning: bool,
}

impl Application {
    /// Returns the sources, one or several.
    pub fn sources(&self) -> &[Source] {
        if self.spec.sources.is_empty() {
            self.spec.source.as_slice()
        } else {
            &self.spec.sources
        }
    }

    /// Returns the revision that was compared last for each source, in their order.
    pub fn revisions(&self) -> Vec<&str> {
        both(&self.status.sync.revision, &self.status.sync.revisions)
    }

    /// Returns the project's name.
    pub fn project(&self) -> &str {
        if self.spec.project.is_empty() {
            "default"
        } else {
            &self.spec.project
        }
    }

    /// Returns the version as a number, which grows.
    pub fn version(&self) -> u64 {
        self.metadata.resource_version.parse().unwrap_or_default()
    }

    /// Returns whether it syncs by itself.
    pub fn is_automated(&self) -> bool {
        self.spec
            .sync_policy
            .automated
            .as_ref()
            .is_some_and(|automated| automated.enabled != Some(false))
    }

    /// Returns the message of the first condition of this kind.
    pub fn condition(&self, kind: &str) -> Option<&str> {
        let found = self
            .status
            .conditions
            .iter()
            .find(|condition| condition.kind == kind);
        found.map(|condition| condition.message.as_str())
    }
}

impl OperationState {
    /// Returns the revisions that were synced, or were to be.
    pub fn revisions(&self) -> Vec<&str> {
        let result = self
            .sync_result
            .as_ref()
            .map(|result| both(&result.revision, &result.revisions));
        let asked = self
            .operation
            .sync
            .as_ref()
            .map(|sync| both(&sync.revision, &sync.revisions));
        result
            .filter(|revisions| !revisions.is_empty())
            .or(asked)
            .unwrap_or_default()
    }

    /// Returns whether it only pretended.
    pub fn is_dry_run(&self) -> bool {
        self.operation
            .sync
            .as_ref()
            .is_some_and(|sync| sync.dry_run)
    }

    /// Returns whether it ended badly.
    pub fn has_failed(&self) -> bool {
        matches!(self.phase.as_str(), "Failed" | "Error")
    }

    /// Returns whether it is still under way.
    pub fn is_running(&self) -> bool {
        matches!(self.phase.as_str(), "Running" | "Terminating")
    }
}

fn both<'a>(one: &'a str, several: &'a [String]) -> Vec<&'a str> {
    match several {
        [] => Some(one)
            .filter(|one| !one.is_empty())
            .into_iter()
            .collect(),
        several => several.iter().map(String::as_str).collect(),
    }
}

/// Go writes `null` for what is empty.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_leaves_empty_is_null_or_missing() {
        let app: Application = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "a", "annotations": null},
            "spec": {"source": {"repoURL": "r"}, "syncPolicy": null},
            "status": {"sync": {"revision": "c"}, "conditions": null},
        }))
        .unwrap();
        assert_eq!(
            (app.revisions(), app.project(), app.sources().len()),
            (vec!["c"], "default", 1)
        );
        assert!(!app.is_automated());
    }

    #[test]
    fn automated_with_enabled_false_is_off() {
        let app = |automated| -> Application {
            serde_json::from_value(
                serde_json::json!({"spec": {"syncPolicy": {"automated": automated}}}),
            )
            .unwrap()
        };
        assert!(app(serde_json::json!({})).is_automated());
        assert!(!app(serde_json::json!({"enabled": false})).is_automated());
    }
}

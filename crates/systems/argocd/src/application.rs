//! An application as Argo CD shows it: only the fields that a decision needs.

mod hydrator;
mod overrides;
mod texts;

use serde::{Deserialize, Deserializer};

pub use self::{
    hydrator::{HydrateTarget, HydratedCommit, HydratorStatus, SourceHydrator, SyncSource},
    overrides::{HelmOverrides, HelmParameter, KustomizeOverrides},
};

/// An application at one moment (`argoproj.io/v1alpha1`).
///
/// Sync and health come from one comparison and are written in one patch, so both of one resource
/// version are one consistent observation.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Application {
    /// Its name, version and annotations.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ApplicationMetadata,
    /// The desired state.
    #[serde(deserialize_with = "or_default")]
    pub spec: ApplicationSpec,
    /// The observed state.
    #[serde(deserialize_with = "or_default")]
    pub status: ApplicationStatus,
    /// The operation that is requested or runs; `None` once it has ended.
    pub operation: Option<RequestedOperation>,
}

/// An application's metadata.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationMetadata {
    /// The application's name.
    pub name: String,
    /// The application's namespace.
    pub namespace: String,
    /// The objects that manage it, such as an ApplicationSet; only a GET has them.
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<ApplicationOwner>,
    /// A number that grows with every change.
    pub resource_version: String,
    /// Set while the application is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Its annotations.
    #[serde(deserialize_with = "or_default")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// An object that manages an application.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ApplicationOwner {
    /// Its kind: `ApplicationSet`, or `Application` in an app of apps.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// The desired state.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSpec {
    /// The project; empty means `default`.
    pub project: String,
    /// The source, if the application has one.
    pub source: Option<ApplicationSource>,
    /// The sources, if the application has several.
    #[serde(deserialize_with = "or_default")]
    pub sources: Vec<ApplicationSource>,
    /// The place of the manifests if Argo CD itself renders them into a branch.
    pub source_hydrator: Option<SourceHydrator>,
    /// How Argo CD syncs it.
    #[serde(deserialize_with = "or_default")]
    pub sync_policy: SyncPolicy,
}

/// One source of an application's manifests.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationSource {
    /// The repository's URL.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// The folder in the repository.
    pub path: String,
    /// A branch, a tag or a commit; empty means `HEAD`.
    pub target_revision: String,
    /// The name of a Helm chart, whose revision is a version; empty for a folder.
    pub chart: String,
    /// The name under which other sources use its files, if they do.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its changes of the rendered kustomization; only a GET has them.
    pub kustomize: Option<KustomizeOverrides>,
    /// Its changes of the chart's values; only a GET has them.
    pub helm: Option<HelmOverrides>,
}

/// How Argo CD syncs an application.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncPolicy {
    /// Set when Argo CD syncs it automatically.
    pub automated: Option<AutomatedSync>,
}

/// The settings of automatic syncs.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutomatedSync {
    /// `false` disables automatic syncs although the settings exist.
    pub enabled: Option<bool>,
    /// Whether a sync deletes the resources that the source no longer has.
    pub prune: Option<bool>,
}

/// The observed state.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationStatus {
    /// The result of the last comparison.
    #[serde(deserialize_with = "or_default")]
    pub sync: SyncStatus,
    /// The application's health.
    #[serde(deserialize_with = "or_default")]
    pub health: HealthStatus,
    /// The last operation.
    pub operation_state: Option<OperationState>,
    /// Errors and warnings.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<ApplicationCondition>,
    /// What Argo CD rendered into a branch.
    pub source_hydrator: Option<HydratorStatus>,
    /// The time at which the last comparison began.
    pub reconciled_at: Option<String>,
    /// The application's resources; only a GET has them.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<ResourceStatus>,
}

/// The result of the last comparison.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncStatus {
    /// `Synced`, `OutOfSync`, `Unknown`.
    pub status: String,
    /// The revision of the only source.
    pub revision: String,
    /// The revisions of several sources, in their order.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
}

/// The health of an application or a resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct HealthStatus {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`.
    pub status: String,
    /// The reason for it.
    pub message: String,
}

/// An operation that is requested.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct RequestedOperation {
    /// The sync, if the operation is one.
    pub sync: Option<SyncOperation>,
}

/// The parameters of a sync.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncOperation {
    /// The revision of the only source.
    pub revision: String,
    /// The revisions of several sources, in their order.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
    /// Whether the sync changes nothing in the cluster.
    pub dry_run: bool,
    /// The resources that the sync is about; empty for all. A self-heal names them.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<SyncedResource>,
}

/// A resource that a sync of a part is about.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncedResource {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// An operation that runs or has run.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationState {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`. An operation that is `Running` and
    /// has `finished_at` waits for its next retry.
    pub phase: String,
    /// The result, or the progress.
    pub message: String,
    /// The time of its start.
    pub started_at: Option<String>,
    /// The time of its end.
    pub finished_at: Option<String>,
    /// The number of retries.
    pub retry_count: u32,
    /// The operation as it was requested.
    #[serde(deserialize_with = "or_default")]
    pub operation: RequestedOperation,
    /// The result of a sync.
    pub sync_result: Option<SyncResult>,
}

/// The result of a sync.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct SyncResult {
    /// The revision of the only source.
    pub revision: String,
    /// The revisions of several sources.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
    /// The result for each resource; only a GET has them.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<ResourceResult>,
}

/// The result of a sync for one resource.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceResult {
    /// The resource's kind, such as `Job`.
    pub kind: String,
    /// The resource's name.
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub status: String,
    /// The reason for that status.
    pub message: String,
    /// `PreSync`, `Sync`, `PostSync`, `SyncFail`; empty unless the resource is a hook.
    pub hook_type: String,
    /// `Running`, `Succeeded`, `Failed`, `Error`.
    pub hook_phase: String,
}

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationCondition {
    /// `ComparisonError`, `SyncError`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// Since when it has this message.
    pub last_transition_time: Option<String>,
}

/// One resource of an application.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceStatus {
    /// The API group, such as `apps`; empty for the core group.
    pub group: String,
    /// The resource's kind, such as `Deployment`.
    pub kind: String,
    /// The resource's name.
    pub name: String,
    /// `Synced`, `OutOfSync`.
    pub status: String,
    /// Its health, if it has one.
    pub health: Option<HealthStatus>,
    /// Whether the resource only remains because no sync pruned it.
    pub requires_pruning: bool,
}

impl Application {
    /// Returns the sources, one or several. Those of a hydrated application are the dry ones, in
    /// which people and pipelines write.
    pub fn sources(&self) -> &[ApplicationSource] {
        if let Some(hydrator) = &self.spec.source_hydrator {
            std::slice::from_ref(&hydrator.dry_source)
        } else if self.spec.sources.is_empty() {
            self.spec.source.as_slice()
        } else {
            &self.spec.sources
        }
    }

    /// Returns the revision of the last comparison for each source, in their order.
    pub fn revisions(&self) -> Vec<&str> {
        one_or_several(&self.status.sync.revision, &self.status.sync.revisions)
    }

    /// Returns the name of the ApplicationSet that generates it, if one does.
    pub fn application_set(&self) -> Option<&str> {
        let mut owners = self.metadata.owner_references.iter();
        let owner = owners.find(|owner| owner.kind == "ApplicationSet");
        owner.map(|owner| owner.name.as_str())
    }

    /// Returns the resource version, a number that grows.
    pub fn version(&self) -> u64 {
        self.metadata.resource_version.parse().unwrap_or_default()
    }

    /// Returns whether Argo CD syncs it automatically.
    pub fn is_automated(&self) -> bool {
        self.spec
            .sync_policy
            .automated
            .as_ref()
            .is_some_and(|automated| automated.enabled != Some(false))
    }

    /// Returns the message of the first condition of a kind.
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
    /// Returns the revisions of the sync: those of its result, else those of the request.
    pub fn revisions(&self) -> Vec<&str> {
        if let Some(result) = &self.sync_result {
            let revisions = one_or_several(&result.revision, &result.revisions);
            if !revisions.is_empty() {
                return revisions;
            }
        }
        match &self.operation.sync {
            Some(sync) => one_or_several(&sync.revision, &sync.revisions),
            None => Vec::new(),
        }
    }

    /// Returns whether the sync changes nothing in the cluster.
    pub fn is_dry_run(&self) -> bool {
        self.operation
            .sync
            .as_ref()
            .is_some_and(|sync| sync.dry_run)
    }

    /// Returns whether the sync is only about some of the resources.
    pub fn is_partial(&self) -> bool {
        let sync = self.operation.sync.as_ref();
        sync.is_some_and(|sync| !sync.resources.is_empty())
    }

    /// Returns whether the operation has failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.phase.as_str(), "Failed" | "Error")
    }

    /// Returns whether the operation has not ended yet.
    pub fn is_running(&self) -> bool {
        matches!(self.phase.as_str(), "Running" | "Terminating")
    }
}

/// Returns the revisions of several sources, else that of the only one.
fn one_or_several<'a>(one: &'a str, several: &'a [String]) -> Vec<&'a str> {
    if !several.is_empty() {
        return several.iter().map(String::as_str).collect();
    }
    if one.is_empty() {
        Vec::new()
    } else {
        vec![one]
    }
}

/// Reads `null`, which Go writes for an empty list or object, as the default.
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
    fn empty_fields_may_be_null_or_missing() {
        let app: Application = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "a", "annotations": null},
            "spec": {"source": {"repoURL": "r"}, "syncPolicy": null},
            "status": {"sync": {"revision": "c"}, "conditions": null},
        }))
        .unwrap();
        assert_eq!((app.revisions(), app.sources().len()), (vec!["c"], 1));
        assert!(!app.is_automated());
    }

    #[test]
    fn disabled_automation_is_off() {
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

//! The source hydrator: Argo CD renders a dry source into a branch, and syncs from that branch.

use serde::Deserialize;

use super::{ApplicationSource, or_default};

/// Where Argo CD renders from, and where to (`spec.sourceHydrator`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceHydrator {
    /// The source that people and pipelines write.
    #[serde(deserialize_with = "or_default")]
    pub dry_source: ApplicationSource,
    /// The branch and the folder from which Argo CD syncs.
    #[serde(deserialize_with = "or_default")]
    pub sync_source: SyncSource,
    /// The branch into which Argo CD renders, if that is not the one from which it syncs.
    pub hydrate_to: Option<HydrateTarget>,
}

/// The branch and the folder from which Argo CD syncs.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncSource {
    /// The branch.
    pub target_branch: String,
    /// The folder.
    pub path: String,
}

/// The branch into which Argo CD renders.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HydrateTarget {
    /// The branch.
    pub target_branch: String,
}

/// What Argo CD has rendered (`status.sourceHydrator`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HydratorStatus {
    /// The last rendering that succeeded.
    pub last_successful_operation: Option<HydratedCommit>,
    /// The present rendering, or the last one.
    pub current_operation: Option<HydratedCommit>,
}

/// A dry commit, and the commit that Argo CD rendered from it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct HydratedCommit {
    /// The commit of the dry source.
    #[serde(rename = "drySHA")]
    pub dry: String,
    /// The rendered commit; empty until it is written.
    #[serde(rename = "hydratedSHA")]
    pub hydrated: String,
    /// `Hydrating`, `Hydrated`, `Failed`; empty for the last one that succeeded.
    pub phase: String,
    /// Why it failed.
    pub message: String,
}

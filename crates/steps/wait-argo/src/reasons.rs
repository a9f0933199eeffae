//! Why an application is not deployed: the closed list of reasons.

use contract::{
    Fault::{Change, Configuration, Environment, Nobody},
    Reason,
};

/// The deadline came at a revision without the commit.
pub const OLD_REVISION: Reason = Reason::new(
    "old-revision",
    Environment,
    "the application is still at a revision that does not contain the commit",
);
/// Argo CD could not compare the application.
pub const NOT_COMPARED: Reason = Reason::new(
    "not-compared",
    Environment,
    "Argo CD could not compare the application: its repository or its cluster does not answer",
);
/// The deadline came before the application was synced.
pub const NOT_SYNCED: Reason = Reason::new(
    "not-synced",
    Environment,
    "the application is at the commit, but not all of the commit is applied yet",
);
/// Argo CD cannot render the overlay.
pub const RENDER_ERROR: Reason = Reason::new(
    "render-error",
    Change,
    "Argo CD cannot render the manifests of the commit",
);
/// A plugin failed.
pub const PLUGIN_FAILED: Reason = Reason::new(
    "plugin-failed",
    Environment,
    "a config management plugin of Argo CD failed, and does not tell whose fault that is",
);
/// Argo CD may not read the repository.
pub const REPOSITORY_DENIED: Reason = Reason::new(
    "repository-denied",
    Configuration,
    "the repository denies access to Argo CD, or its host key is not the known one",
);
/// The same failed before the commit.
pub const FAILED_BEFORE: Reason = Reason::new(
    "failed-before",
    Environment,
    "the same failed before this run or before this commit: the change is not proven to be to blame",
);
/// The sync failed.
pub const SYNC_FAILED: Reason = Reason::new(
    "sync-failed",
    Change,
    "the cluster does not accept the manifests of the commit",
);
/// The sync was terminated.
pub const SYNC_TERMINATED: Reason = Reason::new(
    "sync-terminated",
    Nobody,
    "a person or a program terminated the sync",
);
/// Argo CD's own time limit ended the sync.
pub const SYNC_TIMED_OUT: Reason = Reason::new(
    "sync-timed-out",
    Environment,
    "Argo CD ended the sync, since it took longer than Argo CD's own time limit",
);
/// The sync failed for a cause that is not proven to be the commit's.
pub const SYNC_ERROR: Reason = Reason::new(
    "sync-error",
    Environment,
    "Argo CD could not carry out the sync: the cluster, a webhook or Argo CD itself failed",
);
/// Argo CD may not apply the manifests.
pub const SYNC_FORBIDDEN: Reason = Reason::new(
    "sync-forbidden",
    Configuration,
    "Argo CD's project or the cluster does not allow Argo CD to apply the manifests",
);
/// The cluster does not know a kind.
pub const KIND_UNKNOWN: Reason = Reason::new(
    "kind-unknown",
    Configuration,
    "the cluster does not know the kind of a manifest: its custom resource definition is missing",
);
/// The namespace is missing.
pub const NAMESPACE_MISSING: Reason = Reason::new(
    "namespace-missing",
    Configuration,
    "the namespace of a manifest does not exist",
);
/// Another manager owns a field.
pub const FIELD_CONFLICT: Reason = Reason::new(
    "field-conflict",
    Configuration,
    "another manager owns a field that the manifests set",
);
/// Another application has a resource.
pub const SHARED_RESOURCE: Reason = Reason::new(
    "shared-resource",
    Configuration,
    "a resource belongs to another application, too",
);
/// The commit renders no resources.
pub const RENDERS_NOTHING: Reason = Reason::new(
    "renders-nothing",
    Change,
    "the commit renders no resources, and Argo CD does not delete all of them by itself",
);
/// The commit lacks a required signature.
pub const UNSIGNED: Reason = Reason::new(
    "unsigned",
    Configuration,
    "the project requires a signature, and the revision has none that counts",
);
/// A hook took longer than its own deadline.
pub const HOOK_TIMED_OUT: Reason = Reason::new(
    "hook-timed-out",
    Environment,
    "a hook of the sync took longer than its own deadline",
);
/// The ApplicationSet has not started the sync.
pub const AWAITS_TURN: Reason = Reason::new(
    "awaits-turn",
    Nobody,
    "the ApplicationSet syncs its applications one after the other, and this one is not next",
);
/// A hook of the sync failed.
pub const HOOK_FAILED: Reason = Reason::new("hook-failed", Change, "a hook of the sync failed");
/// The sync failed before this run.
pub const WILL_NOT_RETRY: Reason = Reason::new(
    "will-not-retry",
    Change,
    "the sync to this commit failed earlier, and Argo CD does not retry it",
);
/// A later commit failed.
pub const NEWER_COMMIT_FAILED: Reason = Reason::new(
    "newer-commit-failed",
    Nobody,
    "a later commit, which contains this one, failed: that proves nothing against this one",
);
/// The application is out of sync, and does not sync automatically.
pub const AUTO_SYNC_OFF: Reason = Reason::new(
    "auto-sync-off",
    Configuration,
    "the application does not sync automatically",
);
/// A sync window blocks the sync.
pub const DENY_WINDOW: Reason = Reason::new(
    "deny-window",
    Configuration,
    "a sync window blocks the sync of the application now",
);
/// The application does not come from the place of the commit.
pub const WRONG_SOURCE: Reason = Reason::new(
    "wrong-source",
    Configuration,
    "the application has another repository, branch or folder as its source, \
     or its project does not allow its source",
);
/// The application does not exist.
pub const APP_MISSING: Reason = Reason::new(
    "app-missing",
    Configuration,
    "Argo CD says that the application does not exist",
);
/// The application was deleted.
pub const APP_DELETED: Reason = Reason::new(
    "app-deleted",
    Configuration,
    "the application is being deleted, or was deleted during the wait",
);
/// The branch lost the commit.
pub const COMMIT_GONE: Reason = Reason::new(
    "commit-gone",
    Nobody,
    "the branch no longer contains the commit, for example after a force push",
);
/// A resource is Degraded.
pub const DEGRADED: Reason = Reason::new(
    "degraded",
    Change,
    "a resource of the application was Degraded for longer than `--degraded-grace`",
);
/// A resource was Degraded before the commit, does not run the image, or is not proven to fail by it.
pub const DEGRADED_ELSEWHERE: Reason = Reason::new(
    "degraded-elsewhere",
    Environment,
    "a resource was Degraded for longer than `--degraded-grace`, and it was so before the commit, \
     does not run the image, or lacks only time or what it refers to",
);
/// The analysis of a Rollout could not measure.
pub const ANALYSIS_ERROR: Reason = Reason::new(
    "analysis-error",
    Environment,
    "Argo Rollouts aborted the rollout, since its analysis could not measure",
);
/// A Rollout was aborted.
pub const ROLLOUT_ABORTED: Reason = Reason::new(
    "rollout-aborted",
    Nobody,
    "the rollout was aborted, and Argo Rollouts names no cause, as when a person aborts it",
);
/// Argo CD shows a status that is not the present one.
pub const STALE_STATUS: Reason = Reason::new(
    "stale-status",
    Environment,
    "Argo CD cannot persist the status of the application",
);
/// The application is Synced and Healthy, but its pods run another image.
pub const IMAGE_NOT_LIVE: Reason = Reason::new(
    "image-not-live",
    Environment,
    "the application is Synced and Healthy, but its pods do not run the image",
);
/// A later commit deploys another image.
pub const NEWER_IMAGE: Reason = Reason::new(
    "newer-image",
    Nobody,
    "superseded by a newer image: a later commit deploys it",
);

/// All reasons of the step, including those of pods.
pub const ALL: &[Reason] = &[
    OLD_REVISION,
    NOT_COMPARED,
    NOT_SYNCED,
    RENDER_ERROR,
    PLUGIN_FAILED,
    REPOSITORY_DENIED,
    FAILED_BEFORE,
    SYNC_FAILED,
    SYNC_TERMINATED,
    SYNC_TIMED_OUT,
    SYNC_ERROR,
    SYNC_FORBIDDEN,
    KIND_UNKNOWN,
    NAMESPACE_MISSING,
    FIELD_CONFLICT,
    SHARED_RESOURCE,
    RENDERS_NOTHING,
    UNSIGNED,
    HOOK_FAILED,
    HOOK_TIMED_OUT,
    WILL_NOT_RETRY,
    NEWER_COMMIT_FAILED,
    AWAITS_TURN,
    AUTO_SYNC_OFF,
    DENY_WINDOW,
    WRONG_SOURCE,
    APP_MISSING,
    APP_DELETED,
    COMMIT_GONE,
    DEGRADED,
    DEGRADED_ELSEWHERE,
    ANALYSIS_ERROR,
    ROLLOUT_ABORTED,
    STALE_STATUS,
    IMAGE_NOT_LIVE,
    NEWER_IMAGE,
    pods::NO_PODS,
    pods::PAUSED,
    pods::NOT_READY,
    pods::IMAGE_NOT_FOUND,
    pods::IMAGE_PULL_DENIED,
    pods::IMAGE_PULL,
    pods::INVALID_IMAGE_NAME,
    pods::CRASH_LOOP,
    pods::CRASHED_BEFORE,
    pods::OUT_OF_MEMORY,
    pods::CONFIG_ERROR,
    pods::SETTINGS_MISSING,
    pods::INIT_FAILED,
    pods::UNSCHEDULABLE,
    pods::QUOTA,
    pods::ADMISSION,
    pods::CLUSTER_POLICY,
    pods::VOLUME,
    pods::SANDBOX,
    pods::SIDECAR,
    pods::EVICTED,
    pods::START_FAILED,
    pods::NAME_RESERVED,
    pods::NODE_RUNTIME,
    pods::NODE_POLICY,
    pods::NODE_PRESSURE,
    pods::NODE_LOST,
    pods::POD_REJECTED,
];

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
/// The sync failed.
pub const SYNC_FAILED: Reason = Reason::new(
    "sync-failed",
    Change,
    "the cluster does not accept the manifests of the commit",
);
/// A hook of the sync failed.
pub const HOOK_FAILED: Reason = Reason::new("hook-failed", Change, "a hook of the sync failed");
/// The sync failed before this run.
pub const WILL_NOT_RETRY: Reason = Reason::new(
    "will-not-retry",
    Change,
    "the sync to this commit failed earlier, and Argo CD does not retry it",
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
    SYNC_FAILED,
    HOOK_FAILED,
    WILL_NOT_RETRY,
    AUTO_SYNC_OFF,
    DENY_WINDOW,
    WRONG_SOURCE,
    APP_MISSING,
    APP_DELETED,
    COMMIT_GONE,
    DEGRADED,
    STALE_STATUS,
    IMAGE_NOT_LIVE,
    NEWER_IMAGE,
    pods::PAUSED,
    pods::NOT_READY,
    pods::IMAGE_NOT_FOUND,
    pods::IMAGE_PULL_DENIED,
    pods::IMAGE_PULL,
    pods::INVALID_IMAGE_NAME,
    pods::CRASH_LOOP,
    pods::OUT_OF_MEMORY,
    pods::CONFIG_ERROR,
    pods::INIT_FAILED,
    pods::UNSCHEDULABLE,
    pods::QUOTA,
    pods::ADMISSION,
    pods::VOLUME,
];

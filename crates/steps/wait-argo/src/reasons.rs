//! Why an application is not deployed, in closed words.

use contract::{
    Fault::{Change, Configuration, Environment, Nobody},
    Reason,
};

/// The deadline came, and the application is still at a revision of before.
pub const OLD_REVISION: Reason = Reason::new(
    "old-revision",
    Environment,
    "the application is still at a revision that does not contain the commit",
);
/// Argo CD could not compare.
pub const NOT_COMPARED: Reason = Reason::new(
    "not-compared",
    Environment,
    "Argo CD could not compare: its repository or its cluster does not answer",
);
/// The deadline came before it was synced.
pub const NOT_SYNCED: Reason = Reason::new(
    "not-synced",
    Environment,
    "the commit is there, and not everything of it is applied yet",
);
/// The overlay cannot be rendered.
pub const RENDER_ERROR: Reason = Reason::new(
    "render-error",
    Change,
    "Argo CD cannot render what the commit says",
);
/// A sync failed.
pub const SYNC_FAILED: Reason = Reason::new(
    "sync-failed",
    Change,
    "the cluster does not take what the commit says",
);
/// A hook failed.
pub const HOOK_FAILED: Reason = Reason::new("hook-failed", Change, "a hook of the sync failed");
/// A sync failed before, and is not tried again.
pub const WILL_NOT_RETRY: Reason = Reason::new(
    "will-not-retry",
    Change,
    "the sync to this commit failed before, and Argo CD does not try it again",
);
/// Nobody syncs.
pub const AUTO_SYNC_OFF: Reason = Reason::new(
    "auto-sync-off",
    Configuration,
    "the application does not sync by itself",
);
/// A window keeps it from syncing.
pub const DENY_WINDOW: Reason = Reason::new(
    "deny-window",
    Configuration,
    "a sync window keeps the application from syncing now",
);
/// It comes from somewhere else.
pub const WRONG_SOURCE: Reason = Reason::new(
    "wrong-source",
    Configuration,
    "the application comes from another repository, branch or folder, or may not come from there",
);
/// There is none.
pub const APP_MISSING: Reason = Reason::new(
    "app-missing",
    Configuration,
    "Argo CD says that there is no such application",
);
/// It was deleted.
pub const APP_DELETED: Reason = Reason::new(
    "app-deleted",
    Configuration,
    "the application is being deleted, or was while it was waited for",
);
/// The branch lost the commit.
pub const COMMIT_GONE: Reason = Reason::new(
    "commit-gone",
    Nobody,
    "the branch no longer contains the commit: somebody pushed over it",
);
/// Something of it is broken.
pub const DEGRADED: Reason = Reason::new(
    "degraded",
    Change,
    "a resource of the application is Degraded, for longer than the grace",
);
/// Its status is not its status.
pub const STALE_STATUS: Reason = Reason::new(
    "stale-status",
    Environment,
    "Argo CD cannot write the application's status down",
);
/// Synced and Healthy, and something else runs.
pub const IMAGE_NOT_LIVE: Reason = Reason::new(
    "image-not-live",
    Environment,
    "the application is Synced and Healthy, and its pods do not run the image",
);
/// Synced and Healthy at a later commit, with another image.
pub const NEWER_IMAGE: Reason = Reason::new(
    "newer-image",
    Nobody,
    "a later commit deploys another image",
);

/// All of the step's, those of pods included.
pub(crate) const ALL: &[Reason] = &[
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

//! Why `verify-pods` says no: the reasons that all steps which observe pods share.

use contract::Reason;
pub use pods::{
    ADMISSION, CLUSTER_POLICY, CONFIG_ERROR, CRASH_LOOP, CRASHED_BEFORE, CREATE_FAILED, EVICTED,
    IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, INIT_FAILED, INVALID_IMAGE_NAME, MIXED_DIGESTS,
    NAME_RESERVED, NO_PODS, NODE_LOST, NODE_POLICY, NODE_PRESSURE, NODE_RUNTIME, NOT_AVAILABLE,
    NOT_READY, OLD_PODS, ON_DELETE, OUT_OF_MEMORY, PARTITIONED, PAUSED, POD_REJECTED, QUOTA,
    RESTARTED, SANDBOX, SETTINGS_MISSING, SIDECAR, START_FAILED, STUCK_POD, UNKNOWN_DIGEST,
    UNSCHEDULABLE, VOLUME,
};

/// The closed list.
pub const ALL: &[Reason] = &pods::REASONS;

/// Returns whether a container's log explains the reason.
pub(crate) fn explained_by_log(reason: Reason) -> bool {
    [
        CRASH_LOOP,
        CRASHED_BEFORE,
        OUT_OF_MEMORY,
        INIT_FAILED,
        SIDECAR,
        NODE_PRESSURE,
        NOT_READY,
    ]
    .contains(&reason)
}

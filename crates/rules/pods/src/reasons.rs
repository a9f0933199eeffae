//! The reasons that all steps share that look at pods (product.md, "Verdicts and exit codes").

use contract::{
    Fault::{Change, Configuration, Environment},
    Reason,
};

/// The registry said that the image, or one for the node's platform, is not there.
pub const IMAGE_NOT_FOUND: Reason = Reason::new(
    "image-pull",
    Change,
    "a node cannot pull the image: the registry says that it is not there, or not for this platform",
);
/// The registry said 401 or 403.
pub const IMAGE_PULL_DENIED: Reason = Reason::new(
    "image-pull",
    Configuration,
    "a node cannot pull the image: the registry does not let it, so its pull secret is missing or wrong",
);
/// Anything else kept the node from pulling.
pub const IMAGE_PULL: Reason = Reason::new(
    "image-pull",
    Environment,
    "a node cannot pull the image: network, limits, a broken registry",
);
/// The name in the pod is not one.
pub const INVALID_IMAGE_NAME: Reason = Reason::new(
    "invalid-image-name",
    Change,
    "the pod's image name is not one",
);
/// It ends again and again.
pub const CRASH_LOOP: Reason =
    Reason::new("crash-loop", Change, "a container ends again and again");
/// It takes more memory than it may.
pub const OUT_OF_MEMORY: Reason = Reason::new(
    "out-of-memory",
    Change,
    "a container is killed again and again for the memory it takes",
);
/// What its settings name is not there.
pub const CONFIG_ERROR: Reason = Reason::new(
    "config-error",
    Change,
    "a container cannot be created: a ConfigMap, Secret, key or command that it names is not there",
);
/// An init container ends badly.
pub const INIT_FAILED: Reason = Reason::new(
    "init-failed",
    Change,
    "an init container fails again and again",
);
/// No node takes it.
pub const UNSCHEDULABLE: Reason =
    Reason::new("unschedulable", Environment, "no node takes the pod");
/// The namespace's quota is used up.
pub const QUOTA: Reason = Reason::new("quota", Environment, "the namespace's quota is used up");
/// Admission says no.
pub const ADMISSION: Reason = Reason::new(
    "admission",
    Change,
    "the cluster's rules do not let the pod in: pod security, limits, a webhook",
);
/// Its volumes do not come.
pub const VOLUME: Reason = Reason::new(
    "volume",
    Environment,
    "a volume of the pod cannot be bound, attached or mounted",
);
/// Not all pods are ready.
pub const NOT_READY: Reason =
    Reason::new("not-ready", Environment, "not every pod is there and ready");
/// Pods of before are still there.
pub const OLD_PODS: Reason = Reason::new(
    "old-pods",
    Environment,
    "pods are still there that do not run the wanted image",
);
/// The same tag, other bytes.
pub const MIXED_DIGESTS: Reason = Reason::new(
    "mixed-digests",
    Environment,
    "a pod runs the wanted tag, but other bytes than the wanted ones",
);
/// There are none.
pub const NO_PODS: Reason = Reason::new("no-pods", Configuration, "no pod runs the image");
/// The update strategy leaves old pods alone.
pub const ON_DELETE: Reason = Reason::new(
    "on-delete",
    Configuration,
    "the update strategy `OnDelete` leaves old pods as they are",
);
/// The partition keeps old pods.
pub const PARTITIONED: Reason = Reason::new(
    "partitioned",
    Configuration,
    "the rolling update's partition keeps old pods",
);
/// The Deployment is paused.
pub const PAUSED: Reason = Reason::new("paused", Configuration, "the Deployment is paused");
/// A container started again while it was watched.
pub const RESTARTED: Reason = Reason::new(
    "restarted",
    Environment,
    "a container started again, and has not run for long enough since",
);

/// All of them, each word with each of its faults.
pub const REASONS: [Reason; 20] = [
    IMAGE_NOT_FOUND,
    IMAGE_PULL_DENIED,
    IMAGE_PULL,
    INVALID_IMAGE_NAME,
    CRASH_LOOP,
    OUT_OF_MEMORY,
    CONFIG_ERROR,
    INIT_FAILED,
    UNSCHEDULABLE,
    QUOTA,
    ADMISSION,
    VOLUME,
    NOT_READY,
    OLD_PODS,
    MIXED_DIGESTS,
    NO_PODS,
    ON_DELETE,
    PARTITIONED,
    PAUSED,
    RESTARTED,
];

//! The rows about ends of containers, the scheduler, controllers and events.

use super::row::{FailureRule, Patience};
use crate::{
    CLUSTER_POLICY, CRASH_LOOP, CREATE_FAILED, NODE_LOST, OUT_OF_MEMORY, QUOTA, SANDBOX,
    UNSCHEDULABLE, VOLUME,
};

/// Rules about containers that ended after their program had run: `state.terminated.reason`.
pub(crate) const OF_ENDS: &[FailureRule] = &[
    FailureRule {
        words: &["Unknown", "ContainerStatusUnknown"],
        says: &[],
        reason: NODE_LOST,
        patience: Patience::Forever,
        source: "containerd, cri/server/restart.go (255); kubelet, kubelet_pods.go (137): restarted",
    },
    FailureRule {
        words: &["OOMKilled"],
        says: &[],
        reason: OUT_OF_MEMORY,
        patience: Patience::Restarts,
        source: "containerd, cri/server/events.go; CRI-O: the limit of the container or its pod",
    },
    FailureRule {
        words: &[],
        says: &[],
        reason: CRASH_LOOP,
        patience: Patience::Restarts,
        source: "containerd, cri/server/container_status.go: Error, Completed",
    },
];

/// Rules about pods without a node: the reason of the condition `PodScheduled`.
pub(crate) const OF_SCHEDULER: &[FailureRule] = &[
    FailureRule {
        words: &["SchedulingGated", "SchedulerError"],
        says: &[],
        reason: UNSCHEDULABLE,
        patience: Patience::Forever,
        source: "scheduler, schedule_one.go: a gate is closed, or it tries again after an error",
    },
    FailureRule {
        words: &["Unschedulable"],
        says: &["persistentvolumeclaim", "volume node affinity"],
        reason: VOLUME,
        patience: Patience::Schedule,
        source: "scheduler, plugins/volumebinding",
    },
    FailureRule {
        words: &["Unschedulable"],
        says: &[],
        reason: UNSCHEDULABLE,
        patience: Patience::Schedule,
        source: "scheduler, framework/types.go: FitError",
    },
];

/// Rules about controllers that cannot create pods: the condition `ReplicaFailure`, the event
/// `FailedCreate`.
pub(crate) const OF_CONTROLLERS: &[FailureRule] = &[
    FailureRule {
        words: &[],
        says: &[
            "failed calling webhook",
            "status unknown for quota",
            "timeout",
            "object is being deleted",
            "being terminated",
        ],
        reason: CREATE_FAILED,
        patience: Patience::Forever,
        source: "apiserver, admission/plugin/webhook, resourcequota, namespace lifecycle",
    },
    FailureRule {
        words: &[],
        says: &["exceeded quota"],
        reason: QUOTA,
        patience: Patience::Config,
        source: "apiserver, admission/plugin/resourcequota",
    },
    FailureRule {
        words: &[],
        says: &[
            "forbidden",
            "admission webhook",
            "denied the request",
            "invalid value",
            "is invalid",
            "not found",
        ],
        reason: CLUSTER_POLICY,
        patience: Patience::Config,
        source: "apiserver, validation; pod-security-admission; limitranger; webhooks",
    },
    FailureRule {
        words: &[],
        says: &[],
        reason: CREATE_FAILED,
        patience: Patience::Forever,
        source: "controllers, controller_utils.go: any other error of the API server",
    },
];

/// Rules about events of pods whose containers are not created.
pub(crate) const OF_EVENTS: &[FailureRule] = &[
    FailureRule {
        words: &["FailedMount", "FailedAttachVolume", "FailedMapVolume"],
        says: &[],
        reason: VOLUME,
        patience: Patience::Schedule,
        source: "kubelet, volumemanager; attach-detach controller",
    },
    FailureRule {
        words: &[
            "FailedCreatePodSandBox",
            "FailedPodSandBoxStatus",
            "NetworkNotReady",
        ],
        says: &[],
        reason: SANDBOX,
        patience: Patience::Schedule,
        source: "kubelet, events/event.go: the runtime, the network plugin, no free address",
    },
];

//! Kinds of resources.

/// The kinds of resources that run pods.
pub(super) const WORKLOADS: [&str; 7] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Rollout",
    "Job",
    "Pod",
];

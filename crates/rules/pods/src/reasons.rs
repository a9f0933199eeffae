//! The reasons that the steps which observe pods share.

use contract::{
    Fault::{Change, Configuration, Environment},
    Reason,
};

/// The registry says that it does not have the image, or not for the node's platform.
pub const IMAGE_NOT_FOUND: Reason = Reason::new(
    "image-not-found",
    Change,
    "a node cannot pull the image: the registry does not have it, or not for this platform",
);
/// The registry answered 401 or 403.
pub const IMAGE_PULL_DENIED: Reason = Reason::new(
    "image-pull-denied",
    Configuration,
    "a node cannot pull the image: the registry denies access; \
     the pull secret is missing or wrong",
);
/// Any other cause kept the node from pulling the image.
pub const IMAGE_PULL: Reason = Reason::new(
    "image-pull",
    Environment,
    "a node cannot pull the image: network, rate limits, a failing registry",
);
/// The pod's specification has an image name that cannot be parsed.
pub const INVALID_IMAGE_NAME: Reason = Reason::new(
    "invalid-image-name",
    Change,
    "the pod's image name is invalid",
);
/// A container ends again and again, or crashes once during the soak.
pub const CRASH_LOOP: Reason = Reason::new(
    "crash-loop",
    Change,
    "a container ends again and again, or crashes while all pods should stay ready",
);
/// Containers crash, and those of the version before as well.
pub const CRASHED_BEFORE: Reason = Reason::new(
    "crashed-before",
    Environment,
    "containers crash again and again, and those of the version before do so, too: the change is \
     not proven to be to blame",
);
/// A container exceeds its memory limit again and again.
pub const OUT_OF_MEMORY: Reason = Reason::new(
    "out-of-memory",
    Change,
    "a container exceeds its memory limit and is killed again and again, or while all pods should \
     stay ready",
);
/// The change names an object that does not exist, or a command that the image does not have.
pub const CONFIG_ERROR: Reason = Reason::new(
    "config-error",
    Change,
    "a container cannot be created: its command is missing, or a ConfigMap, Secret or key that \
     pods before the change did not need",
);
/// A ConfigMap, Secret or key is missing, and not proven to be new.
pub const SETTINGS_MISSING: Reason = Reason::new(
    "settings-missing",
    Environment,
    "a ConfigMap, Secret or key is missing, and the change is not proven to be to blame: pods \
     before it needed the same, or they are not known",
);
/// An init container fails again and again.
pub const INIT_FAILED: Reason = Reason::new(
    "init-failed",
    Change,
    "an init container fails again and again",
);
/// The scheduler finds no node for the pod.
pub const UNSCHEDULABLE: Reason = Reason::new(
    "unschedulable",
    Environment,
    "the scheduler finds no node for the pod",
);
/// The namespace's quota is used up.
pub const QUOTA: Reason = Reason::new("quota", Environment, "the namespace's quota is used up");
/// Admission control rejects what the change brought.
pub const ADMISSION: Reason = Reason::new(
    "admission",
    Change,
    "admission control rejects what the change brought: pod security, limits, a webhook",
);
/// Admission control rejects something that is not proven to be new.
pub const CLUSTER_POLICY: Reason = Reason::new(
    "cluster-policy",
    Configuration,
    "admission control rejects the pods or the manifests, and the change is not proven to be to \
     blame: it brought nothing but another image, or what was there before is not known",
);
/// The controller cannot create pods, for a cause that may pass.
pub const CREATE_FAILED: Reason = Reason::new(
    "create-failed",
    Environment,
    "the controller cannot create pods, such as while a webhook does not answer",
);
/// A volume of the pod is not available.
pub const VOLUME: Reason = Reason::new(
    "volume",
    Environment,
    "a volume of the pod cannot be bound, attached or mounted",
);
/// A pod gets no sandbox: its network, or an address, is missing.
pub const SANDBOX: Reason = Reason::new(
    "sandbox",
    Environment,
    "a node cannot create the sandbox of the pod: its network or an address is missing",
);
/// The container runtime or a driver of a node fails.
pub const NODE_RUNTIME: Reason = Reason::new(
    "node-runtime",
    Environment,
    "the container runtime or a driver of a node fails: it cannot create or start a container",
);
/// A container runtime still reserves the name of a container.
pub const NAME_RESERVED: Reason = Reason::new(
    "name-reserved",
    Environment,
    "the container runtime of a node still reserves the name of a container",
);
/// A node's own policy rejects the pod or its image.
pub const NODE_POLICY: Reason = Reason::new(
    "node-policy",
    Configuration,
    "a policy of a node rejects the pod or its image: signatures, AppArmor, seccomp, sysctls",
);
/// A node lacks memory or disk.
pub const NODE_PRESSURE: Reason = Reason::new(
    "node-pressure",
    Environment,
    "a node lacks memory or disk: it evicts pods or kills containers that are within their limits",
);
/// A node does not answer.
pub const NODE_LOST: Reason = Reason::new(
    "node-lost",
    Environment,
    "the node of a pod does not answer",
);
/// Nodes reject the pods.
pub const POD_REJECTED: Reason = Reason::new(
    "pod-rejected",
    Environment,
    "nodes reject the pods again and again: resources, devices, topology",
);
/// The pods exceed their own storage limit.
pub const EVICTED: Reason = Reason::new(
    "evicted",
    Change,
    "the pods exceed their own storage limit and are evicted again and again",
);
/// A container cannot be created or started, for a cause that its node does not tell.
pub const START_FAILED: Reason = Reason::new(
    "start-failed",
    Environment,
    "a container cannot be created or started, and its node does not tell whose fault that is",
);
/// A container of another image fails.
pub const SIDECAR: Reason = Reason::new(
    "sidecar",
    Environment,
    "a container of another image fails, such as an injected proxy",
);
/// A StatefulSet waits for a pod that cannot become ready.
pub const STUCK_POD: Reason = Reason::new(
    "stuck-pod",
    Environment,
    "a StatefulSet waits for a broken pod of an older template before it replaces it",
);
/// A node does not tell the digest.
pub const UNKNOWN_DIGEST: Reason = Reason::new(
    "unknown-digest",
    Environment,
    "a node does not tell which bytes a pod runs",
);
/// The workload does not count its pods as available.
pub const NOT_AVAILABLE: Reason = Reason::new(
    "not-available",
    Environment,
    "the pods are ready, but the workload does not count them as available yet",
);
/// Pods are missing or not ready.
pub const NOT_READY: Reason = Reason::new(
    "not-ready",
    Environment,
    "not every pod exists and is ready",
);
/// Pods of another image or template still exist.
pub const OLD_PODS: Reason = Reason::new(
    "old-pods",
    Environment,
    "pods that do not run the wanted image still exist",
);
/// A pod runs the wanted tag with another digest.
pub const MIXED_DIGESTS: Reason = Reason::new(
    "mixed-digests",
    Environment,
    "a pod runs the wanted tag, but with another digest",
);
/// No pod runs the image.
pub const NO_PODS: Reason = Reason::new("no-pods", Configuration, "no pod runs the image");
/// The update strategy does not replace old pods.
pub const ON_DELETE: Reason = Reason::new(
    "on-delete",
    Configuration,
    "the update strategy `OnDelete` does not replace old pods",
);
/// The rolling update's partition keeps old pods.
pub const PARTITIONED: Reason = Reason::new(
    "partitioned",
    Configuration,
    "the rolling update's partition keeps old pods",
);
/// The Deployment is paused.
pub const PAUSED: Reason = Reason::new("paused", Configuration, "the Deployment is paused");
/// A container restarted while the step watched it.
pub const RESTARTED: Reason = Reason::new(
    "restarted",
    Environment,
    "a container restarted, and has not run for long enough since",
);

/// All reasons of this crate.
pub const REASONS: [Reason; 37] = [
    IMAGE_NOT_FOUND,
    IMAGE_PULL_DENIED,
    IMAGE_PULL,
    INVALID_IMAGE_NAME,
    CRASH_LOOP,
    CRASHED_BEFORE,
    OUT_OF_MEMORY,
    CONFIG_ERROR,
    SETTINGS_MISSING,
    INIT_FAILED,
    UNSCHEDULABLE,
    QUOTA,
    ADMISSION,
    CLUSTER_POLICY,
    CREATE_FAILED,
    VOLUME,
    SANDBOX,
    NODE_RUNTIME,
    NAME_RESERVED,
    NODE_POLICY,
    NODE_PRESSURE,
    NODE_LOST,
    POD_REJECTED,
    EVICTED,
    START_FAILED,
    SIDECAR,
    STUCK_POD,
    UNKNOWN_DIGEST,
    NOT_AVAILABLE,
    NOT_READY,
    OLD_PODS,
    MIXED_DIGESTS,
    NO_PODS,
    ON_DELETE,
    PARTITIONED,
    PAUSED,
    RESTARTED,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_reason_fixes_its_fault() {
        let words: BTreeSet<&str> = REASONS.iter().map(|reason| reason.word).collect();
        assert_eq!(words.len(), REASONS.len(), "a word has two faults");
    }

    #[test]
    fn each_reason_names_the_fault_of_its_cause() {
        let words = |fault| -> Vec<&str> {
            let of_fault = REASONS.iter().filter(|reason| reason.fault == fault);
            of_fault.map(|reason| reason.word).collect()
        };
        assert_eq!(
            words(Change),
            [
                "image-not-found",
                "invalid-image-name",
                "crash-loop",
                "out-of-memory",
                "config-error",
                "init-failed",
                "admission",
                "evicted",
            ]
        );
        assert_eq!(
            words(Configuration),
            [
                "image-pull-denied",
                "cluster-policy",
                "node-policy",
                "no-pods",
                "on-delete",
                "partitioned",
                "paused"
            ]
        );
        assert!(words(Environment).starts_with(&[
            "image-pull",
            "crashed-before",
            "settings-missing"
        ]));
    }
}

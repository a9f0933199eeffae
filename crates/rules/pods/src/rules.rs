//! The table of failures: what a node says, whose fault that is, and for how long it is tolerated.
//!
//! A state has a word (`CreateContainerError`) and a message. The word alone rarely tells whose
//! fault a failure is, so a rule also names parts of messages. The first rule that fits counts. A
//! failure is the fault of the change only where the words prove it.

mod cluster;
mod row;

use self::cluster::{OF_CONTROLLERS, OF_ENDS, OF_EVENTS, OF_SCHEDULER};
pub(crate) use self::row::{FailureRule, Patience};

use crate::{
    CONFIG_ERROR, EVICTED, IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, INVALID_IMAGE_NAME,
    NAME_RESERVED, NODE_POLICY, NODE_PRESSURE, NODE_RUNTIME, OUT_OF_MEMORY, POD_REJECTED, SANDBOX,
    SETTINGS_MISSING, START_FAILED, VOLUME, pull,
};

/// The words about images that cannot be pulled.
pub(crate) const PULL: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
const CONFIG: &[&str] = &["CreateContainerConfigError"];
const START: &[&str] = &[
    "CreateContainerConfigError",
    "CreateContainerError",
    "PreCreateHookError",
    "RunContainerError",
    "PreStartHookError",
    "StartError",
    "ContainerCannotRun",
];

/// Rules about containers.
pub(crate) const OF_CONTAINERS: &[FailureRule] = &[
    FailureRule {
        words: &["InvalidImageName"],
        says: &[],
        reason: INVALID_IMAGE_NAME,
        patience: Patience::None,
        source: "kubelet, images/image_manager.go: the name cannot be parsed",
    },
    FailureRule {
        words: &["ErrImageNeverPull"],
        says: &[],
        reason: IMAGE_PULL,
        patience: Patience::None,
        source: "kubelet, images/image_manager.go: `imagePullPolicy: Never`, and the node lacks it",
    },
    FailureRule {
        words: PULL,
        says: &[
            "signature validation failed",
            "signaturevalidationfailed",
            "source image rejected",
            "signature was required",
            "rejected by policy",
        ],
        reason: NODE_POLICY,
        patience: Patience::SecondPull,
        source: "kubelet, images/types.go; containers/image, signature/policy_eval.go",
    },
    FailureRule {
        words: &["SignatureValidationFailed"],
        says: &[],
        reason: NODE_POLICY,
        patience: Patience::Pull,
        source: "cri-api, errors: ErrSignatureValidationFailed",
    },
    FailureRule {
        words: PULL,
        says: pull::TRANSIENT,
        reason: IMAGE_PULL,
        patience: Patience::Pull,
        source: "containerd, remotes/docker; Go, net and crypto/x509; registries",
    },
    FailureRule {
        words: PULL,
        says: pull::DENIED,
        reason: IMAGE_PULL_DENIED,
        patience: Patience::SecondPull,
        source: "OCI distribution-spec, error codes UNAUTHORIZED and DENIED; Docker Hub",
    },
    FailureRule {
        words: PULL,
        says: pull::NOT_THE_IMAGE,
        reason: IMAGE_PULL,
        patience: Patience::Pull,
        source: "containerd, remotes/docker/auth; docker-credential-helpers; content store",
    },
    FailureRule {
        words: PULL,
        says: pull::NOT_FOUND,
        reason: IMAGE_NOT_FOUND,
        patience: Patience::SecondPull,
        source: "OCI distribution-spec, MANIFEST_UNKNOWN and NAME_UNKNOWN; containerd, platforms",
    },
    FailureRule {
        words: PULL,
        says: &[],
        reason: IMAGE_PULL,
        patience: Patience::Pull,
        source: "kubelet, images/types.go: any other pull error",
    },
    FailureRule {
        words: CONFIG,
        says: &[
            "failed to sync",
            "services have not yet been read",
            "object-cache",
        ],
        reason: CONFIG_ERROR,
        patience: Patience::Forever,
        source: "kubelet, kubelet_pods.go: its cache of the namespace is not ready",
    },
    FailureRule {
        words: CONFIG,
        says: &["secret not found"],
        reason: SETTINGS_MISSING,
        patience: Patience::Secret,
        source: "kubelet, kubelet_pods.go: makeEnvironmentVariables",
    },
    FailureRule {
        words: CONFIG,
        says: &[
            "configmap not found",
            "couldn't find key",
            "references non-existent",
        ],
        reason: SETTINGS_MISSING,
        patience: Patience::Config,
        source: "kubelet, kubelet_pods.go: makeEnvironmentVariables",
    },
    FailureRule {
        words: CONFIG,
        says: &[
            "container has runasnonroot",
            "cannot verify user is non-root",
        ],
        reason: CONFIG_ERROR,
        patience: Patience::Config,
        source: "kubelet, kuberuntime/security_context.go",
    },
    FailureRule {
        words: CONFIG,
        says: &["subpath"],
        reason: VOLUME,
        patience: Patience::Config,
        source: "kubelet, kubelet_pods.go: makeMounts",
    },
    FailureRule {
        words: START,
        says: &[
            "failed to reserve container name",
            "is reserved for",
            "is already in use by container",
            "error reserving ctr name",
        ],
        reason: NAME_RESERVED,
        patience: Patience::Schedule,
        source: "containerd, cri/server/container_create.go; CRI-O, server/container_create.go",
    },
    FailureRule {
        words: START,
        says: &[
            "seccomp",
            "apparmor",
            "sysctl",
            "selinux",
            "file label",
            "keycreate",
        ],
        reason: NODE_POLICY,
        patience: Patience::Schedule,
        source: "containerd, cri/server; runc, libcontainer/{apparmor,seccomp}",
    },
    FailureRule {
        words: START,
        says: &[
            "nvidia-container",
            "cdi device",
            "device driver",
            "device plugin",
            "dynamic resources",
            "running hook",
            "running prestart hook",
            "no such device",
            "cgroup",
            "deadline exceeded",
            "no running task found",
            "code = unavailable",
            "transport is closing",
            "ttrpc: closed",
            "connection refused",
            "connection error",
            "no space left on device",
            "too many open files",
            "cannot allocate memory",
            "resource temporarily unavailable",
            "input/output error",
            "failed to create containerd container",
            "failed to create snapshot",
            "failed to get sandbox",
        ],
        reason: NODE_RUNTIME,
        patience: Patience::Schedule,
        source: "containerd, cri/server; nvidia-container-toolkit; kubelet, cm/devicemanager; errno",
    },
    FailureRule {
        words: START,
        says: &["container init was oom-killed", "minimum memory limit"],
        reason: OUT_OF_MEMORY,
        patience: Patience::Again,
        source: "runc, libcontainer/process_linux.go",
    },
    FailureRule {
        words: START,
        says: &[
            "executable file not found",
            "exec: : not found",
            "exec: : no such file",
            "exec: : stat no such file",
            "exec: : permission denied",
            "exec: : is a directory",
            "exec no such file",
            "exec permission denied",
            "open executable",
            "exec format error",
            "no command specified",
            "no matching entries in passwd",
            "no matching entries in group",
            "no users found",
            "set in config.json failed",
            "mount a directory onto a file",
        ],
        reason: CONFIG_ERROR,
        patience: Patience::Again,
        source: "runc, libcontainer; crun; moby, oci: the image or its command is wrong",
    },
    FailureRule {
        words: &["PostStartHookError"],
        says: &[],
        reason: CONFIG_ERROR,
        patience: Patience::Again,
        source: "kubelet, lifecycle/handlers.go: the pod's own hook fails",
    },
    FailureRule {
        words: &[
            "PreCreateHookError",
            "PreStartHookError",
            "ImageInspectError",
        ],
        says: &[],
        reason: NODE_RUNTIME,
        patience: Patience::Schedule,
        source: "kubelet, kuberuntime_container.go: its own resource managers fail",
    },
    FailureRule {
        words: &[
            "CreatePodSandboxError",
            "ConfigPodSandboxError",
            "KillPodSandboxError",
            "SetupNetworkError",
            "TeardownNetworkError",
        ],
        says: &[],
        reason: SANDBOX,
        patience: Patience::Schedule,
        source: "kubelet, container/sync_result.go",
    },
    FailureRule {
        words: &["KillContainerError", "RemoveContainerError"],
        says: &[],
        reason: NODE_RUNTIME,
        patience: Patience::Schedule,
        source: "kubelet, container/sync_result.go",
    },
    FailureRule {
        words: START,
        says: &[],
        reason: START_FAILED,
        patience: Patience::Again,
        source: "kubelet, kuberuntime_container.go: any other error",
    },
];

/// Rules about whole pods that their node gave up: `status.reason` of a failed pod.
pub(crate) const OF_PODS: &[FailureRule] = &[
    FailureRule {
        words: &["Evicted"],
        says: &[
            "exceeds the total limit of containers",
            "exceeded its local ephemeral storage limit",
            "usage of emptydir volume",
        ],
        reason: EVICTED,
        patience: Patience::Again,
        source: "kubelet, eviction/helpers.go: limits that the pod itself has",
    },
    FailureRule {
        words: &["Evicted"],
        says: &[],
        reason: NODE_PRESSURE,
        patience: Patience::Schedule,
        source: "kubelet, eviction/helpers.go: the node was low, or had a condition",
    },
    FailureRule {
        words: &[
            "AppArmor",
            "SysctlForbidden",
            "PodOSNotSupported",
            "PodOSSelectorNodeLabelDoesNotMatch",
            "SupplementalGroupsPolicyNotSupported",
            "InitContainerRestartPolicyForbidden",
            "ProcMount",
            "NoNewPrivs",
        ],
        says: &[],
        reason: NODE_POLICY,
        patience: Patience::Schedule,
        source: "kubelet, lifecycle/{handlers,predicate}.go; sysctl/allowlist.go",
    },
    FailureRule {
        words: &[
            "NodeLost",
            "NodeShutdown",
            "Shutdown",
            "Terminated",
            "Preempting",
        ],
        says: &[],
        reason: POD_REJECTED,
        patience: Patience::Forever,
        source: "kubelet, nodeshutdown, preemption; node lifecycle controller",
    },
    FailureRule {
        words: &[],
        says: &[],
        reason: POD_REJECTED,
        patience: Patience::Schedule,
        source: "kubelet, lifecycle/predicate.go, cm: OutOfcpu, UnexpectedAdmissionError, NodeAffinity",
    },
];

/// Returns the rule about a state of a container, if its word stands for a failure.
pub(crate) fn of_container(word: &str, message: &str) -> Option<&'static FailureRule> {
    find(OF_CONTAINERS, word, message)
}

/// Returns the rule about a pod that its node gave up.
pub(crate) fn of_pod(word: &str, message: &str) -> Option<&'static FailureRule> {
    find(OF_PODS, word, message)
}

/// Returns the rule about the end of a container whose program had run.
pub(crate) fn of_end(word: &str, message: &str) -> Option<&'static FailureRule> {
    find(OF_ENDS, word, message)
}

/// Returns the rule about a pod without a node.
pub(crate) fn of_scheduler(word: &str, message: &str) -> Option<&'static FailureRule> {
    find(OF_SCHEDULER, word, message)
}

/// Returns the rule about a controller that cannot create pods.
pub(crate) fn of_controller(message: &str) -> Option<&'static FailureRule> {
    find(OF_CONTROLLERS, "", message)
}

/// Returns the rule about an event of a pod whose containers are not created.
pub(crate) fn of_event(word: &str) -> Option<&'static FailureRule> {
    find(OF_EVENTS, word, "")
}

fn find(rules: &'static [FailureRule], word: &str, message: &str) -> Option<&'static FailureRule> {
    let said = pull::without_names(message).to_lowercase();
    rules.iter().find(|rule| {
        let is_about = rule.words.is_empty() || rule.words.contains(&word);
        let is_said = rule.says.is_empty() || rule.says.iter().any(|part| said.contains(part));
        is_about && is_said
    })
}

#[cfg(test)]
mod tests;

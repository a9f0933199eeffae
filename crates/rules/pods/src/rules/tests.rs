use std::collections::BTreeSet;

use contract::{Fault, Reason};

use super::*;
use crate::{CLUSTER_POLICY, CRASH_LOOP, CREATE_FAILED, NODE_LOST, QUOTA, UNSCHEDULABLE};

/// What nodes say, word for word, with the reason and the patience.
const EXAMPLES: &[(&str, &str, Reason, Patience)] = &[
    (
        "InvalidImageName",
        "Failed to apply default image tag \"Dex:V1\": couldn't parse image name",
        INVALID_IMAGE_NAME,
        Patience::None,
    ),
    (
        "ErrImageNeverPull",
        "Container image \"dex:v1\" is not present with pull policy of Never",
        IMAGE_PULL,
        Patience::None,
    ),
    (
        "ImagePullBackOff",
        "Back-off pulling image \"x/dex:v1\": SignatureValidationFailed: image pull failed for x/dex:v1 because the signature validation failed: Source image rejected: A signature was required, but no signature exists",
        NODE_POLICY,
        Patience::SecondPull,
    ),
    ("SignatureValidationFailed", "", NODE_POLICY, Patience::Pull),
    (
        "ErrImagePull",
        "failed to pull and unpack image \"x/dex:v1\": unexpected status from GET request: 503 Service Unavailable",
        IMAGE_PULL,
        Patience::Pull,
    ),
    (
        "ErrImagePull",
        "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        IMAGE_PULL_DENIED,
        Patience::SecondPull,
    ),
    (
        "ErrImagePull",
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.example/token: 404 Not Found",
        IMAGE_PULL,
        Patience::Pull,
    ),
    (
        "ErrImagePull",
        "error getting credentials - err: exec: \"docker-credential-ecr-login\": executable file not found in $PATH, out: ``",
        IMAGE_PULL,
        Patience::Pull,
    ),
    (
        "ErrImagePull",
        "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:1a from remote: not found",
        IMAGE_PULL,
        Patience::Pull,
    ),
    (
        "ImagePullBackOff",
        "failed to resolve reference \"x/dex:v1\": x/dex:v1: not found",
        IMAGE_NOT_FOUND,
        Patience::SecondPull,
    ),
    ("RegistryUnavailable", "", IMAGE_PULL, Patience::Pull),
    (
        "CreateContainerConfigError",
        "failed to sync secret cache: timed out waiting for the condition",
        CONFIG_ERROR,
        Patience::Forever,
    ),
    (
        "CreateContainerConfigError",
        "secret \"shop-db\" not found",
        SETTINGS_MISSING,
        Patience::Secret,
    ),
    (
        "CreateContainerConfigError",
        "configmap \"settings\" not found",
        SETTINGS_MISSING,
        Patience::Config,
    ),
    (
        "CreateContainerConfigError",
        "couldn't find key url in Secret dex/dex-env",
        SETTINGS_MISSING,
        Patience::Config,
    ),
    (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root (pod: \"dex-1\", container: dex)",
        CONFIG_ERROR,
        Patience::Config,
    ),
    (
        "CreateContainerConfigError",
        "failed to prepare subPath for volumeMount \"data\" of container \"dex\"",
        VOLUME,
        Patience::Config,
    ),
    (
        "CreateContainerConfigError",
        "something new",
        START_FAILED,
        Patience::Again,
    ),
    (
        "CreateContainerError",
        "failed to reserve container name \"dex_dex-1_0\": name \"dex_dex-1_0\" is reserved for \"c0ffee\"",
        NAME_RESERVED,
        Patience::Schedule,
    ),
    (
        "CreateContainerError",
        "Error response from daemon: Conflict. The container name \"/k8s_dex\" is already in use by container \"c0ffee\"",
        NAME_RESERVED,
        Patience::Schedule,
    ),
    (
        "CreateContainerError",
        "failed to generate seccomp spec opts: cannot load seccomp profile \"/var/lib/kubelet/seccomp/a.json\": open: no such file or directory",
        NODE_POLICY,
        Patience::Schedule,
    ),
    (
        "RunContainerError",
        "unable to apply apparmor profile: apparmor failed to apply profile",
        NODE_POLICY,
        Patience::Schedule,
    ),
    (
        "StartError",
        "failed to create shim task: OCI runtime create failed: error running hook #0: nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: no such file or directory",
        NODE_RUNTIME,
        Patience::Schedule,
    ),
    (
        "CreateContainerError",
        "failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=0",
        NODE_RUNTIME,
        Patience::Schedule,
    ),
    (
        "CreateContainerError",
        "context deadline exceeded",
        NODE_RUNTIME,
        Patience::Schedule,
    ),
    (
        "StartError",
        "runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?)",
        OUT_OF_MEMORY,
        Patience::Again,
    ),
    (
        "RunContainerError",
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"dex\": executable file not found in $PATH: unknown",
        CONFIG_ERROR,
        Patience::Again,
    ),
    (
        "StartError",
        "unable to start container process: exec: \"/app/dex\": stat /app/dex: no such file or directory: unknown",
        CONFIG_ERROR,
        Patience::Again,
    ),
    (
        "ContainerCannotRun",
        "exec /app/dex: exec format error",
        CONFIG_ERROR,
        Patience::Again,
    ),
    (
        "CreateContainerError",
        "failed to generate container \"1a\" spec: failed to generate spec: no command specified",
        CONFIG_ERROR,
        Patience::Again,
    ),
    (
        "PostStartHookError",
        "command '/bin/warm' exited with 1",
        CONFIG_ERROR,
        Patience::Again,
    ),
    ("PreStartHookError", "", NODE_RUNTIME, Patience::Schedule),
    ("ImageInspectError", "", IMAGE_PULL, Patience::Pull),
    (
        "CreatePodSandboxError",
        "failed to assign an IP address to container",
        SANDBOX,
        Patience::Schedule,
    ),
    ("KillContainerError", "", NODE_RUNTIME, Patience::Schedule),
    (
        "CreateContainerError",
        "something new",
        START_FAILED,
        Patience::Again,
    ),
];

/// What nodes say about pods that they give up.
const GIVEN_UP: &[(&str, &str, Reason, Patience)] = &[
    (
        "Evicted",
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
        EVICTED,
        Patience::Again,
    ),
    (
        "Evicted",
        "Container dex exceeded its local ephemeral storage limit \"1Gi\". ",
        EVICTED,
        Patience::Again,
    ),
    (
        "Evicted",
        "Usage of EmptyDir volume \"cache\" exceeds the limit \"1Gi\". ",
        EVICTED,
        Patience::Again,
    ),
    (
        "Evicted",
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 2Mi. Container dex was using 1Gi, request is 0, has larger consumption of memory. ",
        NODE_PRESSURE,
        Patience::Schedule,
    ),
    (
        "Evicted",
        "The node had condition: [DiskPressure]. ",
        NODE_PRESSURE,
        Patience::Schedule,
    ),
    (
        "SysctlForbidden",
        "forbidden sysctl: \"net.core.somaxconn\" not allowlisted",
        NODE_POLICY,
        Patience::Schedule,
    ),
    (
        "AppArmor",
        "Cannot enforce AppArmor: profile \"dex\" is not loaded",
        NODE_POLICY,
        Patience::Schedule,
    ),
    (
        "Preempting",
        "Preempted in order to admit critical pod",
        POD_REJECTED,
        Patience::Forever,
    ),
    (
        "Terminated",
        "Pod was terminated in response to imminent node shutdown.",
        POD_REJECTED,
        Patience::Forever,
    ),
    (
        "OutOfcpu",
        "Node didn't have enough resource: cpu, requested: 2, used: 3, capacity: 4",
        POD_REJECTED,
        Patience::Schedule,
    ),
    (
        "UnexpectedAdmissionError",
        "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu",
        POD_REJECTED,
        Patience::Schedule,
    ),
    (
        "NodeAffinity",
        "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        POD_REJECTED,
        Patience::Schedule,
    ),
];

/// How containers end.
const ENDS: &[(&str, &str, Reason, Patience)] = &[
    ("Unknown", "", NODE_LOST, Patience::Forever),
    (
        "ContainerStatusUnknown",
        "The container could not be located when the pod was terminated",
        NODE_LOST,
        Patience::Forever,
    ),
    ("OOMKilled", "", OUT_OF_MEMORY, Patience::Restarts),
    (
        "Error",
        "no such table: users",
        CRASH_LOOP,
        Patience::Restarts,
    ),
    ("Completed", "", CRASH_LOOP, Patience::Restarts),
];

/// The words of the scheduler.
const UNSCHEDULED: &[(&str, &str, Reason, Patience)] = &[
    (
        "SchedulingGated",
        "Scheduling is blocked due to non-empty scheduling gates",
        UNSCHEDULABLE,
        Patience::Forever,
    ),
    (
        "SchedulerError",
        "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded",
        UNSCHEDULABLE,
        Patience::Forever,
    ),
    (
        "Unschedulable",
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        VOLUME,
        Patience::Schedule,
    ),
    (
        "Unschedulable",
        "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
        VOLUME,
        Patience::Schedule,
    ),
    (
        "Unschedulable",
        "0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
        UNSCHEDULABLE,
        Patience::Schedule,
    ),
];

/// What controllers say that cannot create pods.
const NOT_CREATED: &[(&str, &str, Reason, Patience)] = &[
    (
        "",
        "Internal error occurred: failed calling webhook \"x\": no endpoints available",
        CREATE_FAILED,
        Patience::Forever,
    ),
    (
        "",
        "pods \"dex-5\" is forbidden: exceeded quota: q, requested: pods=1",
        QUOTA,
        Patience::Config,
    ),
    (
        "",
        "pods \"timeout-1\" is forbidden: violates PodSecurity \"restricted:latest\"",
        CLUSTER_POLICY,
        Patience::Config,
    ),
    (
        "",
        "etcdserver: request is too large",
        CREATE_FAILED,
        Patience::Forever,
    ),
];

/// Events of pods whose containers are not created.
const EVENTS: &[(&str, &str, Reason, Patience)] = &[
    ("FailedMount", "", VOLUME, Patience::Schedule),
    ("FailedCreatePodSandBox", "", SANDBOX, Patience::Schedule),
];

/// Checks the examples, and returns the rules that they are about.
#[track_caller]
fn check(
    rules: &'static [FailureRule],
    examples: &[(&str, &str, Reason, Patience)],
) -> BTreeSet<&'static str> {
    let mut used = BTreeSet::new();
    for (word, message, reason, patience) in examples {
        let rule = find(rules, word, message).unwrap();
        let found = (rule.reason, rule.patience);
        assert_eq!(found, (*reason, *patience), "{word}: {message}");
        used.insert(rule.source);
    }
    used
}

#[test]
fn each_message_has_its_rule() {
    let used = check(OF_CONTAINERS, EXAMPLES);
    let unused = OF_CONTAINERS
        .iter()
        .filter(|rule| !used.contains(rule.source));
    let unused: Vec<&str> = unused.map(|rule| rule.source).collect();
    assert_eq!(unused, [""; 0], "a rule without an example");
    for (rules, examples) in [
        (OF_PODS, GIVEN_UP),
        (OF_ENDS, ENDS),
        (OF_SCHEDULER, UNSCHEDULED),
        (OF_CONTROLLERS, NOT_CREATED),
        (OF_EVENTS, EVENTS),
    ] {
        assert_eq!(check(rules, examples).len(), rules.len());
    }
}

#[test]
fn an_unknown_message_never_blames_the_change() {
    let words: BTreeSet<&str> = OF_CONTAINERS
        .iter()
        .flat_map(|rule| rule.words)
        .copied()
        .collect();
    for word in words {
        let rule = of_container(word, "something new").unwrap();
        let is_named_by_word = ["InvalidImageName", "PostStartHookError"].contains(&word);
        assert!(
            is_named_by_word || rule.reason.fault != Fault::Change,
            "{word}: {}",
            rule.reason.word
        );
    }
    assert_ne!(of_pod("NewReason", "").unwrap().reason.fault, Fault::Change);
}

#[test]
fn names_never_decide() {
    let rule = |message| {
        of_container("CreateContainerError", message)
            .unwrap()
            .reason
    };
    assert_eq!(rule("cannot create \"exec format error\""), START_FAILED);
    assert_eq!(
        rule("cannot create /nvidia-container/seccomp"),
        START_FAILED
    );
}

#[test]
fn a_state_without_failure_has_no_rule() {
    for word in [
        "ContainerCreating",
        "PodInitializing",
        "CrashLoopBackOff",
        "Error",
        "Completed",
    ] {
        assert!(of_container(word, "anything").is_none(), "{word}");
    }
}

//! Failures that are a node's, not the change's.

use contract::Fault;

use super::*;
use crate::{
    NAME_RESERVED, NODE_POLICY, NODE_PRESSURE, NODE_RUNTIME, SETTINGS_MISSING, SIDECAR,
    START_FAILED, image::ImageMatcher,
};

const NO_DRIVER: &str = "OCI runtime create failed: error running hook #0: nvidia-container-cli: \
                         initialization error: nvml error: driver not loaded";

#[test]
fn a_broken_node_is_not_the_change() {
    let first = |word, message| failure_of(&[(0, pod(waiting(word, message)))]);
    let reserved = "failed to reserve container name \"dex\": name \"dex\" is reserved for \"c0\"";
    let (at, failure) = first("CreateContainerError", reserved);
    assert_eq!((at, failure.reason), (60, NAME_RESERVED));
    let text = &failure.text;
    assert!(
        text.starts_with("container dex: CreateContainerError on node-1: failed"),
        "{text}"
    );
    let seccomp = "cannot load seccomp profile \"/var/lib/kubelet/seccomp/a.json\"";
    for (word, message, at, reason) in [
        ("RunContainerError", NO_DRIVER, 60, NODE_RUNTIME),
        ("CreateContainerError", seccomp, 60, NODE_POLICY),
        ("CreateContainerError", "something new", 10, START_FAILED),
    ] {
        let (found_at, failure) = first(word, message);
        assert_eq!((found_at, failure.reason), (at, reason), "{message}");
    }
}

#[test]
fn a_loop_of_a_broken_driver_is_the_nodes() {
    let last = |message: &str| Termination {
        code: 128,
        reason: "StartError".to_owned(),
        message: message.to_owned(),
    };
    let looping = |message| Container {
        restarts: 3,
        last: Some(last(message)),
        ..waiting("CrashLoopBackOff", "back-off 40s")
    };
    let reason = |message| failure_of(&[(0, pod(looping(message)))]).1.reason;
    assert_eq!(reason(NO_DRIVER), NODE_RUNTIME);
    assert_eq!(
        reason("exec: \"dex\": executable file not found in $PATH"),
        CRASH_LOOP
    );
    assert_eq!(reason("something new"), START_FAILED);
}

#[test]
fn a_restart_of_the_node_is_not_a_crash() {
    for reason in ["Unknown", "ContainerStatusUnknown"] {
        let frames = [
            (0, pod(crashing(0, 0, ""))),
            (5, pod(crashing(3, 255, reason))),
        ];
        assert_eq!(first_failure(&frames, 1000), None, "{reason}");
    }
}

#[test]
fn a_kill_without_a_limit_is_the_nodes() {
    let killed = || pod(crashing(2, 137, "OOMKilled"));
    let frames = |killed| [(0, pod(crashing(0, 0, ""))), (5, killed)];
    assert_eq!(failure_of(&frames(killed())).1.reason, NODE_PRESSURE);
    let limited = Pod {
        memory_limit: Some("1Gi".to_owned()),
        ..killed()
    };
    assert_eq!(failure_of(&frames(limited)).1.reason, OUT_OF_MEMORY);
}

#[test]
fn a_missing_secret_is_tolerated_for_longer() {
    let (at, failure) = failure_of(&[(
        0,
        pod(waiting(
            "CreateContainerConfigError",
            "secret \"shop-db\" not found",
        )),
    )]);
    assert_eq!((at, failure.reason), (60, SETTINGS_MISSING));
}

#[test]
fn only_a_container_of_the_image_blames_the_change() {
    let image = ImageMatcher::new(IMAGE.parse().unwrap(), Vec::new(), Vec::new());
    let proxy = Container {
        name: "proxy".to_owned(),
        image: "docker.io/istio/proxyv2:1.20".to_owned(),
        ..waiting("CrashLoopBackOff", "")
    };
    for (container, reason) in [
        (waiting("CrashLoopBackOff", ""), CRASH_LOOP),
        (proxy, SIDECAR),
    ] {
        let pod = pod(container);
        let failure = failure_of(&[(0, pod.clone())]).1.of_image(&pod, &image);
        assert_eq!(failure.reason, reason);
    }
    assert_ne!(SIDECAR.fault, Fault::Change);
}

#[test]
fn a_disrupted_or_rejected_pod_was_given_up() {
    let failed = |reason: &str| Pod {
        phase: PodPhase::Failed,
        reason: reason.to_owned(),
        ..pod(container())
    };
    assert!(failed("OutOfexample.com/gpu").was_given_up());
    assert!(failed("SomethingNew").was_given_up());
    assert!(!failed("").was_given_up() && !failed("DeadlineExceeded").was_given_up());
    let mut disrupted = failed("");
    disrupted.conditions.push(PodCondition {
        kind: "DisruptionTarget".to_owned(),
        is_true: true,
        reason: "DeletionByPodGC".to_owned(),
        message: String::new(),
    });
    assert!(disrupted.was_given_up());
}

#[test]
fn a_lost_node_only_takes_the_condition_away() {
    let ready = |is_true, reason: &str| PodCondition {
        kind: "Ready".to_owned(),
        is_true,
        reason: reason.to_owned(),
        message: String::new(),
    };
    let running = |condition, is_ready| Pod {
        phase: PodPhase::Running,
        conditions: vec![condition],
        containers: vec![Container {
            ready: is_ready,
            ..container()
        }],
        ..pod(container())
    };
    assert_eq!(running(ready(false, ""), true).lost_node(), Some("node-1"));
    assert_eq!(running(ready(true, ""), true).lost_node(), None);
    assert_eq!(running(ready(false, ""), false).lost_node(), None);
    let gate = running(ready(false, "ReadinessGatesNotReady"), true);
    assert_eq!(gate.lost_node(), None);
}

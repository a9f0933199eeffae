use std::time::Duration;

use super::*;
use crate::{
    CONFIG_ERROR, IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, INVALID_IMAGE_NAME, PodCondition,
    SETTINGS_MISSING, Summary, UNSCHEDULABLE,
};

mod nodes;

const IMAGE: &str = "ghcr.io/data-literate/dex:v2";

fn container() -> Container {
    Container {
        name: "dex".to_owned(),
        image: IMAGE.to_owned(),
        ..Container::default()
    }
}

fn waiting(reason: &str, message: &str) -> Container {
    let state = RunState::Waiting {
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    Container {
        state,
        ..container()
    }
}

fn crashing(restarts: u32, code: i32, reason: &str) -> Container {
    let last = Termination {
        code,
        reason: reason.to_owned(),
        message: String::new(),
    };
    Container {
        state: RunState::Running,
        restarts,
        last: Some(last),
        ..container()
    }
}

fn pod(container: Container) -> Pod {
    Pod {
        namespace: "dex-prod".to_owned(),
        name: "dex-7f9".to_owned(),
        phase: PodPhase::Pending,
        node: Some("node-1".to_owned()),
        containers: vec![container],
        ..Pod::default()
    }
}

fn unschedulable(message: &str) -> Pod {
    let condition = PodCondition {
        kind: "PodScheduled".to_owned(),
        is_true: false,
        reason: "Unschedulable".to_owned(),
        message: message.to_owned(),
    };
    Pod {
        node: None,
        conditions: vec![condition],
        ..pod(waiting("", ""))
    }
}

/// Observes one pod second by second, and returns when and how it fails.
fn first_failure(frames: &[(u64, Pod)], until: u64) -> Option<(u64, Unrecoverable)> {
    let mut history = PodHistory::default();
    (0..=until).find_map(|second| {
        let (_, pod) = frames.iter().rev().find(|(from, _)| *from <= second)?;
        history.observe(pod, Duration::from_secs(second));
        unrecoverable(pod, &history, &GracePeriods::default()).map(|failure| (second, failure))
    })
}

fn failure_of(frames: &[(u64, Pod)]) -> (u64, Unrecoverable) {
    first_failure(frames, 1000).expect("the pod fails")
}

#[test]
fn a_missing_image_fails_at_first_back_off() {
    let words = format!("failed to resolve reference \"{IMAGE}\": {IMAGE}: not found");
    let (at, failure) = failure_of(&[
        (0, pod(waiting("ErrImagePull", &words))),
        (
            4,
            pod(waiting(
                "ImagePullBackOff",
                &format!("Back-off pulling image \"{IMAGE}\""),
            )),
        ),
    ]);
    assert_eq!(
        (at, failure.reason, failure.container.as_deref()),
        (4, IMAGE_NOT_FOUND, Some("dex"))
    );
    assert_eq!(
        failure.text,
        format!("container dex: cannot pull {IMAGE} on node-1: {IMAGE}: not found")
    );
}

#[test]
fn denied_access_is_a_fault_of_configuration() {
    let words = "failed to authorize: 401 Unauthorized";
    assert_eq!(
        failure_of(&[(0, pod(waiting("ImagePullBackOff", words)))])
            .1
            .reason,
        IMAGE_PULL_DENIED
    );
}

#[test]
fn a_rate_limit_is_tolerated_with_a_warning() {
    let limited = pod(waiting("ImagePullBackOff", "429 Too Many Requests"));
    let frames = [
        (0, limited.clone()),
        (
            40,
            pod(Container {
                state: RunState::Running,
                ..container()
            }),
        ),
    ];
    assert_eq!(first_failure(&frames, 1000), None);
    let mut history = PodHistory::default();
    history.observe(&limited, Duration::ZERO);
    assert!(
        warning(&limited, &history)
            .unwrap()
            .contains("429 Too Many Requests")
    );
    let (at, failure) = failure_of(&[(0, limited)]);
    assert_eq!((at, failure.reason), (90, IMAGE_PULL));
}

#[test]
fn a_retried_pull_is_one_condition() {
    let frames = [
        (0, pod(waiting("ErrImagePull", "i/o timeout"))),
        (30, pod(waiting("ContainerCreating", ""))),
        (31, pod(waiting("ErrImagePull", "i/o timeout"))),
    ];
    assert_eq!(failure_of(&frames).0, 90);
}

#[test]
fn an_invalid_image_name_fails_at_once() {
    let (at, failure) = failure_of(&[(
        0,
        pod(waiting("InvalidImageName", "couldn't parse image name")),
    )]);
    assert_eq!((at, failure.reason), (0, INVALID_IMAGE_NAME));
    assert_eq!(
        failure_of(&[(0, pod(waiting("ErrImageNeverPull", "not present")))]).0,
        0
    );
}

#[test]
fn a_missing_config_map_fails_after_ten_seconds() {
    let missing = pod(waiting(
        "CreateContainerConfigError",
        "configmap \"dex\" not found",
    ));
    let (at, failure) = failure_of(&[(0, missing)]);
    assert_eq!((at, failure.reason), (10, SETTINGS_MISSING));
    assert_eq!(
        failure.text,
        "container dex: CreateContainerConfigError: configmap \"dex\" not found"
    );
    let cache = pod(waiting(
        "CreateContainerConfigError",
        "failed to sync configmap cache: timed out",
    ));
    assert_eq!(first_failure(&[(0, cache)], 1000), None);
}

#[test]
fn a_second_failure_to_create_fails() {
    let fails = || pod(waiting("RunContainerError", "exec: \"dex\": not found"));
    let frames = [
        (0, fails()),
        (2, pod(waiting("ContainerCreating", ""))),
        (4, fails()),
    ];
    let (at, failure) = failure_of(&frames);
    assert_eq!((at, failure.reason), (4, CONFIG_ERROR));
}

#[test]
fn two_crashes_fail_and_one_does_not() {
    let frames = [
        (0, pod(crashing(0, 0, ""))),
        (5, pod(crashing(1, 1, "Error"))),
    ];
    assert_eq!(first_failure(&frames, 1000), None);
    let (at, failure) = failure_of(&[
        (0, pod(crashing(0, 0, ""))),
        (5, pod(crashing(2, 1, "Error"))),
    ]);
    assert_eq!(
        (at, failure.reason, failure.text.as_str()),
        (
            5,
            CRASH_LOOP,
            "container dex: crashed 2 times (exit code 1)"
        )
    );
}

#[test]
fn more_permitted_restarts_tolerate_the_first_loop() {
    let looping = |restarts| {
        pod(Container {
            restarts,
            ..waiting("CrashLoopBackOff", "back-off 10s")
        })
    };
    let fails = |max_restarts, restarts| {
        let (pod, mut history) = (looping(restarts), PodHistory::default());
        history.observe(&pod, Duration::ZERO);
        unrecoverable(
            &pod,
            &history,
            &GracePeriods {
                max_restarts,
                ..GracePeriods::default()
            },
        )
        .is_some()
    };
    assert!(
        fails(2, 1) && fails(1, 1),
        "a second crash is a loop by default"
    );
    assert!(!fails(5, 1) && !fails(5, 3) && fails(5, 4));
    assert!(!fails(0, 9), "0: never");
}

#[test]
fn an_outdated_pod_does_not_fail() {
    let old = Pod {
        outdated: true,
        ..pod(waiting("CrashLoopBackOff", "back-off 10s"))
    };
    assert_eq!(first_failure(&[(0, old)], 1000), None);
}

#[test]
fn expired_grace_periods_tolerate_nothing() {
    let limited = pod(waiting("ImagePullBackOff", "429 Too Many Requests"));
    let mut history = PodHistory::default();
    history.observe(&limited, Duration::ZERO);
    assert_eq!(
        unrecoverable(&limited, &history, &GracePeriods::default().expired())
            .unwrap()
            .reason,
        IMAGE_PULL
    );
}

#[test]
fn two_memory_kills_fail_with_the_limit() {
    let killed = Container {
        memory_limit: Some("256Mi".to_owned()),
        ..crashing(2, 137, "OOMKilled")
    };
    let failure = failure_of(&[(0, pod(crashing(0, 0, ""))), (5, pod(killed))]).1;
    assert_eq!(failure.reason, OUT_OF_MEMORY);
    assert_eq!(
        failure.text,
        "container dex: crashed 2 times: OOMKilled (limit 256Mi)"
    );
}

#[test]
fn a_failing_init_container_is_named() {
    let waits = Container {
        name: "migrate".to_owned(),
        ..waiting("CrashLoopBackOff", "back-off 10s")
    };
    let last = Termination {
        code: 3,
        reason: "Error".to_owned(),
        message: String::new(),
    };
    let init = Container {
        restarts: 1,
        last: Some(last),
        ..waits
    };
    let pod = Pod {
        init_containers: vec![init],
        ..pod(waiting("PodInitializing", ""))
    };
    let failure = failure_of(&[(0, pod)]).1;
    assert_eq!(
        (failure.reason, failure.container.as_deref()),
        (INIT_FAILED, Some("migrate"))
    );
    assert_eq!(
        failure.text,
        "init container migrate: crashed once (exit code 3)"
    );
}

#[test]
fn a_sidecar_is_judged_as_main_container() {
    let sidecar = Container {
        sidecar: true,
        ..waiting("CrashLoopBackOff", "")
    };
    let pod = Pod {
        init_containers: vec![sidecar],
        ..pod(waiting("PodInitializing", ""))
    };
    assert_eq!(failure_of(&[(0, pod)]).1.reason, CRASH_LOOP);
}

#[test]
fn earlier_restarts_do_not_count() {
    assert_eq!(
        first_failure(&[(0, pod(crashing(5, 1, "Error")))], 1000),
        None
    );
}

#[test]
fn a_pod_may_wait_for_a_node() {
    let frames = [
        (
            0,
            unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
        ),
        (20, pod(waiting("ContainerCreating", ""))),
    ];
    assert_eq!(first_failure(&frames, 1000), None);
}

#[test]
fn an_unschedulable_pod_fails_after_its_grace() {
    let (at, failure) = failure_of(&[(
        0,
        unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
    )]);
    assert_eq!((at, failure.reason), (60, UNSCHEDULABLE));
    assert!(
        failure.text.contains("Insufficient cpu"),
        "{}",
        failure.text
    );
}

#[test]
fn an_unbound_claim_is_a_volume_failure() {
    let words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    let pod = Pod {
        claims: vec!["data".to_owned()],
        ..unschedulable(words)
    };
    let failure = failure_of(&[(0, pod)]).1;
    assert_eq!(
        (failure.reason, failure.text.contains("claims data")),
        (VOLUME, true)
    );
}

#[test]
fn an_evicted_pod_only_warns() {
    let evicted = Pod {
        phase: PodPhase::Failed,
        reason: "Evicted".to_owned(),
        ..pod(crashing(0, 137, "Error"))
    };
    assert_eq!(first_failure(&[(0, evicted.clone())], 1000), None);
    assert!(
        warning(&evicted, &PodHistory::default())
            .unwrap()
            .contains("Evicted")
    );
}

#[test]
fn a_pod_on_a_lost_node_is_tolerated() {
    let unknown = Pod {
        phase: PodPhase::Unknown,
        reason: "NodeLost".to_owned(),
        ..pod(container())
    };
    assert_eq!(first_failure(&[(0, unknown)], 1000), None);
}

#[test]
fn a_gated_or_terminating_pod_is_tolerated() {
    let mut gated = unschedulable("waiting for gates");
    gated.conditions[0].reason = "SchedulingGated".to_owned();
    assert_eq!(first_failure(&[(0, gated.clone())], 1000), None);
    let opened = unschedulable("0/1 nodes are available: 1 Insufficient cpu.");
    assert_eq!(
        failure_of(&[(0, gated), (500, opened)]).0,
        560,
        "the time at the gate does not count"
    );
    let terminating = Pod {
        terminating: Some("2026-01-01T00:00:00Z".to_owned()),
        ..pod(waiting("CrashLoopBackOff", ""))
    };
    assert_eq!(first_failure(&[(0, terminating)], 1000), None);
}

#[test]
fn a_line_of_argo_cds_tree_suffices() {
    let line = |status: &str, message: &str| {
        let (status, message) = (status.to_owned(), message.to_owned());
        let images = vec![IMAGE.to_owned()];
        failure_of(&[(
            0,
            Pod::from_summary(Summary {
                status,
                message,
                images,
                ..Summary::default()
            }),
        )])
    };
    let not_found = format!("Back-off pulling image \"{IMAGE}\": ErrImagePull: not found");
    assert_eq!(
        line("ImagePullBackOff", &not_found).1.reason,
        IMAGE_NOT_FOUND
    );
    assert_eq!(
        line("CrashLoopBackOff", "back-off 10s").1.reason,
        CRASH_LOOP
    );
    assert_eq!(line("Init:CrashLoopBackOff", "").1.reason, INIT_FAILED);
    assert_eq!(
        line("CreateContainerConfigError", "secret \"x\" not found")
            .1
            .reason,
        SETTINGS_MISSING
    );
    assert_eq!(
        line("Pending", "0/3 nodes are available: 3 Insufficient memory.")
            .1
            .reason,
        UNSCHEDULABLE
    );
    assert_eq!(line("InvalidImageName", "").1.reason, INVALID_IMAGE_NAME);
}

#[test]
fn a_healthy_pods_line_does_not_fail() {
    for status in [
        "Running",
        "ContainerCreating",
        "Init:0/1",
        "Terminating",
        "Completed",
        "Evicted",
        "Pending",
        "",
    ] {
        let pod = Pod::from_summary(Summary {
            status: status.to_owned(),
            ..Summary::default()
        });
        assert_eq!(first_failure(&[(0, pod)], 1000), None, "{status}");
    }
}

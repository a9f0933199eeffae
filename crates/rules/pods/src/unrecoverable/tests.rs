use std::time::Duration;

use super::*;
use crate::{IMAGE_NOT_FOUND, IMAGE_PULL_DENIED, PodCondition, Summary};

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

/// Tells the story of one pod, second by second, and returns when it was doomed and how.
fn story(frames: &[(u64, Pod)], until: u64) -> Option<(u64, Unrecoverable)> {
    let mut since = PodHistory::default();
    (0..=until).find_map(|second| {
        let (_, pod) = frames.iter().rev().find(|(from, _)| *from <= second)?;
        since.observe(pod, Duration::from_secs(second));
        unrecoverable(pod, &since, &GracePeriods::default()).map(|doom| (second, doom))
    })
}

fn doomed(frames: &[(u64, Pod)]) -> (u64, Unrecoverable) {
    story(frames, 1000).expect("it is doomed")
}

#[test]
fn v11_an_image_that_is_not_there_dooms_with_the_first_back_off() {
    let words = format!("failed to resolve reference \"{IMAGE}\": {IMAGE}: not found");
    let (at, doom) = doomed(&[
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
        (at, doom.reason, doom.container.as_deref()),
        (4, IMAGE_NOT_FOUND, Some("dex"))
    );
    assert_eq!(
        doom.text,
        format!("container dex: cannot pull {IMAGE} on node-1: {IMAGE}: not found")
    );
}

#[test]
fn a_registry_that_wants_a_secret_dooms_and_is_a_matter_of_settings() {
    let words = "failed to authorize: 401 Unauthorized";
    assert_eq!(
        doomed(&[(0, pod(waiting("ImagePullBackOff", words)))])
            .1
            .reason,
        IMAGE_PULL_DENIED
    );
}

#[test]
fn v12_a_registry_that_limits_is_waited_for_and_said() {
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
    assert_eq!(story(&frames, 1000), None);
    let mut since = PodHistory::default();
    since.observe(&limited, Duration::ZERO);
    assert!(
        warning(&limited, &since)
            .unwrap()
            .contains("429 Too Many Requests")
    );
    let (at, doom) = doomed(&[(0, limited)]);
    assert_eq!((at, doom.reason), (90, IMAGE_PULL));
}

#[test]
fn a_pull_that_is_tried_again_is_one_trouble() {
    let frames = [
        (0, pod(waiting("ErrImagePull", "i/o timeout"))),
        (30, pod(waiting("ContainerCreating", ""))),
        (31, pod(waiting("ErrImagePull", "i/o timeout"))),
    ];
    assert_eq!(doomed(&frames).0, 90);
}

#[test]
fn v13_a_name_that_is_none_dooms_at_once() {
    let (at, doom) = doomed(&[(
        0,
        pod(waiting("InvalidImageName", "couldn't parse image name")),
    )]);
    assert_eq!((at, doom.reason), (0, INVALID_IMAGE_NAME));
    assert_eq!(
        doomed(&[(0, pod(waiting("ErrImageNeverPull", "not present")))]).0,
        0
    );
}

#[test]
fn v14_a_missing_config_map_dooms_after_ten_seconds_and_a_cache_does_not() {
    let missing = pod(waiting(
        "CreateContainerConfigError",
        "configmap \"dex\" not found",
    ));
    let (at, doom) = doomed(&[(0, missing)]);
    assert_eq!((at, doom.reason), (10, CONFIG_ERROR));
    assert_eq!(
        doom.text,
        "container dex: CreateContainerConfigError: configmap \"dex\" not found"
    );
    let cache = pod(waiting(
        "CreateContainerConfigError",
        "failed to sync configmap cache: timed out",
    ));
    assert_eq!(story(&[(0, cache)], 1000), None);
}

#[test]
fn a_container_that_cannot_be_created_dooms_the_second_time() {
    let fails = || pod(waiting("RunContainerError", "exec: \"dex\": not found"));
    let frames = [
        (0, fails()),
        (2, pod(waiting("ContainerCreating", ""))),
        (4, fails()),
    ];
    let (at, doom) = doomed(&frames);
    assert_eq!((at, doom.reason), (4, CONFIG_ERROR));
}

#[test]
fn v16_two_crashes_doom_and_one_does_not() {
    let frames = [
        (0, pod(crashing(0, 0, ""))),
        (5, pod(crashing(1, 1, "Error"))),
    ];
    assert_eq!(story(&frames, 1000), None);
    let (at, doom) = doomed(&[
        (0, pod(crashing(0, 0, ""))),
        (5, pod(crashing(2, 1, "Error"))),
    ]);
    assert_eq!(
        (at, doom.reason, doom.text.as_str()),
        (
            5,
            CRASH_LOOP,
            "container dex: crashed 2 times (exit code 1)"
        )
    );
}

#[test]
fn who_allows_for_more_restarts_is_not_doomed_by_the_first_loop() {
    let looping = |restarts| {
        pod(Container {
            restarts,
            ..waiting("CrashLoopBackOff", "back-off 10s")
        })
    };
    let dooms = |max_restarts, restarts| {
        let (pod, mut since) = (looping(restarts), PodHistory::default());
        since.observe(&pod, Duration::ZERO);
        unrecoverable(
            &pod,
            &since,
            &GracePeriods {
                max_restarts,
                ..GracePeriods::default()
            },
        )
        .is_some()
    };
    assert!(
        dooms(2, 1) && dooms(1, 1),
        "a second crash is a loop by default"
    );
    assert!(!dooms(5, 1) && !dooms(5, 3) && dooms(5, 4));
    assert!(!dooms(0, 9), "0: never");
}

#[test]
fn an_old_template_may_be_as_sick_as_it_likes() {
    let old = Pod {
        outdated: true,
        ..pod(waiting("CrashLoopBackOff", "back-off 10s"))
    };
    assert_eq!(story(&[(0, old)], 1000), None);
}

#[test]
fn without_patience_what_lasts_dooms_at_once() {
    let limited = pod(waiting("ImagePullBackOff", "429 Too Many Requests"));
    let mut since = PodHistory::default();
    since.observe(&limited, Duration::ZERO);
    assert_eq!(
        unrecoverable(&limited, &since, &GracePeriods::default().expired())
            .unwrap()
            .reason,
        IMAGE_PULL
    );
}

#[test]
fn v17_memory_twice_dooms_and_names_the_limit() {
    let killed = Container {
        memory_limit: Some("256Mi".to_owned()),
        ..crashing(2, 137, "OOMKilled")
    };
    let doom = doomed(&[(0, pod(crashing(0, 0, ""))), (5, pod(killed))]).1;
    assert_eq!(doom.reason, OUT_OF_MEMORY);
    assert_eq!(
        doom.text,
        "container dex: crashed 2 times: OOMKilled (limit 256Mi)"
    );
}

#[test]
fn v18_an_init_container_that_fails_is_named() {
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
    let doom = doomed(&[(0, pod)]).1;
    assert_eq!(
        (doom.reason, doom.container.as_deref()),
        (INIT_FAILED, Some("migrate"))
    );
    assert_eq!(
        doom.text,
        "init container migrate: crashed once (exit code 3)"
    );
}

#[test]
fn a_sidecar_among_the_init_containers_is_judged_as_a_main_one() {
    let sidecar = Container {
        sidecar: true,
        ..waiting("CrashLoopBackOff", "")
    };
    let pod = Pod {
        init_containers: vec![sidecar],
        ..pod(waiting("PodInitializing", ""))
    };
    assert_eq!(doomed(&[(0, pod)]).1.reason, CRASH_LOOP);
}

#[test]
fn v23_restarts_of_before_do_not_count() {
    assert_eq!(story(&[(0, pod(crashing(5, 1, "Error")))], 1000), None);
}

#[test]
fn v24_a_node_that_comes_in_time_is_waited_for() {
    let frames = [
        (
            0,
            unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
        ),
        (20, pod(waiting("ContainerCreating", ""))),
    ];
    assert_eq!(story(&frames, 1000), None);
}

#[test]
fn v25_beyond_the_grace_the_schedulers_words_are_the_reason() {
    let (at, doom) = doomed(&[(
        0,
        unschedulable("0/1 nodes are available: 1 Insufficient cpu."),
    )]);
    assert_eq!((at, doom.reason), (60, UNSCHEDULABLE));
    assert!(doom.text.contains("Insufficient cpu"), "{}", doom.text);
}

#[test]
fn v28_a_claim_that_is_not_bound_is_about_the_volume() {
    let words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    let pod = Pod {
        claims: vec!["data".to_owned()],
        ..unschedulable(words)
    };
    let doom = doomed(&[(0, pod)]).1;
    assert_eq!(
        (doom.reason, doom.text.contains("claims data")),
        (VOLUME, true)
    );
}

#[test]
fn v30_an_evicted_pod_is_no_doom_but_said() {
    let evicted = Pod {
        phase: PodPhase::Failed,
        reason: "Evicted".to_owned(),
        ..pod(crashing(0, 137, "Error"))
    };
    assert_eq!(story(&[(0, evicted.clone())], 1000), None);
    assert!(
        warning(&evicted, &PodHistory::default())
            .unwrap()
            .contains("Evicted")
    );
}

#[test]
fn v31_a_pod_on_a_node_that_does_not_answer_is_waited_for() {
    let unknown = Pod {
        phase: PodPhase::Unknown,
        reason: "NodeLost".to_owned(),
        ..pod(container())
    };
    assert_eq!(story(&[(0, unknown)], 1000), None);
}

#[test]
fn a_gated_or_terminating_pod_is_not_doomed() {
    let mut gated = unschedulable("waiting for gates");
    gated.conditions[0].reason = "SchedulingGated".to_owned();
    assert_eq!(story(&[(0, gated.clone())], 1000), None);
    let opened = unschedulable("0/1 nodes are available: 1 Insufficient cpu.");
    assert_eq!(
        doomed(&[(0, gated), (500, opened)]).0,
        560,
        "the time at the gate does not count"
    );
    let going = Pod {
        terminating: Some("2026-01-01T00:00:00Z".to_owned()),
        ..pod(waiting("CrashLoopBackOff", ""))
    };
    assert_eq!(story(&[(0, going)], 1000), None);
}

#[test]
fn w34_a_line_of_argo_cds_tree_is_enough() {
    let line = |status: &str, message: &str| {
        let (status, message) = (status.to_owned(), message.to_owned());
        let images = vec![IMAGE.to_owned()];
        doomed(&[(
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
        CONFIG_ERROR
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
fn a_line_of_a_pod_that_is_well_is_not_doomed() {
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
        assert_eq!(story(&[(0, pod)], 1000), None, "{status}");
    }
}

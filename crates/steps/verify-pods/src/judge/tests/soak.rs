//! How long pods must have been good.

use super::*;
use crate::reasons::{NODE_PRESSURE, OUT_OF_MEMORY};

/// Judges every second, and returns for how long the pods have been good at the last one, and how
/// the workload is then.
fn soaked(frames: &[(u64, Rollout, Vec<Pod>)], until: u64) -> (Option<u64>, WorkloadStatus) {
    soaked_by(&request(&['a']), frames, until)
}

fn soaked_by(
    request: &Request,
    frames: &[(u64, Rollout, Vec<Pod>)],
    until: u64,
) -> (Option<u64>, WorkloadStatus) {
    let mut history = WorkloadHistory::default();
    let mut last = None;
    for second in 0..=until {
        let mut newest_first = frames.iter().rev();
        let (_, rollout, pods) = newest_first.find(|(from, ..)| *from <= second).unwrap();
        history.observe(rollout, pods, Duration::from_secs(second));
        let status = workload::judge(request, rollout, pods, &history);
        history.remember(status.is_good());
        let good = status.is_good().then(|| history.good_for().as_secs());
        last = Some((good, soak(request, status, &history)));
    }
    last.unwrap()
}

#[test]
fn a_restart_begins_the_soak_again() {
    let fine = vec![running("a", "v2", 'a')];
    let mut again = fine.clone();
    again[0].containers[0].restarts = 1;
    let frames = [(0, rollout(1), fine), (10, rollout(1), again)];
    assert_eq!(soaked(&frames, 9).0, Some(9));
    let (good, status) = soaked(&frames, 14);
    assert_eq!(good, Some(4));
    let text = "a restarted a container; good for 4 of 30 s since".to_owned();
    assert_eq!(status, WorkloadStatus::Soaking(RESTARTED, text));
}

fn end(code: i32, reason: &str) -> Termination {
    Termination {
        code,
        reason: reason.to_owned(),
        message: String::new(),
    }
}

/// A good pod whose container has ended once, and runs again.
fn restarted(end: Termination) -> Pod {
    let mut pod = running("a", "v2", 'a');
    pod.containers[0].restarts = 1;
    pod.containers[0].last = Some(end);
    pod
}

/// Returns how the workload is after its pod was good for ten seconds, and then is like this.
fn after_soaking(pod: Pod) -> WorkloadStatus {
    let frames = [
        (0, rollout(1), vec![running("a", "v2", 'a')]),
        (10, rollout(1), vec![pod]),
    ];
    soaked(&frames, 10).1
}

/// Returns the reason of the failure, if it is one.
fn failed(status: &WorkloadStatus) -> Option<Reason> {
    match status {
        WorkloadStatus::Failed(failure) => Some(failure.cause.reason),
        _ => None,
    }
}

#[test]
fn a_crash_during_the_soak_refuses() {
    let WorkloadStatus::Failed(failure) = after_soaking(restarted(end(1, "Error"))) else {
        panic!("it is ready again, and has crashed");
    };
    assert_eq!(failure.pod.as_deref(), Some("a"));
    assert_eq!(failure.cause.container.as_deref(), Some("dex"));
    assert_eq!(failure.cause.reason, CRASH_LOOP);
    let text = "container dex: crashed (exit code 1) while all pods should stay ready";
    assert_eq!(failure.cause.text, text);
}

#[test]
fn the_end_itself_refuses_before_the_restart() {
    let mut ended = running("a", "v2", 'a');
    ended.conditions.clear();
    ended.containers[0].ready = false;
    ended.containers[0].state = RunState::Terminated(end(139, "Error"));
    assert_eq!(failed(&after_soaking(ended)), Some(CRASH_LOOP));
}

#[test]
fn the_reason_of_a_crash_is_that_of_a_loop() {
    let killed = || restarted(end(137, "OOMKilled"));
    assert_eq!(failed(&after_soaking(killed())), Some(NODE_PRESSURE));
    let mut limited = killed();
    limited.containers[0].memory_limit = Some("256Mi".to_owned());
    assert_eq!(failed(&after_soaking(limited)), Some(OUT_OF_MEMORY));
    let mut injected = running("a", "v2", 'a');
    injected.containers.push(Container {
        name: "proxy".to_owned(),
        image: "docker.io/istio/proxyv2:1.20".to_owned(),
        restarts: 1,
        last: Some(end(1, "Error")),
        ..injected.containers[0].clone()
    });
    let mut before = injected.clone();
    before.containers[1].restarts = 0;
    let frames = [
        (0, rollout(1), vec![before]),
        (10, rollout(1), vec![injected]),
    ];
    assert_eq!(failed(&soaked(&frames, 10).1), Some(SIDECAR));
}

#[test]
fn a_restart_without_a_crash_only_soaks_again() {
    let mut resized = restarted(end(143, "Error"));
    resized.containers[0].resources = "memory=2Gi".to_owned();
    let mut evicted = restarted(end(143, "Error"));
    evicted.conditions.push(PodCondition {
        kind: "DisruptionTarget".to_owned(),
        is_true: true,
        ..PodCondition::default()
    });
    for pod in [
        restarted(end(0, "Completed")),
        restarted(end(255, "Unknown")),
        resized,
        evicted,
    ] {
        let status = after_soaking(pod.clone());
        let is_soaking = matches!(status, WorkloadStatus::Soaking(RESTARTED, _));
        assert!(is_soaking, "{pod:?} {status:?}");
    }
}

#[test]
fn pods_that_are_replaced_have_not_crashed() {
    let mut drained = restarted(end(143, "Error"));
    drained.terminating = Some("2026-11-30T12:00:00Z".to_owned());
    let frames = [
        (0, rollout(1), vec![running("a", "v2", 'a')]),
        (10, rollout(1), vec![drained, running("b", "v2", 'a')]),
        (20, rollout(1), vec![running("b", "v2", 'a')]),
    ];
    for until in 10..=30 {
        assert_eq!(failed(&soaked(&frames, until).1), None, "after {until} s");
    }
}

#[test]
fn permitted_restarts_only_soak_again() {
    let crashed = || restarted(end(1, "Error"));
    let frames = [
        (0, rollout(1), vec![running("a", "v2", 'a')]),
        (10, rollout(1), vec![crashed()]),
    ];
    for (max_restarts, expected) in [
        (0, None),
        (1, Some(CRASH_LOOP)),
        (2, Some(CRASH_LOOP)),
        (3, None),
    ] {
        let mut request = request(&['a']);
        request.grace.max_restarts = max_restarts;
        let (_, status) = soaked_by(&request, &frames, 10);
        assert_eq!(failed(&status), expected, "{max_restarts}");
    }
}

#[test]
fn a_crash_before_the_soak_is_permitted() {
    let mut starting = running("b", "v2", 'a');
    starting.conditions.clear();
    let frames = [
        (
            0,
            rollout(2),
            vec![running("a", "v2", 'a'), starting.clone()],
        ),
        (5, rollout(2), vec![restarted(end(1, "Error")), starting]),
    ];
    assert_eq!(failed(&soaked(&frames, 9).1), None);
}

#[test]
fn an_unready_pod_begins_the_soak_again() {
    let unready = vec![Pod {
        conditions: Vec::new(),
        ..running("a", "v2", 'a')
    }];
    let frames = [
        (0, rollout(1), vec![running("a", "v2", 'a')]),
        (5, rollout(1), unready),
        (7, rollout(1), vec![running("a", "v2", 'a')]),
    ];
    assert_eq!(soaked(&frames, 6).0, None);
    let (good, status) = soaked(&frames, 10);
    assert_eq!(good, Some(3));
    let text = "all pods are ready, for 3 of 30 s so far".to_owned();
    assert_eq!(status, WorkloadStatus::Soaking(NOT_READY, text));
}

#[test]
fn a_new_workload_or_pod_has_no_history() {
    let recreated = Rollout {
        id: "2".to_owned(),
        ..rollout(1)
    };
    let fine = || vec![running("dex-0", "v2", 'a')];
    assert_eq!(
        soaked(&[(0, rollout(1), fine()), (10, recreated, fine())], 12).0,
        Some(2)
    );
    let mut before = fine();
    before[0].containers[0].restarts = 7;
    let mut after = fine();
    after[0].id = "another".to_owned();
    let mut crashed = after.clone();
    crashed[0].containers[0].restarts = 2;
    let frames = [
        (0, rollout(1), before),
        (5, rollout(1), after),
        (8, rollout(1), crashed),
    ];
    assert_eq!(
        soaked(&frames, 8).0,
        None,
        "two restarts are two, whatever the previous pod of that name had"
    );
}

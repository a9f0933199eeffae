//! How long pods must have been good.

use super::*;

/// Judges every second, and returns for how long the pods have been good at the last one, and how
/// the workload is then.
fn soaked(frames: &[(u64, Rollout, Vec<Pod>)], until: u64) -> (Option<u64>, WorkloadStatus) {
    let (mut history, request) = (WorkloadHistory::default(), request(&['a']));
    let mut last = None;
    for second in 0..=until {
        let mut newest_first = frames.iter().rev();
        let (_, rollout, pods) = newest_first.find(|(from, ..)| *from <= second).unwrap();
        history.observe(rollout, pods, Duration::from_secs(second));
        let status = workload::judge(&request, rollout, pods, &history);
        history.remember(status.is_good());
        let good = status.is_good().then(|| history.good_for().as_secs());
        last = Some((good, soak(&request, status, &history)));
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

use pods::{
    ADMISSION, CRASH_LOOP, Container, IMAGE_PULL, ON_DELETE, Owner, PARTITIONED, PAUSED,
    PodCondition, PodPhase, WorkloadKind,
};

use super::*;

const REPOSITORY: &str = "ghcr.io/data-literate/dex";

fn image(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// Wants `v2`, by these digests if there are any.
fn demand(digests: &[char]) -> Demand {
    let digests = digests
        .iter()
        .map(|of| digest(*of).parse().unwrap())
        .collect();
    Demand {
        wanted: ImageMatcher::new(image("v2").parse().unwrap(), digests, Vec::new()),
        graces: GracePeriods::default(),
        allow_zero: false,
        ignore_terminating: false,
        log_lines: 25,
    }
}

fn rollout(wanted: u32) -> Rollout {
    Rollout {
        kind: WorkloadKind::Deployment,
        namespace: "dex-prod".to_owned(),
        name: "dex".to_owned(),
        id: "1".to_owned(),
        images: vec![image("v2")],
        observed: true,
        wanted,
        updated: wanted,
        paused: false,
        on_delete: false,
        partition: 0,
        stalled: None,
        replica_failure: None,
    }
}

/// A pod that runs a tag, and what its node has under it.
fn running(name: &str, tag: &str, bytes: char) -> Pod {
    let container = Container {
        name: "dex".to_owned(),
        image: image(tag),
        image_id: format!("{REPOSITORY}@{}", digest(bytes)),
        ready: true,
        state: RunState::Running,
        ..Container::default()
    };
    Pod {
        name: name.to_owned(),
        id: name.to_owned(),
        phase: PodPhase::Running,
        conditions: vec![PodCondition {
            kind: "Ready".to_owned(),
            is_true: true,
            ..PodCondition::default()
        }],
        containers: vec![container],
        node: Some("node-1".to_owned()),
        owner: Some(Owner {
            kind: "ReplicaSet".to_owned(),
            name: format!("dex-of-{tag}"),
        }),
        ..Pod::default()
    }
}

fn waiting(name: &str, reason: &str, message: &str) -> Pod {
    let mut pod = Pod {
        phase: PodPhase::Pending,
        conditions: Vec::new(),
        ..running(name, "v2", 'a')
    };
    let state = RunState::Waiting {
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    pod.containers[0] = Container {
        state,
        ready: false,
        image_id: String::new(),
        ..pod.containers[0].clone()
    };
    pod
}

fn going(pod: Pod) -> Pod {
    Pod {
        terminating: Some("2026-01-01T00:00:00Z".to_owned()),
        ..pod
    }
}

/// Looks once.
fn look(demand: &Demand, rollout: &Rollout, pods: &[Pod]) -> Standing {
    let mut history = History::default();
    history.observe(rollout, pods, Duration::ZERO);
    demand.judge(rollout, pods, &history)
}

/// Looks at the same for so many seconds.
fn after(seconds: u64, demand: &Demand, rollout: &Rollout, pods: &[Pod]) -> Standing {
    let mut history = History::default();
    history.observe(rollout, pods, Duration::ZERO);
    history.observe(rollout, pods, Duration::from_secs(seconds));
    demand.judge(rollout, pods, &history)
}

fn good(standing: &Standing) -> bool {
    matches!(standing, Standing::Good(_))
}

#[track_caller]
fn not_yet(standing: Standing, reason: Reason, words: &str) {
    let Standing::NotYet(why, text) = standing else {
        panic!("{standing:?}")
    };
    assert!(why == reason && text.contains(words), "{why:?}: {text}");
}

#[track_caller]
fn doomed(standing: Standing, reason: Reason, words: &str) {
    let Standing::Doomed(sick) = standing else {
        panic!("{standing:?}")
    };
    assert!(
        sick.doom.reason == reason && sick.doom.text.contains(words),
        "{sick:?}"
    );
}

#[test]
fn v1_v2_v3_every_pod_runs_one_of_the_digests() {
    let pods = [
        running("a", "v2", 'a'),
        running("b", "v2", 'b'),
        running("c", "v2", 'c'),
    ];
    assert!(good(&look(&demand(&['a', 'b', 'c']), &rollout(3), &pods)));
}

#[test]
fn v6_an_old_pod_is_named_with_who_made_it() {
    let pods = [running("new", "v2", 'a'), running("old", "v1", 'e')];
    let standing = look(&demand(&['a']), &rollout(1), &pods);
    not_yet(
        standing,
        OLD_PODS,
        "1 of 2 pods are old; old (ReplicaSet dex-of-v1) runs ghcr.io/data-literate/dex:v1",
    );
}

#[test]
fn v7_an_old_pod_that_goes_is_waited_for_unless_it_is_ignored() {
    let pods = [running("new", "v2", 'a'), going(running("old", "v1", 'e'))];
    not_yet(
        look(&demand(&['a']), &rollout(1), &pods),
        OLD_PODS,
        "old is still terminating",
    );
    let ignoring = Demand {
        ignore_terminating: true,
        ..demand(&['a'])
    };
    assert!(good(&look(&ignoring, &rollout(1), &pods)));
}

#[test]
fn v8_a_finalizer_that_keeps_an_old_pod_is_named() {
    let stuck = Pod {
        finalizers: vec!["example.org/drain".to_owned()],
        ..going(running("old", "v1", 'e'))
    };
    let standing = look(
        &demand(&['a']),
        &rollout(1),
        &[running("new", "v2", 'a'), stuck],
    );
    not_yet(
        standing,
        OLD_PODS,
        "kept by the finalizer example.org/drain",
    );
}

#[test]
fn v9_old_pods_of_an_on_delete_strategy_doom_and_right_ones_do_not() {
    let on_delete = Rollout {
        kind: WorkloadKind::StatefulSet,
        on_delete: true,
        updated: 0,
        ..rollout(1)
    };
    doomed(
        look(&demand(&['a']), &on_delete, &[running("old", "v1", 'e')]),
        ON_DELETE,
        "OnDelete",
    );
    let outdated = Pod {
        outdated: true,
        ..running("right", "v2", 'a')
    };
    assert!(
        good(&look(&demand(&['a']), &on_delete, &[outdated])),
        "another template, but the image is right"
    );
    let partitioned = Rollout {
        on_delete: false,
        partition: 1,
        ..on_delete
    };
    doomed(
        look(&demand(&['a']), &partitioned, &[running("old", "v1", 'e')]),
        PARTITIONED,
        "partition 1",
    );
}

#[test]
fn v20_an_injected_proxy_is_not_asked() {
    let mut pod = running("a", "v2", 'a');
    let proxy = Container {
        image: "docker.io/istio/proxyv2:1.20".to_owned(),
        ..pod.containers[0].clone()
    };
    pod.containers.push(Container {
        image_id: digest('f'),
        ..proxy
    });
    assert!(good(&look(&demand(&['a']), &rollout(1), &[pod])));
}

#[test]
fn v32_more_pods_than_were_wanted_at_first_are_no_harm() {
    let pods = [running("a", "v2", 'a'), running("b", "v2", 'a')];
    assert!(good(&look(&demand(&['a']), &rollout(1), &pods)));
    not_yet(
        look(&demand(&['a']), &rollout(3), &pods),
        NOT_READY,
        "2 of 3 pods are there",
    );
    let fewer = [running("a", "v2", 'a'), going(running("b", "v2", 'a'))];
    assert!(
        good(&look(&demand(&['a']), &rollout(1), &fewer)),
        "a right one may go when fewer are wanted"
    );
}

#[test]
fn v33_what_has_ended_is_not_asked() {
    let ended = Pod {
        phase: PodPhase::Succeeded,
        ..running("job", "v1", 'e')
    };
    assert!(good(&look(
        &demand(&['a']),
        &rollout(1),
        &[running("a", "v2", 'a'), ended]
    )));
}

#[test]
fn v35_none_wanted_is_no_proof_unless_it_is_allowed() {
    doomed(
        look(&demand(&['a']), &rollout(0), &[]),
        NO_PODS,
        "scaled to zero",
    );
    let allowing = Demand {
        allow_zero: true,
        ..demand(&['a'])
    };
    assert!(good(&look(&allowing, &rollout(0), &[])));
    let other = Rollout {
        images: vec![image("v1")],
        ..rollout(0)
    };
    not_yet(
        look(&allowing, &other, &[]),
        OLD_PODS,
        "its template has ghcr.io/data-literate/dex:v1",
    );
}

#[test]
fn v37_a_second_container_with_an_old_tag_dooms_and_is_named() {
    let mut pod = running("a", "v2", 'a');
    let worker = Container {
        name: "worker".to_owned(),
        image: image("v1"),
        ..pod.containers[0].clone()
    };
    pod.containers.push(Container {
        image_id: digest('e'),
        ..worker
    });
    let template = Rollout {
        images: vec![image("v2"), image("v1")],
        ..rollout(1)
    };
    doomed(
        look(&demand(&['a']), &template, &[pod]),
        OLD_PODS,
        "dex:v1 as well (container worker)",
    );
}

#[test]
fn a_tag_that_was_pushed_again_is_told_with_its_node() {
    let pods = [running("a", "v2", 'a'), running("b", "v2", 'e')];
    doomed(
        look(&demand(&['a']), &rollout(2), &pods),
        MIXED_DIGESTS,
        "node-1 has sha256:eeee",
    );
    doomed(
        look(&demand(&[]), &rollout(2), &pods),
        MIXED_DIGESTS,
        "under the wanted tag",
    );
    assert!(good(&look(&demand(&['a', 'e']), &rollout(2), &pods)));
    let rolling = Rollout {
        updated: 1,
        ..rollout(2)
    };
    not_yet(
        look(&demand(&['a']), &rolling, &pods),
        OLD_PODS,
        "1 of 2 pods are old",
    );
}

#[test]
fn a_pod_of_an_older_template_is_waited_for_even_with_the_right_image() {
    let outdated = Pod {
        outdated: true,
        ..running("b", "v2", 'a')
    };
    let standing = look(
        &demand(&['a']),
        &rollout(1),
        &[running("a", "v2", 'a'), outdated],
    );
    not_yet(
        standing,
        OLD_PODS,
        "b (ReplicaSet dex-of-v2) is of an older template",
    );
}

#[test]
fn what_the_controller_has_not_seen_yet_is_not_judged() {
    let unseen = Rollout {
        observed: false,
        ..rollout(1)
    };
    not_yet(
        look(&demand(&['a']), &unseen, &[running("a", "v2", 'a')]),
        NOT_READY,
        "has not seen",
    );
    not_yet(
        look(
            &demand(&['a']),
            &unseen,
            &[waiting("a", "InvalidImageName", "")],
        ),
        NOT_READY,
        "has not seen",
    );
    let paused = Rollout {
        paused: true,
        ..unseen
    };
    doomed(look(&demand(&['a']), &paused, &[]), PAUSED, "paused");
}

#[test]
fn the_sickness_of_an_old_pod_is_no_doom() {
    let mut old = waiting("old", "CrashLoopBackOff", "back-off 10s");
    old.containers[0].image = image("v1");
    not_yet(look(&demand(&['a']), &rollout(1), &[old]), OLD_PODS, "old");
    doomed(
        look(
            &demand(&['a']),
            &rollout(1),
            &[waiting("new", "CrashLoopBackOff", "")],
        ),
        CRASH_LOOP,
        "crashed",
    );
}

#[test]
fn what_a_controller_cannot_create_dooms_after_its_grace() {
    let failing = Rollout {
        replica_failure: Some("pods \"dex-5\" is forbidden: violates PodSecurity".to_owned()),
        ..rollout(1)
    };
    not_yet(
        after(9, &demand(&['a']), &failing, &[]),
        NOT_READY,
        "0 of 1 pods are there",
    );
    doomed(
        after(10, &demand(&['a']), &failing, &[]),
        ADMISSION,
        "violates PodSecurity",
    );
    let other = Rollout {
        images: vec![image("v1")],
        ..failing
    };
    not_yet(
        after(10, &demand(&['a']), &other, &[]),
        OLD_PODS,
        "its template has",
    );
}

#[test]
fn a_rollout_that_was_given_up_is_told_by_its_pods_first() {
    let stalled = Rollout {
        stalled: Some("ReplicaSet has timed out progressing.".to_owned()),
        ..rollout(1)
    };
    let limited = waiting("a", "ImagePullBackOff", "429 Too Many Requests");
    doomed(
        look(&demand(&['a']), &stalled, &[limited]),
        IMAGE_PULL,
        "429",
    );
    let starting = waiting("a", "ContainerCreating", "");
    doomed(
        look(&demand(&['a']), &stalled, &[starting]),
        NOT_READY,
        "the rollout is stuck",
    );
    let other = Rollout {
        images: vec![image("v1")],
        ..stalled
    };
    not_yet(
        look(&demand(&['a']), &other, &[running("a", "v1", 'e')]),
        OLD_PODS,
        "1 of 1 pods are old",
    );
}

#[test]
fn a_pod_that_is_not_ready_says_why() {
    let says = |pod: Pod, words: &str| {
        not_yet(look(&demand(&['a']), &rollout(1), &[pod]), NOT_READY, words)
    };
    says(
        waiting("a", "ContainerCreating", ""),
        "0 of 1 pods ready; a: container dex waits: ContainerCreating",
    );
    let mut probed = running("a", "v2", 'a');
    probed.conditions.clear();
    probed.containers[0].ready = false;
    probed.containers[0].probe = Some("GET :8080/readyz".to_owned());
    says(probed, "its readiness probe is GET :8080/readyz");
    let lost = Pod {
        phase: PodPhase::Unknown,
        conditions: Vec::new(),
        ..running("a", "v2", 'a')
    };
    says(lost, "its node node-1 does not answer");
    let gate = PodCondition {
        kind: "PodScheduled".to_owned(),
        is_true: false,
        reason: "SchedulingGated".to_owned(),
        message: "Scheduling is blocked due to non-empty scheduling gates".to_owned(),
    };
    let gated = Pod {
        conditions: vec![gate],
        node: None,
        ..waiting("a", "", "")
    };
    says(gated, "SchedulingGated: Scheduling is blocked");
}

/// Looks every second, and returns for how long it was good at the last look.
fn soaked(frames: &[(u64, Rollout, Vec<Pod>)], until: u64) -> (Option<u64>, History) {
    let (mut history, mut soaked, demand) = (History::default(), None, demand(&['a']));
    for second in 0..=until {
        let (_, rollout, pods) = frames
            .iter()
            .rev()
            .find(|(from, ..)| *from <= second)
            .unwrap();
        history.observe(rollout, pods, Duration::from_secs(second));
        let standing = demand.judge(rollout, pods, &history);
        soaked = history.stands(&standing).map(|it| it.as_secs());
    }
    (soaked, history)
}

#[test]
fn the_soak_starts_again_with_a_restart_and_says_whose() {
    let fine = vec![running("a", "v2", 'a')];
    let mut again = fine.clone();
    again[0].containers[0].restarts = 1;
    let frames = [(0, rollout(1), fine), (10, rollout(1), again)];
    assert_eq!(soaked(&frames, 9).0, Some(9));
    let (good, history) = soaked(&frames, 14);
    assert_eq!(good, Some(4));
    let (reason, text) = too_short(&history, Duration::from_secs(4), Duration::from_secs(30));
    assert_eq!(
        (reason, text.as_str()),
        (
            RESTARTED,
            "a started a container again; good for 4 of 30 s since"
        )
    );
}

#[test]
fn the_soak_starts_again_with_a_pod_that_is_not_ready_and_says_that_time_was_short() {
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
    let (good, history) = soaked(&frames, 10);
    assert_eq!(good, Some(3));
    assert_eq!(
        too_short(&history, Duration::from_secs(3), Duration::from_secs(30)).0,
        NOT_READY
    );
}

#[test]
fn a_workload_that_was_made_anew_and_a_pod_of_the_same_name_have_no_past() {
    let anew = Rollout {
        id: "2".to_owned(),
        ..rollout(1)
    };
    let fine = || vec![running("dex-0", "v2", 'a')];
    assert_eq!(
        soaked(&[(0, rollout(1), fine()), (10, anew, fine())], 12).0,
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
        "two restarts are two, whatever its namesake had"
    );
}

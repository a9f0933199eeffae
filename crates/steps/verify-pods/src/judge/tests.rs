use kubernetes::ClusterOptions;
use pods::{
    GracePeriods, Owner, PodCondition, PodPhase, PreviousTemplate, Rollout, RunState, Termination,
    WorkloadKind,
};

use super::*;
use crate::reasons::{
    ADMISSION, CLUSTER_POLICY, CRASH_LOOP, CRASHED_BEFORE, CREATE_FAILED, EVICTED, IMAGE_PULL,
    MIXED_DIGESTS, NAME_RESERVED, NODE_LOST, NOT_AVAILABLE, OLD_PODS, ON_DELETE, PARTITIONED,
    PAUSED, SANDBOX, SIDECAR, STUCK_POD, UNKNOWN_DIGEST,
};

mod causes;
mod controller;
mod inquiry;
mod soak;

const REPOSITORY: &str = "ghcr.io/data-literate/dex";

fn image(tag: &str) -> String {
    format!("{REPOSITORY}:{tag}")
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// Requests `v2`, by these digests if there are any.
fn request(digests: &[char]) -> Request {
    let digests = digests
        .iter()
        .map(|of| digest(*of).parse().unwrap())
        .collect();
    Request {
        image: ImageMatcher::new(image("v2").parse().unwrap(), digests, Vec::new()),
        namespaces: vec!["dex-prod".to_owned()],
        workloads: Vec::new(),
        allow_zero: false,
        soak: Duration::from_secs(30),
        waits: true,
        ignore_terminating: false,
        grace: GracePeriods::default(),
        cluster: ClusterOptions::default(),
        max_log_lines: 25,
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
        available: None,
        min_ready_seconds: 0,
        not_available: None,
        ordered: false,
        previous: PreviousTemplate::Unknown,
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

fn terminating(pod: Pod) -> Pod {
    Pod {
        terminating: Some("2026-01-01T00:00:00Z".to_owned()),
        ..pod
    }
}

/// Judges one observation.
fn once(request: &Request, rollout: &Rollout, pods: &[Pod]) -> WorkloadStatus {
    after(0, request, rollout, pods)
}

/// Judges a state that has lasted for some seconds.
fn after(seconds: u64, request: &Request, rollout: &Rollout, pods: &[Pod]) -> WorkloadStatus {
    let mut history = WorkloadHistory::default();
    history.observe(rollout, pods, Duration::ZERO);
    history.observe(rollout, pods, Duration::from_secs(seconds));
    workload::judge(request, rollout, pods, &history)
}

fn is_good(status: WorkloadStatus) -> bool {
    status.is_good()
}

#[track_caller]
fn not_yet(status: WorkloadStatus, reason: Reason, words: &str) {
    let WorkloadStatus::NotYet(why, text) = status else {
        panic!("{status:?}")
    };
    assert!(why == reason && text.contains(words), "{why:?}: {text}");
}

#[track_caller]
fn failed(status: WorkloadStatus, reason: Reason, words: &str) {
    let WorkloadStatus::Failed(PodFailure { cause, .. }) = status else {
        panic!("{status:?}")
    };
    assert!(
        cause.reason == reason && cause.text.contains(words),
        "{cause:?}"
    );
}

#[test]
fn every_pod_runs_one_of_the_digests() {
    let pods = [
        running("a", "v2", 'a'),
        running("b", "v2", 'b'),
        running("c", "v2", 'c'),
    ];
    assert!(is_good(once(
        &request(&['a', 'b', 'c']),
        &rollout(3),
        &pods
    )));
}

#[test]
fn an_old_pod_is_named_with_its_controller() {
    let pods = [running("new", "v2", 'a'), running("old", "v1", 'e')];
    let status = once(&request(&['a']), &rollout(1), &pods);
    not_yet(
        status,
        OLD_PODS,
        "1 of 2 pods are old; old (ReplicaSet dex-of-v1) runs ghcr.io/data-literate/dex:v1",
    );
}

#[test]
fn a_terminating_old_pod_counts_unless_ignored() {
    let pods = [
        running("new", "v2", 'a'),
        terminating(running("old", "v1", 'e')),
    ];
    not_yet(
        once(&request(&['a']), &rollout(1), &pods),
        OLD_PODS,
        "old is still terminating",
    );
    let ignoring = Request {
        ignore_terminating: true,
        ..request(&['a'])
    };
    assert!(is_good(once(&ignoring, &rollout(1), &pods)));
}

#[test]
fn a_finalizer_that_keeps_a_pod_is_named() {
    let stuck = Pod {
        finalizers: vec!["example.org/drain".to_owned()],
        ..terminating(running("old", "v1", 'e'))
    };
    let status = once(
        &request(&['a']),
        &rollout(1),
        &[running("new", "v2", 'a'), stuck],
    );
    not_yet(status, OLD_PODS, "kept by the finalizer example.org/drain");
}

#[test]
fn only_old_pods_fail_an_on_delete_strategy() {
    let on_delete = Rollout {
        kind: WorkloadKind::StatefulSet,
        on_delete: true,
        updated: 0,
        ..rollout(1)
    };
    failed(
        once(&request(&['a']), &on_delete, &[running("old", "v1", 'e')]),
        ON_DELETE,
        "OnDelete",
    );
    let outdated = Pod {
        outdated: true,
        ..running("right", "v2", 'a')
    };
    assert!(
        is_good(once(&request(&['a']), &on_delete, &[outdated])),
        "another template, but with the image"
    );
    let partitioned = Rollout {
        on_delete: false,
        partition: 1,
        ..on_delete
    };
    failed(
        once(&request(&['a']), &partitioned, &[running("old", "v1", 'e')]),
        PARTITIONED,
        "partition 1",
    );
}

#[test]
fn an_injected_proxy_does_not_count() {
    let mut pod = running("a", "v2", 'a');
    let proxy = Container {
        image: "docker.io/istio/proxyv2:1.20".to_owned(),
        ..pod.containers[0].clone()
    };
    pod.containers.push(Container {
        image_id: digest('f'),
        ..proxy
    });
    assert!(is_good(once(&request(&['a']), &rollout(1), &[pod])));
}

#[test]
fn more_pods_than_wanted_are_good() {
    let pods = [running("a", "v2", 'a'), running("b", "v2", 'a')];
    assert!(is_good(once(&request(&['a']), &rollout(1), &pods)));
    not_yet(
        once(&request(&['a']), &rollout(3), &pods),
        NOT_READY,
        "2 of 3 pods exist",
    );
    let fewer = [
        running("a", "v2", 'a'),
        terminating(running("b", "v2", 'a')),
    ];
    assert!(
        is_good(once(&request(&['a']), &rollout(1), &fewer)),
        "a new pod may be deleted when fewer are wanted"
    );
}

#[test]
fn a_completed_pod_does_not_count() {
    let ended = Pod {
        phase: PodPhase::Succeeded,
        ..running("job", "v1", 'e')
    };
    assert!(is_good(once(
        &request(&['a']),
        &rollout(1),
        &[running("a", "v2", 'a'), ended]
    )));
}

#[test]
fn scaled_to_zero_fails_unless_allowed() {
    failed(
        once(&request(&['a']), &rollout(0), &[]),
        NO_PODS,
        "scaled to zero",
    );
    let allowing = Request {
        allow_zero: true,
        ..request(&['a'])
    };
    assert!(is_good(once(&allowing, &rollout(0), &[])));
    let other = Rollout {
        images: vec![image("v1")],
        ..rollout(0)
    };
    not_yet(
        once(&allowing, &other, &[]),
        OLD_PODS,
        "its template has ghcr.io/data-literate/dex:v1",
    );
}

#[test]
fn a_second_container_with_an_old_tag_fails() {
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
    failed(
        once(&request(&['a']), &template, &[pod]),
        OLD_PODS,
        "dex:v1 as well (container worker)",
    );
}

#[test]
fn another_digest_is_reported_with_its_node() {
    let pods = [running("a", "v2", 'a'), running("b", "v2", 'e')];
    failed(
        once(&request(&['a']), &rollout(2), &pods),
        MIXED_DIGESTS,
        "node-1 has sha256:eeee",
    );
    failed(
        once(&request(&[]), &rollout(2), &pods),
        MIXED_DIGESTS,
        "under the wanted tag",
    );
    assert!(is_good(once(&request(&['a', 'e']), &rollout(2), &pods)));
    let rolling = Rollout {
        updated: 1,
        ..rollout(2)
    };
    not_yet(
        once(&request(&['a']), &rolling, &pods),
        OLD_PODS,
        "1 of 2 pods are old",
    );
}

#[test]
fn an_older_template_counts_even_with_the_image() {
    let outdated = Pod {
        outdated: true,
        ..running("b", "v2", 'a')
    };
    let status = once(
        &request(&['a']),
        &rollout(1),
        &[running("a", "v2", 'a'), outdated],
    );
    not_yet(
        status,
        OLD_PODS,
        "b (ReplicaSet dex-of-v2) has an older template",
    );
}

#[test]
fn an_old_pods_failure_does_not_count() {
    let mut old = waiting("old", "CrashLoopBackOff", "back-off 10s");
    old.containers[0].image = image("v1");
    not_yet(once(&request(&['a']), &rollout(1), &[old]), OLD_PODS, "old");
    failed(
        once(
            &request(&['a']),
            &rollout(1),
            &[waiting("new", "CrashLoopBackOff", "")],
        ),
        CRASH_LOOP,
        "crashed",
    );
}

#[test]
fn a_pod_that_is_not_ready_says_why() {
    let says = |pod: Pod, words: &str| {
        let status = once(&request(&['a']), &rollout(1), &[pod]);
        not_yet(status, NOT_READY, words);
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

#[test]
fn a_pod_without_a_working_node_says_so() {
    let says = |reason, pod: Pod, words: &str| {
        let status = once(&request(&['a']), &rollout(1), &[pod]);
        not_yet(status, reason, words);
    };
    let unplaced = Pod {
        node: None,
        ..waiting("a", "", "")
    };
    says(NOT_READY, unplaced, "a: no scheduler has placed it yet");
    let lost = Pod {
        phase: PodPhase::Unknown,
        conditions: Vec::new(),
        ..running("a", "v2", 'a')
    };
    says(NODE_LOST, lost, "its node node-1 does not answer");
    let mut forgotten = running("a", "v2", 'a');
    forgotten.conditions[0].is_true = false;
    says(NODE_LOST, forgotten, "a: its node node-1 does not answer");
    let reserved = waiting(
        "a",
        "CreateContainerError",
        "failed to reserve container name",
    );
    says(
        NAME_RESERVED,
        reserved,
        "a on node-1: container dex waits: CreateContainerError",
    );
}

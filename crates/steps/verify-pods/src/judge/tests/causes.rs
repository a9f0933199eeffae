//! The cause in the first line, and what neither a pass nor a refusal may rest on.

use super::*;

#[test]
fn unknown_bytes_do_not_run_a_digest() {
    let mut silent = running("b", "v2", 'a');
    silent.containers[0].image_id = String::new();
    let pods = [running("a", "v2", 'a'), silent];
    not_yet(
        once(&request(&['a']), &rollout(2), &pods),
        UNKNOWN_DIGEST,
        "b is ready, but node-1 does not tell which bytes it runs",
    );
    assert!(
        is_good(once(&request(&[]), &rollout(2), &pods)),
        "the tag decides"
    );
}

#[test]
fn a_workload_has_to_say_that_it_is_available() {
    let pods = [running("a", "v2", 'a')];
    let unavailable = Rollout {
        available: Some(0),
        min_ready_seconds: 120,
        ..rollout(1)
    };
    not_yet(
        once(&request(&['a']), &unavailable, &pods),
        NOT_AVAILABLE,
        "all pods are ready, but the deployment counts 0 of 1 as available \
         (`minReadySeconds` is 120)",
    );
    let available = Rollout {
        available: Some(1),
        ..unavailable
    };
    assert!(is_good(once(&request(&['a']), &available, &pods)));
}

#[test]
fn a_container_of_another_image_is_not_the_change() {
    let mut pod = running("a", "v2", 'a');
    let proxy = Container {
        name: "istio-proxy".to_owned(),
        image: "docker.io/istio/proxyv2:1.20".to_owned(),
        ..waiting("a", "CrashLoopBackOff", "").containers[0].clone()
    };
    pod.containers.push(proxy);
    failed(
        once(&request(&['a']), &rollout(1), &[pod]),
        SIDECAR,
        "container istio-proxy: crashed",
    );
}

#[test]
fn a_failed_creation_is_named_while_it_may_pass() {
    let words = "failed calling webhook \"mesh\": no endpoints available";
    let blocked = Rollout {
        replica_failure: Some(words.to_owned()),
        ..rollout(2)
    };
    not_yet(
        after(100, &request(&['a']), &blocked, &[]),
        CREATE_FAILED,
        "0 of 2 pods exist, 0 ready; pods cannot be created: failed calling webhook",
    );
}

#[test]
fn a_stuck_pod_of_a_stateful_set_is_named() {
    let mut stuck = waiting("db-2", "ImagePullBackOff", "vbad: not found");
    stuck.containers[0].image = image("vbad");
    stuck.outdated = true;
    let healthy = Pod {
        outdated: true,
        ..running("db-0", "v1", 'e')
    };
    let set = Rollout {
        kind: WorkloadKind::StatefulSet,
        ordered: true,
        updated: 0,
        ..rollout(2)
    };
    let pods = [healthy, stuck];
    failed(
        once(&request(&['a']), &set, &pods),
        STUCK_POD,
        "the StatefulSet waits for this pod of an older template, which cannot become ready; \
         delete it (container dex: cannot pull",
    );
    let parallel = Rollout {
        ordered: false,
        ..set
    };
    not_yet(
        once(&request(&['a']), &parallel, &pods),
        OLD_PODS,
        "2 of 2 pods are old",
    );
}

#[test]
fn a_pod_that_hangs_on_a_lost_node_is_named() {
    let mut lost = terminating(running("db-1", "v2", 'a'));
    lost.conditions[0].is_true = false;
    not_yet(
        once(
            &request(&['a']),
            &rollout(2),
            &[running("db-0", "v2", 'a'), lost.clone()],
        ),
        NODE_LOST,
        "1 of 2 pods exist, 1 ready; db-1 is still terminating: its node node-1 does not answer",
    );
    lost.containers = running("db-1", "v1", 'e').containers;
    not_yet(
        once(
            &request(&['a']),
            &rollout(1),
            &[running("db-0", "v2", 'a'), lost],
        ),
        NODE_LOST,
        "db-1 is still terminating: its node node-1 does not answer",
    );
}

/// Judges the last of some observations, one second apart.
fn at_last(request: &Request, rollout: &Rollout, frames: &[Vec<Pod>]) -> WorkloadStatus {
    let mut history = WorkloadHistory::default();
    let mut status = None;
    for (second, pods) in (0..).zip(frames) {
        history.observe(rollout, pods, Duration::from_secs(second));
        let judged = workload::judge(request, rollout, pods, &history);
        history.remember(judged.is_good());
        status = Some(soak(request, judged, &history));
    }
    status.unwrap()
}

fn evicted(name: &str) -> Pod {
    Pod {
        phase: PodPhase::Failed,
        reason: "Evicted".to_owned(),
        message: "Usage of EmptyDir volume \"cache\" exceeds the limit \"1Gi\". ".to_owned(),
        ..running(name, "v2", 'a')
    }
}

#[test]
fn repeated_evictions_by_the_own_limit_fail() {
    let request = request(&['a']);
    let good = vec![running("a", "v2", 'a')];
    let once = vec![evicted("a")];
    let frames = [good, once];
    not_yet(
        at_last(&request, &rollout(1), &frames),
        NOT_READY,
        "0 of 1 pods exist, 0 ready; a was given up by node-1 (Evicted: Usage of EmptyDir",
    );
    let [good, once] = frames;
    let again = vec![evicted("a"), evicted("b")];
    failed(
        at_last(&request, &rollout(1), &[good, once, again]),
        EVICTED,
        "Evicted: Usage of EmptyDir volume",
    );
}

#[test]
fn a_replaced_pod_starts_the_soak_again() {
    let request = Request {
        soak: Duration::from_secs(2),
        ..request(&['a'])
    };
    let (old, new) = (vec![running("a", "v2", 'a')], vec![running("b", "v2", 'a')]);
    let steady = [old.clone(), old.clone(), old.clone()];
    let status = at_last(&request, &rollout(1), &steady);
    assert!(matches!(status, WorkloadStatus::Verified(_)), "{status:?}");
    let replaced = [old.clone(), old, new];
    let status = at_last(&request, &rollout(1), &replaced);
    assert!(
        matches!(&status, WorkloadStatus::Soaking(RESTARTED, text) if text.starts_with("b ")),
        "{status:?}"
    );
}

#[test]
fn events_of_a_pod_in_creation_tell_the_cause() {
    let judged = |reason: &str, message: &str| {
        let mut observation = Observation::default();
        let event = kubernetes::ClusterEvent {
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..kubernetes::ClusterEvent::default()
        };
        let key = ("dex-prod".to_owned(), "a".to_owned());
        observation.events.insert(key, vec![event]);
        let request = request(&['a']);
        let state = NamespaceState {
            name: "dex-prod".to_owned(),
            workloads: vec![WorkloadState {
                rollout: rollout(1),
                pods: Rc::from([waiting("a", "ContainerCreating", "")]),
            }],
            strangers: Vec::new(),
            unread: Vec::new(),
        };
        observation.update(&request, vec![state], Duration::ZERO);
        let judgement = super::super::judge(&request, &observation);
        judgement.worst().unwrap().status.clone()
    };
    not_yet(
        judged("FailedCreatePodSandBox", "no free address"),
        SANDBOX,
        "a: container dex waits: ContainerCreating; FailedCreatePodSandBox: no free address",
    );
    not_yet(judged("Pulling", "image"), NOT_READY, "; a pulls its image");
}

/// Judges one namespace with a good Deployment and a pod of no known workload.
fn with_stranger(stranger: Pod, workloads: &[&str]) -> Judgement {
    let request = Request {
        workloads: workloads.iter().map(|name| name.parse().unwrap()).collect(),
        soak: Duration::ZERO,
        ..request(&['a'])
    };
    let state = NamespaceState {
        name: "dex-prod".to_owned(),
        workloads: vec![WorkloadState {
            rollout: rollout(1),
            pods: Rc::from([running("a", "v2", 'a')]),
        }],
        strangers: vec![stranger],
        unread: Vec::new(),
    };
    let mut observation = Observation::default();
    observation.update(&request, vec![state], Duration::ZERO);
    super::super::judge(&request, &observation)
}

fn owned_by(kind: &str, pod: Pod) -> Pod {
    let name = "canary".to_owned();
    let owner = Some(Owner {
        kind: kind.to_owned(),
        name,
    });
    Pod { owner, ..pod }
}

#[test]
fn a_pod_of_no_known_workload_counts() {
    let old = || running("canary-1", "v1", 'e');
    let judgement = with_stranger(owned_by("Rollout", old()), &[]);
    let WorkloadStatus::NotYet(OLD_PODS, text) = &judgement.worst().unwrap().status else {
        panic!("{judgement:?}");
    };
    let image = image("v1");
    assert_eq!(
        *text,
        format!(
            "canary-1 (Rollout canary) runs {image}, and belongs to no workload of a kind \
                 that this step finds by itself"
        )
    );
    let ignored = [
        with_stranger(owned_by("Rollout", old()), &["deployment/dex"]),
        with_stranger(owned_by("Rollout", running("canary-1", "v2", 'a')), &[]),
        with_stranger(owned_by("Job", old()), &[]),
        with_stranger(terminating(old()), &[]),
        with_stranger(
            Pod {
                phase: PodPhase::Succeeded,
                ..old()
            },
            &[],
        ),
    ];
    for judgement in ignored {
        assert!(judgement.is_verified(), "{judgement:?}");
    }
}

#[test]
fn an_unready_pod_of_no_known_workload_counts() {
    let mut unready = running("canary-1", "v2", 'a');
    unready.conditions.clear();
    let judgement = with_stranger(owned_by("Rollout", unready.clone()), &[]);
    let WorkloadStatus::NotYet(NOT_READY, text) = &judgement.worst().unwrap().status else {
        panic!("{judgement:?}");
    };
    assert!(
        text.starts_with("canary-1 (Rollout canary) is not ready"),
        "{text}"
    );
    let by_hand = Pod {
        owner: None,
        ..unready
    };
    assert!(with_stranger(by_hand, &[]).is_verified());
}

#[test]
fn a_crash_that_the_old_version_shares_is_not_the_changes() {
    let crashing = |name: &str, tag: &str| {
        let mut pod = waiting(name, "CrashLoopBackOff", "back-off 10s");
        pod.containers[0].image = image(tag);
        pod.containers[0].restarts = 3;
        pod.outdated = tag == "v1";
        pod
    };
    let reason = |pods: &[Pod]| match after(1, &request(&[]), &rollout(2), pods) {
        WorkloadStatus::Failed(failure) => failure.cause.reason,
        other => panic!("{other:?}"),
    };
    let new = || crashing("b", "v2");
    assert_eq!(reason(&[running("a", "v1", 'e'), new()]), CRASH_LOOP);
    assert_eq!(reason(&[crashing("a", "v1"), new()]), CRASHED_BEFORE);
    let leaving = terminating(crashing("a", "v1"));
    assert_eq!(reason(&[leaving, new()]), CRASH_LOOP);
}

#[test]
fn a_workload_without_pods_names_the_pod_of_another_kind() {
    let request = request(&['a']);
    let state = |strangers| NamespaceState {
        name: "dex-prod".to_owned(),
        workloads: vec![WorkloadState {
            rollout: rollout(0),
            pods: Rc::from([]),
        }],
        strangers,
        unread: Vec::new(),
    };
    let text = |strangers| {
        let mut observation = Observation::default();
        observation.update(&request, vec![state(strangers)], Duration::ZERO);
        let judgement = super::super::judge(&request, &observation);
        match &judgement.worst().unwrap().status {
            WorkloadStatus::Failed(failure) => failure.cause.text.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text(Vec::new()), "it is scaled to zero");
    let job = owned_by("Job", running("import-1", "v2", 'a'));
    assert_eq!(text(vec![job]), "it is scaled to zero");
    let canary = owned_by("Rollout", running("canary-1", "v2", 'a'));
    let found = text(vec![canary]);
    assert!(
        found.starts_with("it is scaled to zero; canary-1 (Rollout canary) runs "),
        "{found}"
    );
}

//! Rollouts whose controller is late, fails or has given up.

use super::*;

#[test]
fn an_unobserved_change_is_not_judged() {
    let unseen = Rollout {
        observed: false,
        ..rollout(1)
    };
    not_yet(
        once(&request(&['a']), &unseen, &[running("a", "v2", 'a')]),
        NOT_READY,
        "has not observed",
    );
    not_yet(
        once(
            &request(&['a']),
            &unseen,
            &[waiting("a", "InvalidImageName", "")],
        ),
        NOT_READY,
        "has not observed",
    );
    let paused = Rollout {
        paused: true,
        ..unseen
    };
    failed(once(&request(&['a']), &paused, &[]), PAUSED, "paused");
}

#[test]
fn a_failed_create_fails_after_its_grace_period() {
    let failing = Rollout {
        replica_failure: Some("pods \"dex-5\" is forbidden: violates PodSecurity".to_owned()),
        ..rollout(1)
    };
    not_yet(
        after(9, &request(&['a']), &failing, &[]),
        CREATE_FAILED,
        "0 of 1 pods exist, 0 ready; pods cannot be created: pods \"dex-5\" is forbidden",
    );
    failed(
        after(10, &request(&['a']), &failing, &[]),
        CLUSTER_POLICY,
        "violates PodSecurity",
    );
    let new = Rollout {
        previous: PreviousTemplate::None,
        ..failing.clone()
    };
    failed(
        after(10, &request(&['a']), &new, &[]),
        ADMISSION,
        "violates PodSecurity",
    );
    let other = Rollout {
        images: vec![image("v1")],
        ..failing
    };
    not_yet(
        after(10, &request(&['a']), &other, &[]),
        OLD_PODS,
        "its template has",
    );
}

#[test]
fn a_stalled_rollout_reports_its_pods_first() {
    let stalled = Rollout {
        stalled: Some("ReplicaSet has timed out progressing.".to_owned()),
        ..rollout(1)
    };
    let limited = waiting("a", "ImagePullBackOff", "429 Too Many Requests");
    failed(
        once(&request(&['a']), &stalled, &[limited]),
        IMAGE_PULL,
        "429",
    );
    let starting = waiting("a", "ContainerCreating", "");
    failed(
        once(&request(&['a']), &stalled, &[starting]),
        NOT_READY,
        "the rollout is stuck",
    );
    let other = Rollout {
        images: vec![image("v1")],
        ..stalled
    };
    not_yet(
        once(&request(&['a']), &other, &[running("a", "v1", 'e')]),
        OLD_PODS,
        "1 of 1 pods are old",
    );
}

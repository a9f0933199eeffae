//! Questions that lists and watches do not answer, and the judgement that follows from the answers.

use std::collections::BTreeMap;

use kubernetes::ClusterEvent;

use super::*;
use crate::reasons::{UNSCHEDULABLE, VOLUME};

/// Observes these workloads at these seconds.
fn observed(request: &Request, workload: Option<(&Rollout, &[Pod])>, until: u64) -> Observation {
    let mut observation = Observation::default();
    for second in 0..=until {
        let workloads = workload.into_iter().map(|(rollout, pods)| WorkloadState {
            rollout: rollout.clone(),
            pods: pods.into(),
        });
        let namespace = NamespaceState {
            name: "dex-prod".to_owned(),
            workloads: workloads.collect(),
            strangers: Vec::new(),
            unread: Vec::new(),
        };
        observation.update(request, vec![namespace], Duration::from_secs(second));
    }
    observation
}

fn event(reason: &str, message: &str) -> ClusterEvent {
    ClusterEvent {
        reason: reason.to_owned(),
        message: message.to_owned(),
        ..ClusterEvent::default()
    }
}

/// Adds the events of an object.
fn with_events(observation: &mut Observation, object: &str, event: ClusterEvent) {
    let key = ("dex-prod".to_owned(), object.to_owned());
    observation.events = BTreeMap::from([(key, vec![event])]);
}

/// Returns the only workload.
fn only(request: &Request, observation: &Observation) -> WorkloadJudgement {
    let mut workloads = judge(request, observation).workloads;
    assert_eq!(workloads.len(), 1);
    workloads.remove(0)
}

#[test]
fn a_missing_namespace_fails() {
    let request = request(&['a']);
    let mut observation = observed(&request, None, 1);
    let judged = only(&request, &observation);
    assert_eq!(judged.inquiry, Some(Inquiry::Namespace));
    not_yet(judged.status, NO_PODS, "no pod runs");
    observation.missing_namespaces.insert("dex-prod".to_owned());
    let judged = only(&request, &observation);
    failed(judged.status, NO_PODS, "there is no namespace dex-prod");
}

#[test]
fn a_stuck_pod_fails_with_its_mount_event() {
    let (request, rollout) = (request(&['a']), rollout(1));
    let pods = [waiting("a", "ContainerCreating", "")];
    let early = observed(&request, Some((&rollout, &pods)), 59);
    assert_eq!(only(&request, &early).inquiry, None);
    let mut late = observed(&request, Some((&rollout, &pods)), 60);
    let asked = only(&request, &late).inquiry;
    assert_eq!(asked, Some(Inquiry::Events("a".to_owned())));
    with_events(&mut late, "a", event("FailedMount", "secret not found"));
    failed(only(&request, &late).status, VOLUME, "secret not found");
}

#[test]
fn only_the_last_create_event_counts() {
    let request = request(&['a']);
    let rollout = Rollout {
        kind: WorkloadKind::StatefulSet,
        ..rollout(1)
    };
    let mut observation = observed(&request, Some((&rollout, &[])), 10);
    let asked = only(&request, &observation).inquiry;
    assert_eq!(asked, Some(Inquiry::Events("dex".to_owned())));
    let forbidden = event("FailedCreate", "pods \"dex-0\" is forbidden");
    with_events(&mut observation, "dex", forbidden);
    failed(
        only(&request, &observation).status,
        CLUSTER_POLICY,
        "forbidden",
    );
    let events = observation.events.values_mut().next().unwrap();
    events.push(event("SuccessfulCreate", ""));
    not_yet(only(&request, &observation).status, NOT_READY, "0 of 1");
}

#[test]
fn a_scale_up_extends_the_grace_period() {
    let (request, rollout) = (request(&['a']), rollout(1));
    let scheduled = PodCondition {
        kind: "PodScheduled".to_owned(),
        is_true: false,
        reason: "Unschedulable".to_owned(),
        message: "Insufficient cpu".to_owned(),
    };
    let pods = [Pod {
        conditions: vec![scheduled],
        node: None,
        ..waiting("a", "", "")
    }];
    let judged = |seconds, event: Option<&str>| {
        let mut observation = observed(&request, Some((&rollout, &pods)), seconds);
        if let Some(reason) = event {
            with_events(&mut observation, "a", self::event(reason, ""));
        }
        only(&request, &observation)
    };
    let asked = judged(60, None);
    assert_eq!(asked.inquiry, Some(Inquiry::Autoscaler("a".to_owned())));
    failed(asked.status, UNSCHEDULABLE, "Insufficient cpu");
    let adding = judged(60, Some("TriggeredScaleUp"));
    not_yet(adding.status, NOT_READY, "waits for a node");
    let late = judged(300, Some("TriggeredScaleUp"));
    failed(late.status, UNSCHEDULABLE, "Insufficient cpu");
}

//! What lists and watches do not tell: which question may change a judgement, and what the answer
//! means.

use contract::Reason;
use kubernetes::ClusterEvent;
use pods::{
    ObjectEvent, Pod, PodHistory, Unrecoverable, failed_create, failed_creation, no_new_node,
    waits_for_new_node,
};

use super::status::{PodFailure, WorkloadStatus};
use crate::{
    Request,
    observe::{Observation, WorkloadHistory},
    reasons::{CREATE_FAILED, NO_PODS, NOT_READY, UNSCHEDULABLE},
};

/// A question whose answer may change the judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Inquiry {
    /// Does the namespace exist?
    Namespace,
    /// Which events has this object, a pod or a controller?
    Events(String),
    /// Does an autoscaler add a node for this pod?
    Autoscaler(String),
}

/// A workload, and everything that decides about its questions.
pub(super) struct WorkloadInquiry<'a> {
    pub(super) request: &'a Request,
    pub(super) observation: &'a Observation,
    pub(super) namespace: &'a str,
    pub(super) title: &'a str,
    pub(super) pods: &'a [Pod],
    /// `None` for a workload that was never observed.
    pub(super) history: Option<&'a WorkloadHistory>,
}

impl WorkloadInquiry<'_> {
    /// Returns the question whose answer may change the status.
    pub(super) fn question(&self, status: &WorkloadStatus) -> Option<Inquiry> {
        match status {
            WorkloadStatus::NotYet(NO_PODS, _) => Some(Inquiry::Namespace),
            WorkloadStatus::NotYet(..) => self.suspect().map(Inquiry::Events),
            WorkloadStatus::Failed(PodFailure {
                pod: Some(pod),
                cause,
            }) if cause.reason == UNSCHEDULABLE => Some(Inquiry::Autoscaler(pod.clone())),
            _ => None,
        }
    }

    /// Returns the status that follows from the answers so far.
    pub(super) fn answered(&self, status: WorkloadStatus) -> WorkloadStatus {
        let status = match status {
            WorkloadStatus::Failed(failure) if self.waits_for_node(&failure) => {
                let pod = failure.pod.unwrap_or_default();
                let text = format!("{pod} waits for a node that an autoscaler is adding");
                WorkloadStatus::NotYet(NOT_READY, text)
            }
            status => status,
        };
        match self.failure(&status) {
            Some(failure) => failure.into(),
            None => self.explained(status),
        }
    }

    /// Adds to a status what events tell about it.
    fn explained(&self, status: WorkloadStatus) -> WorkloadStatus {
        match status {
            WorkloadStatus::NotYet(NOT_READY, text) => {
                let why = self.why_no_pods().or_else(|| self.why_in_creation());
                match why {
                    Some((reason, why)) => WorkloadStatus::NotYet(reason, format!("{text}; {why}")),
                    None => WorkloadStatus::NotYet(NOT_READY, text),
                }
            }
            WorkloadStatus::Failed(mut failure) if failure.cause.reason == UNSCHEDULABLE => {
                let pod = self
                    .pods
                    .iter()
                    .find(|pod| Some(&pod.name) == failure.pod.as_ref());
                let events = pod.map(|pod| self.events_of_pod(pod)).unwrap_or_default();
                if let Some(why) = no_new_node(&events) {
                    failure.cause.text += &format!("; the autoscaler adds no node: {why}");
                }
                failure.into()
            }
            status => status,
        }
    }

    /// Returns why a controller without a condition of its own creates no pods, as long as that may
    /// pass.
    fn why_no_pods(&self) -> Option<(Reason, String)> {
        let events = self.events(self.controller_without_pods()?);
        let message = &last_failed_create(&events)?.message;
        let text = format!("pods cannot be created: {}", message.trim());
        Some((CREATE_FAILED, text))
    }

    /// Returns what keeps the containers of a pod from being created, as long as that may pass.
    fn why_in_creation(&self) -> Option<(Reason, String)> {
        let is_meant = |pod: &&Pod| pod.is_being_created() && !pod.is_terminating();
        let mut pods = self.pods.iter().filter(is_meant);
        pods.find_map(|pod| {
            let events = self.events_of_pod(pod);
            if let Some(cause) = failed_creation(&events) {
                return Some((cause.reason, cause.text));
            }
            let is_pulling = events.last().is_some_and(|event| event.reason == "Pulling");
            is_pulling.then(|| (NOT_READY, format!("{} pulls its image", pod.name)))
        })
    }

    fn failure(&self, status: &WorkloadStatus) -> Option<PodFailure> {
        match status {
            WorkloadStatus::NotYet(NO_PODS, _) => {
                let is_missing = self.observation.missing_namespaces.contains(self.namespace);
                let text = format!("there is no namespace {}", self.namespace);
                is_missing.then(|| PodFailure::of_workload(NO_PODS, text))
            }
            WorkloadStatus::NotYet(..) => self.failure_of_suspect(),
            _ => None,
        }
    }

    fn failure_of_suspect(&self) -> Option<PodFailure> {
        if let Some(pod) = self.stuck_pod() {
            let cause = failed_creation(&self.events_of_pod(pod))?;
            let pod = Some(pod.name.clone());
            return Some(PodFailure { pod, cause });
        }
        let cause = create_failure(&self.events(self.controller_without_pods()?))?;
        Some(PodFailure { pod: None, cause })
    }

    /// Returns the object whose events may tell why the workload makes no progress.
    fn suspect(&self) -> Option<String> {
        match self.stuck_pod() {
            Some(pod) => Some(pod.name.clone()),
            None => self.controller_without_pods().map(str::to_owned),
        }
    }

    /// Returns a pod whose containers are not created within the schedule grace period: its volumes
    /// or the network fail.
    fn stuck_pod(&self) -> Option<&Pod> {
        let history = self.history?;
        self.pods.iter().find(|pod| {
            let is_stuck = history
                .of(pod)
                .is_some_and(|history| history.creating() >= self.request.grace.schedule);
            is_stuck && self.request.is_new(pod) && !pod.outdated && !pod.is_terminating()
        })
    }

    /// Returns the name of a controller whose pods are missing for too long. A Deployment has a
    /// condition that tells why; the other kinds tell it only by events.
    fn controller_without_pods(&self) -> Option<&str> {
        let is_late = self.history?.missing_for() >= self.request.grace.config;
        let (kind, name) = self.title.split_once('/')?;
        (is_late && kind != "deployment").then_some(name)
    }

    fn waits_for_node(&self, failure: &PodFailure) -> bool {
        let Some(name) = failure.pod.as_ref() else {
            return false;
        };
        let pod = self.pods.iter().find(|pod| pod.name == *name);
        let history = pod.zip(self.history);
        let history: Option<&PodHistory> = history.and_then(|(pod, history)| history.of(pod));
        let grace = &self.request.grace;
        let events = pod.map(|pod| self.events_of_pod(pod)).unwrap_or_default();
        failure.cause.reason == UNSCHEDULABLE
            && history.is_some_and(|history| waits_for_new_node(history, grace, &events))
    }

    /// Returns the events of a pod, not those of an earlier pod with its name.
    fn events_of_pod(&self, pod: &Pod) -> Vec<ObjectEvent> {
        let events = self.observation.events_of(self.namespace, &pod.name).iter();
        let own = events.filter(|event| {
            let uid = &event.involved_object.uid;
            uid.is_empty() || *uid == pod.id
        });
        own.map(object_event).collect()
    }

    fn events(&self, object: &str) -> Vec<ObjectEvent> {
        let events = self.observation.events_of(self.namespace, object);
        events.iter().map(object_event).collect()
    }
}

fn object_event(event: &ClusterEvent) -> ObjectEvent {
    ObjectEvent {
        reason: event.reason.clone(),
        message: event.message.clone(),
    }
}

fn create_failure(events: &[ObjectEvent]) -> Option<Unrecoverable> {
    failed_create(&last_failed_create(events)?.message)
}

/// Events stay for an hour, so a failure that a success follows is over.
fn last_failed_create(events: &[ObjectEvent]) -> Option<&ObjectEvent> {
    let mut newest_first = events.iter().rev();
    let last = newest_first.find(|event| event.reason.ends_with("Create"))?;
    (last.reason == "FailedCreate").then_some(last)
}

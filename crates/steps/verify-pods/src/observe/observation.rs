//! The state of the namespaces at one moment, and what lasts from the moments before.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use kubernetes::ClusterEvent;
use pods::{Pod, Rollout};

use super::history::WorkloadHistory;
use crate::Request;

/// Everything that the step knows at one moment.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    /// The time since the start of the run.
    pub(crate) at: Duration,
    /// The namespaces, in the order of the request.
    pub(crate) namespaces: Vec<NamespaceState>,
    /// The history of each workload, by its key.
    pub(crate) histories: BTreeMap<String, WorkloadHistory>,
    /// Since when each missing workload has been missing, by its key.
    pub(crate) missing: BTreeMap<String, Duration>,
    /// The namespaces that do not exist.
    pub(crate) missing_namespaces: BTreeSet<String>,
    /// The events that were read, by namespace and object.
    pub(crate) events: BTreeMap<(String, String), Vec<ClusterEvent>>,
    /// What explains the final judgement.
    pub(crate) diagnosis: Diagnosis,
}

/// The requested workloads of one namespace.
#[derive(Debug)]
pub(crate) struct NamespaceState {
    pub(crate) name: String,
    pub(crate) workloads: Vec<WorkloadState>,
    /// The pods of no known workload: made by hand, by a Job, by another controller.
    pub(crate) strangers: Vec<Pod>,
    /// The requested workloads whose own status cannot be read: only their pods count.
    pub(crate) unread: Vec<String>,
}

/// One workload and its pods.
#[derive(Debug)]
pub(crate) struct WorkloadState {
    pub(crate) rollout: Rollout,
    pub(crate) pods: Rc<[Pod]>,
}

/// The events and the log that explain a judgement.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diagnosis {
    pub(crate) events: Vec<ClusterEvent>,
    pub(crate) log: Option<ContainerLog>,
}

/// The end of a container's log, without secrets.
#[derive(Debug, Clone)]
pub(crate) struct ContainerLog {
    pub(crate) container: String,
    /// Whether it is the log of the run before the last restart.
    pub(crate) is_previous: bool,
    pub(crate) lines: Vec<String>,
}

impl Observation {
    /// Replaces the state of the namespaces, and extends the histories.
    pub(crate) fn update(
        &mut self,
        request: &Request,
        namespaces: Vec<NamespaceState>,
        at: Duration,
    ) {
        self.at = at;
        for namespace in &namespaces {
            self.update_namespace(request, namespace);
        }
        self.namespaces = namespaces;
    }

    fn update_namespace(&mut self, request: &Request, namespace: &NamespaceState) {
        for workload in &namespace.workloads {
            let key = key(&namespace.name, &workload.rollout.title());
            if request.is_of_image(&workload.rollout) {
                self.missing.remove(&key);
                let history = self.histories.entry(key).or_default();
                history.observe(&workload.rollout, &workload.pods, self.at);
            } else {
                self.missing.entry(key).or_insert(self.at);
            }
        }
        for title in request.missing(&namespace.titles()) {
            let key = key(&namespace.name, &title);
            self.missing.entry(key).or_insert(self.at);
        }
    }

    /// Returns for how long a workload has been missing.
    pub(crate) fn missing_for(&self, key: &str) -> Duration {
        self.missing
            .get(key)
            .map_or(Duration::ZERO, |since| self.at.saturating_sub(*since))
    }

    /// Returns the events of an object that were read so far.
    pub(crate) fn events_of(&self, namespace: &str, object: &str) -> &[ClusterEvent] {
        self.events
            .get(&(namespace.to_owned(), object.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}

impl NamespaceState {
    /// Returns the titles of the workloads.
    pub(crate) fn titles(&self) -> BTreeSet<String> {
        let workloads = self.workloads.iter();
        workloads.map(|workload| workload.rollout.title()).collect()
    }
}

/// Returns the key of a workload: `dex-prod/deployment/dex`.
pub(crate) fn key(namespace: &str, title: &str) -> String {
    format!("{namespace}/{title}")
}

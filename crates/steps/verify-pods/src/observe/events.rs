//! Asks what lists and watches do not tell: the events of suspicious objects, and whether a
//! namespace exists.

use std::{collections::BTreeMap, time::Duration};

use contract::World;
use kubernetes::Cluster;

use super::{Observation, diagnose};
use crate::judge::{Inquiry, Judgement, WorkloadJudgement};

/// How often to read the events of an object that stays suspicious.
const EVENTS_INTERVAL: Duration = Duration::from_secs(15);

/// Asks the questions of a judgement.
pub(super) struct Inquirer<'a> {
    cluster: &'a Cluster<'a>,
    world: &'a World,
    /// When each object was asked about last.
    asked: BTreeMap<String, Duration>,
}

impl<'a> Inquirer<'a> {
    pub(super) fn new(cluster: &'a Cluster<'a>, world: &'a World) -> Self {
        Self {
            cluster,
            world,
            asked: BTreeMap::new(),
        }
    }

    /// Asks the questions of a judgement, each at most now and then. Returns whether the answers
    /// may change the judgement.
    pub(super) async fn ask(
        &mut self,
        judgement: &Judgement,
        observation: &mut Observation,
    ) -> bool {
        let mut has_news = false;
        for workload in &judgement.workloads {
            has_news |= self.ask_about(workload, observation).await;
        }
        has_news
    }

    async fn ask_about(
        &mut self,
        workload: &WorkloadJudgement,
        observation: &mut Observation,
    ) -> bool {
        let namespace = &workload.namespace;
        match &workload.inquiry {
            None => false,
            Some(Inquiry::Namespace) => self.ask_namespace(namespace, observation).await,
            Some(Inquiry::Autoscaler(pod)) => self.read_events(namespace, pod, observation).await,
            Some(Inquiry::Events(object)) => {
                let about = format!("{namespace}/{object}");
                let is_recent = self
                    .asked
                    .get(&about)
                    .is_some_and(|last| self.now().saturating_sub(*last) < EVENTS_INTERVAL);
                if is_recent {
                    return false;
                }
                self.asked.insert(about, self.now());
                self.read_events(namespace, object, observation).await
            }
        }
    }

    async fn ask_namespace(&mut self, namespace: &str, observation: &mut Observation) -> bool {
        let about = format!("namespace {namespace}");
        if self.asked.insert(about, self.now()).is_some() {
            return false;
        }
        // Without the permission to ask there is no answer, and the step waits.
        let answer = self.cluster.has_namespace(namespace).await;
        let is_missing = matches!(answer, Ok(Some(false)));
        is_missing && observation.missing_namespaces.insert(namespace.to_owned())
    }

    async fn read_events(
        &self,
        namespace: &str,
        object: &str,
        observation: &mut Observation,
    ) -> bool {
        let events = diagnose::events(self.cluster, self.world, namespace, object).await;
        let key = (namespace.to_owned(), object.to_owned());
        observation.events.insert(key, events);
        true
    }

    fn now(&self) -> Duration {
        self.world.deadline().elapsed()
    }
}

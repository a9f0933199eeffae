//! What lists and watches do not tell: events of what takes suspiciously long, and whether there is such a
//! namespace.

use std::time::Duration;

use kubernetes::Event;
use pods::{NO_PODS, Pod, UNSCHEDULABLE, Unrecoverable, failed_create, failed_mount};

use super::{Case, Run, no_pods, waits_for_a_node};
use crate::{
    diagnose,
    judge::{History, Sick, Standing},
};

/// How often events are asked for while something is suspicious.
const EVENTS: Duration = Duration::from_secs(15);
/// What autoscalers say of a pod for which they make a node: the cluster's own, and Karpenter.
const SCALING: [&str; 2] = ["TriggeredScaleUp", "Nominated"];

impl Run<'_> {
    /// Asks for what only events and the namespace itself tell, now and then.
    pub(super) async fn ask_events(&mut self, cases: &mut [Case]) {
        for case in cases {
            let key = format!("{}/{}", case.namespace, case.title);
            let changed = match &case.standing {
                Standing::NotYet(NO_PODS, _) => self.ask_namespace(&case.namespace).await,
                Standing::NotYet(..) => self.ask_suspects(case, &key).await,
                Standing::Doomed(Sick {
                    pod: Some(pod),
                    doom,
                }) if doom.reason == UNSCHEDULABLE => {
                    self.ask_autoscaler(&case.namespace, pod).await
                }
                _ => None,
            };
            if let Some(standing) = changed {
                case.standing = standing;
            }
        }
    }

    async fn ask_autoscaler(&mut self, namespace: &str, pod: &str) -> Option<Standing> {
        let events = self.events(namespace, pod).await;
        let scales = events
            .iter()
            .any(|event| SCALING.contains(&event.reason.as_str()));
        (scales && self.scaling.insert(pod.to_owned())).then(|| waits_for_a_node(pod))
    }

    async fn ask_namespace(&mut self, namespace: &str) -> Option<Standing> {
        if self
            .asked
            .insert(format!("namespace {namespace}"), self.now())
            .is_some()
        {
            return None;
        }
        // Whoever may not ask is not told, and waits.
        let there = self.cluster.has_namespace(namespace).await.ok().flatten()?;
        (!there).then(|| Standing::Doomed(no_pods(format!("there is no namespace {namespace}"))))
    }

    /// Asks for the events of what takes suspiciously long.
    async fn ask_suspects(&mut self, case: &Case, key: &str) -> Option<Standing> {
        let stuck = self.stuck(case, key);
        let object = match &stuck {
            Some(pod) => pod.clone(),
            None if self.misses_pods(case, key) => case.title.split_once('/')?.1.to_owned(),
            None => return None,
        };
        let (now, about) = (self.now(), format!("{}/{object}", case.namespace));
        if self
            .asked
            .get(&about)
            .is_some_and(|last| now.saturating_sub(*last) < EVENTS)
        {
            return None;
        }
        self.asked.insert(about, now);
        let events = self.events(&case.namespace, &object).await;
        let doom = if stuck.is_some() {
            mount_failed(&events)
        } else {
            create_failed(&events)
        };
        Some(Standing::Doomed(Sick {
            pod: stuck,
            doom: doom?,
        }))
    }

    /// Returns a pod whose containers are not created within the schedule grace: volumes, or the network.
    fn stuck(&self, case: &Case, key: &str) -> Option<String> {
        let history = self.histories.get(key)?;
        let lasts = |pod: &Pod| {
            history
                .of(pod)
                .is_some_and(|it| it.creating() >= self.args.schedule_grace)
        };
        let pod = case.pods.iter().find(|pod| {
            self.demand.is_new(pod) && !pod.outdated && !pod.is_terminating() && lasts(pod)
        })?;
        Some(pod.name.clone())
    }

    /// A Deployment's condition tells why pods cannot be created; the others only tell it by events.
    fn misses_pods(&self, case: &Case, key: &str) -> bool {
        let lasts = |history: &History| history.missing() >= self.demand.graces.config;
        self.histories.get(key).is_some_and(lasts) && !case.title.starts_with("deployment/")
    }

    async fn events(&self, namespace: &str, object: &str) -> Vec<Event> {
        diagnose::events(self.cluster, self.world, namespace, object).await
    }
}

fn mount_failed(events: &[Event]) -> Option<Unrecoverable> {
    events
        .iter()
        .rev()
        .find_map(|event| failed_mount(&event.reason, &event.message))
}

/// Events stay for an hour: one that was followed by a success is over.
fn create_failed(events: &[Event]) -> Option<Unrecoverable> {
    let last = events
        .iter()
        .rev()
        .find(|event| event.reason.ends_with("Create"))?;
    if last.reason == "FailedCreate" {
        failed_create(&last.message)
    } else {
        None
    }
}

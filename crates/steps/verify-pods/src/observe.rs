//! Everything that asks the cluster: the pods and workloads until the judgement is final, then the
//! log and the events that explain it.

mod convert;
mod diagnose;
mod events;
mod history;
mod mask;
mod observation;
mod progress;
mod watch;

use std::collections::BTreeSet;

use contract::{Failure, World};
use kubernetes::Cluster;
use pods::Owner;

pub(crate) use self::{
    history::WorkloadHistory,
    observation::{ContainerLog, Diagnosis, NamespaceState, Observation, WorkloadState, key},
};
use crate::Request;

/// Observes the workloads until the judgement is final or the deadline passes.
///
/// # Errors
/// `usage` or `denied` when there is no cluster to ask, `unavailable` or `denied` when it did not
/// answer.
pub(crate) async fn observe(request: &Request, world: &World) -> Result<Observation, Failure> {
    let cluster = Cluster::connect(world, &request.cluster).await?;
    cluster
        .serve(observe_cluster(request, &cluster, world))
        .await
}

async fn observe_cluster(
    request: &Request,
    cluster: &Cluster<'_>,
    world: &World,
) -> Result<Observation, Failure> {
    let (mut observation, judgement) = watch::until_final(request, cluster, world).await?;
    for text in unread(request, &observation) {
        world.notice(text);
    }
    if request.ignore_terminating {
        for text in judgement.terminating() {
            world.notice(text);
        }
    }
    observation.diagnosis = diagnose::diagnose(&judgement, request, cluster, world).await;
    // These events may tell the cause that the first line is to name.
    if let Some((pod, _)) = judgement.culprit() {
        let key = (pod.namespace.clone(), pod.name.clone());
        let events = observation.diagnosis.events.clone();
        observation.events.insert(key, events);
    }
    Ok(observation)
}

/// Returns a text for each workload whose own status was not read.
fn unread(request: &Request, observation: &Observation) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for namespace in &observation.namespaces {
        texts.extend(namespace.unread.iter().map(|name| {
            format!(
                "only the pods of {name} count: this step cannot read the status of that kind \
                 here, but `wait-argo` waits for its health"
            )
        }));
        let strangers = namespace.strangers.iter();
        let of_image = strangers.filter(|pod| request.is_new(pod) && !pod.has_ended());
        let owners = of_image.filter_map(|pod| pod.owner.as_ref());
        let others = owners.filter(|owner| owner.kind != "Job" && request.workloads.is_empty());
        texts.extend(others.map(|Owner { kind, name }| {
            let flag = kind.to_lowercase();
            format!(
                "{kind} {name} has the image, and was not verified: pass `--workload {flag}/{name}` \
                 to verify it, too"
            )
        }));
    }
    texts
}

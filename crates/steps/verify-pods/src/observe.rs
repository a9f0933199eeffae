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

use contract::{Failure, World};
use kubernetes::Cluster;

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
    for name in request.others() {
        world.notice(format!(
            "{name} is of a kind whose own status this step does not read: only its pods count"
        ));
    }
    let (mut observation, judgement) = watch::until_final(request, cluster, world).await?;
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

//! Reads what explains the judgement: the log of the container and the events of its pod.

use std::time::Duration;

use contract::{Failure, World, asking};
use kubernetes::{Cluster, ClusterEvent};
use pods::{Container, Pod, RunState};

use super::{ContainerLog, Diagnosis, mask::masked};
use crate::{
    Request,
    judge::Judgement,
    reasons::{NOT_READY, explained_by_log},
};

/// How long reading may take; the verdict is known.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the log and the events of the pod that the judgement is about, if it is about one.
pub(super) async fn diagnose(
    judgement: &Judgement,
    request: &Request,
    cluster: &Cluster<'_>,
    world: &World,
) -> Diagnosis {
    let Some((pod, container)) = judgement.culprit() else {
        return Diagnosis::default();
    };
    let reason = judgement.reason();
    let reader = LogReader {
        pod,
        has_crashed: reason != Some(NOT_READY),
        max_lines: request.max_log_lines,
        cluster,
        world,
    };
    let container = container.filter(|_| reason.is_some_and(explained_by_log));
    let (events, log) = tokio::join!(
        events(cluster, world, &pod.namespace, &pod.name),
        tokio::time::timeout(DIAGNOSIS_TIMEOUT, reader.read(container)),
    );
    Diagnosis {
        events,
        log: log.ok().flatten(),
    }
}

/// Returns the events of an object; without the permission none, and a notice.
pub(super) async fn events(
    cluster: &Cluster<'_>,
    world: &World,
    namespace: &str,
    object: &str,
) -> Vec<ClusterEvent> {
    let answer = tokio::time::timeout(DIAGNOSIS_TIMEOUT, cluster.events(namespace, object)).await;
    match answer {
        Ok(Ok(events)) => events,
        Ok(Err(failure)) => {
            notice_unread(world, &failure, "its events");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

struct LogReader<'a> {
    pod: &'a Pod,
    has_crashed: bool,
    max_lines: usize,
    cluster: &'a Cluster<'a>,
    world: &'a World,
}

impl LogReader<'_> {
    /// Reads the log of the run that crashed, if one did; the node may have deleted it.
    async fn read(&self, container: Option<&Container>) -> Option<ContainerLog> {
        let container = container.filter(|container| has_run(container))?;
        if self.max_lines == 0 {
            return None;
        }
        let name = container.name.as_str();
        if self.has_crashed
            && container.last.is_some()
            && let Ok(text) = self.ask(name, true).await
            && !text.is_empty()
        {
            return Some(self.end_of_log(&text, name, true));
        }
        match self.ask(name, false).await {
            Ok(text) => Some(self.end_of_log(&text, name, false)),
            Err(failure) => {
                notice_unread(self.world, &failure, "its log");
                None
            }
        }
    }

    async fn ask(&self, container: &str, is_previous: bool) -> Result<String, Failure> {
        let (namespace, pod) = (&self.pod.namespace, &self.pod.name);
        self.cluster
            .log(namespace, pod, container, is_previous, self.max_lines)
            .await
    }

    fn end_of_log(&self, text: &str, container: &str, is_previous: bool) -> ContainerLog {
        let lines: Vec<&str> = text.lines().collect();
        let end = &lines[lines.len().saturating_sub(self.max_lines)..];
        let shown = end.iter().map(|line| masked(&self.world.redact(line)));
        ContainerLog {
            container: container.to_owned(),
            is_previous,
            lines: shown.collect(),
        }
    }
}

fn has_run(container: &Container) -> bool {
    container.last.is_some()
        || matches!(container.state, RunState::Running | RunState::Terminated(_))
}

/// Notices that the report lacks an explanation; without a permission, with the rule to add.
fn notice_unread(world: &World, failure: &Failure, what: &str) {
    let hint = failure
        .hints
        .first()
        .filter(|_| failure.reason == asking::PERMISSION_MISSING);
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    let summary = failure.summary();
    world.notice(format!("could not read {what}: {summary}{hint}"));
}

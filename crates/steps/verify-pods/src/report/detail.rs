//! The lines below the summary: the pods of the worst workload, the events and the log of its pod.

use kubernetes::ClusterEvent;
use pods::{Pod, RunState, without_command_output};

use crate::{
    Request,
    judge::{Judgement, WorkloadJudgement},
    observe::ContainerLog,
};

/// The number of pods to show.
const MAX_PODS: usize = 10;
/// The number of events to show.
const MAX_EVENTS: usize = 3;

/// Returns the lines that explain the judgement.
pub(super) fn lines(
    request: &Request,
    judgement: &Judgement,
    worst: &WorkloadJudgement,
) -> Vec<String> {
    let mut lines = pods(request, worst);
    lines.extend(events(request, &judgement.diagnosis.events));
    if let Some(log) = &judgement.diagnosis.log {
        lines.extend(log_lines(log));
    }
    lines
}

/// Returns one line for each of several pods, those with a problem first.
fn pods(request: &Request, workload: &WorkloadJudgement) -> Vec<String> {
    if workload.pods.len() < 2 {
        return Vec::new();
    }
    let mut pods: Vec<&Pod> = workload.pods.iter().collect();
    pods.sort_by_key(|pod| pod.is_ready() && request.is_new(pod));
    let shown = pods.iter().take(MAX_PODS);
    let mut lines: Vec<String> = shown.map(|pod| pod_line(request, pod)).collect();
    if let more @ 1.. = pods.len().saturating_sub(MAX_PODS) {
        lines.push(format!("and {more} more pods"));
    }
    lines
}

/// Returns a line about a pod: `pod dex-7f9 on node-1: new, ready, 2 restarts`.
fn pod_line(request: &Request, pod: &Pod) -> String {
    let node = pod.node.as_deref();
    let node = node.map(|node| format!(" on {node}")).unwrap_or_default();
    let restarts = match pod.restarts() {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        count => format!(", {count} restarts"),
    };
    let (age, state) = (age(request, pod), state(pod));
    format!("pod {}{node}: {age}, {state}{restarts}", pod.name)
}

fn age(request: &Request, pod: &Pod) -> &'static str {
    if pod.is_terminating() {
        "terminating"
    } else if !request.is_new(pod) {
        "old"
    } else if pod.outdated {
        "of an older template"
    } else {
        "new"
    }
}

fn state(pod: &Pod) -> &str {
    if pod.has_ended() {
        return match pod.reason.as_str() {
            "" => "ended",
            reason => reason,
        };
    }
    if pod.is_ready() {
        return "ready";
    }
    why_unready(pod)
}

/// Returns the one word for why a pod is not ready.
fn why_unready(pod: &Pod) -> &str {
    let waiting = pod
        .all_containers()
        .find_map(|container| match &container.state {
            RunState::Waiting { reason, .. } if !reason.is_empty() => Some(reason.as_str()),
            _ => None,
        });
    let unscheduled = pod
        .condition("PodScheduled")
        .filter(|scheduled| !scheduled.is_true)
        .map(|scheduled| scheduled.reason.as_str());
    unscheduled.or(waiting).unwrap_or("not ready")
}

/// Returns lines about the last warnings.
fn events(request: &Request, events: &[ClusterEvent]) -> Vec<String> {
    let warnings = events.iter().filter(|event| event.kind == "Warning");
    let lines = warnings.map(|event| event_line(request, event));
    let lines: Vec<String> = lines.collect();
    lines[lines.len().saturating_sub(MAX_EVENTS)..].to_vec()
}

/// Returns a line about an event: `event Unhealthy (7 times): Readiness probe failed: …`.
fn event_line(request: &Request, event: &ClusterEvent) -> String {
    let times = match event.count {
        Some(count @ 2..) => format!(" ({count} times)"),
        _ => String::new(),
    };
    let message = match request.max_log_lines {
        0 => without_command_output(&event.reason, &event.message),
        _ => event.message.trim(),
    };
    format!("event {}{times}: {message}", event.reason)
}

fn log_lines(log: &ContainerLog) -> Vec<String> {
    let container = &log.container;
    if log.lines.is_empty() {
        return vec![format!("the log of container {container} is empty")];
    }
    let which = if log.is_previous {
        ", before it restarted"
    } else {
        ""
    };
    let count = match log.lines.len() {
        1 => "line".to_owned(),
        count => format!("{count} lines"),
    };
    let mut lines = vec![format!(
        "log of container {container}{which}, the last {count}:"
    )];
    lines.extend(log.lines.iter().map(|line| format!("  {line}")));
    lines
}

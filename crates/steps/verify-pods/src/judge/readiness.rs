//! Says why a pod is not ready.

use contract::Reason;
use pods::{Container, NODE_LOST, NOT_READY, Pod, RunState, suspicion};

/// Returns why a pod is not ready: the reason, and in words.
pub(super) fn why_not_ready(pod: &Pod) -> (Reason, String) {
    if let Some(scheduled) = pod
        .condition("PodScheduled")
        .filter(|scheduled| !scheduled.is_true)
    {
        let text = format!("{}: {}", scheduled.reason, scheduled.message);
        return (NOT_READY, text);
    }
    if pod.node.is_none() && pod.condition("PodScheduled").is_none() {
        return (NOT_READY, "no scheduler has placed it yet".to_owned());
    }
    if let Some(node) = pod.lost_node() {
        return (NODE_LOST, format!("its node {node} does not answer"));
    }
    let blocking = pod
        .all_containers()
        .find(|container| !is_fine(container, pod));
    if let Some(container) = blocking {
        let reason = suspicion(container).unwrap_or(NOT_READY);
        return (reason, why_container_blocks(container, pod));
    }
    // A readiness gate has a message of its own.
    let text = pod
        .condition("Ready")
        .map(|ready| ready.message.as_str())
        .filter(|message| !message.is_empty())
        .unwrap_or("not ready");
    (NOT_READY, text.to_owned())
}

fn why_container_blocks(container: &Container, pod: &Pod) -> String {
    let name = &container.name;
    match &container.state {
        RunState::Waiting { reason, message } => {
            let words = [reason.as_str(), message.trim()];
            let words = words.into_iter().filter(|word| !word.is_empty());
            let words: String = words.map(|word| format!(": {word}")).collect();
            format!("container {name} waits{words}")
        }
        RunState::Terminated(end) => format!("container {name} ended (exit code {})", end.code),
        RunState::Running if is_init(container, pod) && !container.sidecar => {
            format!("init container {name} has not ended yet")
        }
        _ => {
            let probe = container.probe.as_ref();
            let probe = probe.map(|probe| format!(", its readiness probe is {probe}"));
            format!(
                "container {name} runs and is not ready{}",
                probe.unwrap_or_default()
            )
        }
    }
}

/// Returns whether a container does not keep its pod from being ready. An init container that has
/// completed is not ready, and need not be.
fn is_fine(container: &Container, pod: &Pod) -> bool {
    let is_completed = matches!(&container.state, RunState::Terminated(end) if end.code == 0);
    let is_quiet = is_completed || container.state == RunState::Unknown;
    container.ready || (is_init(container, pod) && is_quiet)
}

fn is_init(container: &Container, pod: &Pod) -> bool {
    pod.init_containers
        .iter()
        .any(|init| init.name == container.name)
}

//! What the status of workloads of extensions says in its own words.

use kubernetes::{ControllerKind, ControllerStatus};
use serde_json::Value;

/// Returns why a Rollout does not go on by itself: it was aborted, or exceeded its deadline.
pub(super) fn degraded(kind: ControllerKind, status: &ControllerStatus) -> Option<String> {
    let is_degraded = kind == ControllerKind::Rollout && status.phase == "Degraded";
    is_degraded.then(|| status.message.clone())
}

/// Returns what a Rollout says about itself while it is not healthy: a step of it may wait for an
/// analysis or for a person although all pods are ready.
pub(super) fn not_healthy(kind: ControllerKind, status: &ControllerStatus) -> Option<String> {
    let (phase, message) = (&status.phase, &status.message);
    let is_healthy = phase.is_empty() || phase == "Healthy";
    if kind != ControllerKind::Rollout || is_healthy {
        return None;
    }
    let separator = if message.is_empty() { "" } else { ": " };
    Some(format!("{phase}{separator}{message}"))
}

/// Returns the number of pods that a CloneSet leaves unchanged: a number, or a percentage of its
/// pods, rounded up.
pub(super) fn partition(value: &Value, wanted: u32) -> u32 {
    let count = match value.as_str() {
        Some(text) => {
            let percent = text.trim_end_matches('%').parse::<u64>().unwrap_or(0);
            (u64::from(wanted) * percent.min(100)).div_ceil(100)
        }
        None => value.as_u64().unwrap_or(0),
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(phase: &str, message: &str) -> ControllerStatus {
        ControllerStatus {
            phase: phase.to_owned(),
            message: message.to_owned(),
            ..ControllerStatus::default()
        }
    }

    #[test]
    fn a_rollout_tells_its_phase() {
        let paused = status("Paused", "CanaryPauseStep");
        let words = |status: &ControllerStatus| not_healthy(ControllerKind::Rollout, status);
        assert_eq!(words(&paused).as_deref(), Some("Paused: CanaryPauseStep"));
        assert_eq!(words(&status("Healthy", "")), None);
        assert_eq!(words(&status("", "")), None);
        assert_eq!(not_healthy(ControllerKind::Deployment, &paused), None);
        assert_eq!(degraded(ControllerKind::Rollout, &paused), None);
        let aborted = status("Degraded", "RolloutAborted: metric failed");
        let reason = degraded(ControllerKind::Rollout, &aborted);
        assert_eq!(reason.as_deref(), Some("RolloutAborted: metric failed"));
    }

    #[test]
    fn a_partition_may_be_a_percentage() {
        assert_eq!(partition(&json!(2), 5), 2);
        assert_eq!(partition(&json!("50%"), 5), 3);
        assert_eq!(partition(&json!("0%"), 5), 0);
        assert_eq!(partition(&Value::Null, 5), 0);
    }
}

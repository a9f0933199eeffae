//! Why a Rollout of Argo Rollouts was aborted (argo-rollouts, `utils/conditions/conditions.go`,
//! `rollout/analysis.go`, `analysis/analysis.go`).

use contract::Reason;

use crate::reasons::{ANALYSIS_ERROR, DEGRADED, DEGRADED_ELSEWHERE, ROLLOUT_ABORTED};

/// How the message of an aborted Rollout begins.
const ABORTED: &str = "RolloutAborted: Rollout aborted update to revision ";

/// Returns the reason of a workload that is Degraded: `degraded-elsewhere` for one that lacks what it
/// refers to. An analysis that measured a failure proves it
/// against the change, and so does a deadline; one that could not measure proves nothing, and
/// neither does an abort without a cause: that is how a person aborts.
pub(super) fn degraded_reason(kind: &str, message: &str) -> Reason {
    if kind != "Rollout" {
        return DEGRADED;
    }
    if lacks_reference(message) {
        return DEGRADED_ELSEWHERE;
    }
    let Some(rest) = message.trim().strip_prefix(ABORTED) else {
        return DEGRADED;
    };
    match rest.split_once(": ") {
        None => ROLLOUT_ABORTED,
        Some((_, cause)) if cause.contains(" assessed Error due to ") => ANALYSIS_ERROR,
        Some(_) => DEGRADED,
    }
}

/// Returns whether a Rollout is invalid for what it refers to, which may be another one's to create
/// (argo-rollouts, `pkg/apis/rollouts/validation/validation_references.go`).
fn lacks_reference(message: &str) -> bool {
    let message = message.trim();
    message.starts_with("InvalidSpec: ")
        && (message.ends_with(" not found")
            || message.contains(" has unmatch label ")
            || message.contains(" is managed by another "))
}

/// Returns whether a workload is Degraded by its deadline alone
/// (`gitops-engine/pkg/health/health_deployment.go`; argo-rollouts, `utils/conditions`).
pub(super) fn is_late(message: &str) -> bool {
    let is_of_rollout = message.starts_with("ProgressDeadlineExceeded: ");
    let is_of_deployment = message.starts_with("Deployment \"")
        && message.ends_with(" exceeded its progress deadline");
    is_of_rollout || is_of_deployment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_measured_failure_is_the_changes() {
        let reason = |cause: &str| degraded_reason("Rollout", &format!("{ABORTED}6{cause}"));
        let metric = ": Step-based analysis phase error/failed: Metric \"web\" assessed";
        for (cause, expected) in [
            (String::new(), ROLLOUT_ABORTED),
            (
                format!(
                    "{metric} Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): \
                     \"Error Message: connection refused\""
                ),
                ANALYSIS_ERROR,
            ),
            (
                format!("{metric} Failed due to failed (1) > failureLimit (0)"),
                DEGRADED,
            ),
            (
                ": ReplicaSet \"dex-5\" has timed out progressing.".to_owned(),
                DEGRADED,
            ),
        ] {
            assert_eq!(reason(&cause), expected, "{cause}");
        }
        for (cause, expected) in [
            (
                "spec.strategy.canary.steps[2].analysis.templates: Invalid value: \"web\": \
                 AnalysisTemplate 'web' not found",
                DEGRADED_ELSEWHERE,
            ),
            (
                "spec.strategy.canary.canaryService: Invalid value: \"canary\": Service \"canary\" has \
                 unmatch label \"app.kubernetes.io/version\" in rollout",
                DEGRADED_ELSEWHERE,
            ),
            (
                "spec.strategy.canary.analysis.templates: Invalid value: \"web\": two \
                 AnalysisTemplates have the same name",
                DEGRADED,
            ),
        ] {
            let message = format!("InvalidSpec: The Rollout \"dex\" is invalid: {cause}");
            assert_eq!(degraded_reason("Rollout", &message), expected, "{cause}");
        }
        let aborted = format!("{ABORTED}6");
        assert_eq!(degraded_reason("Deployment", &aborted), DEGRADED);
        let late = "ProgressDeadlineExceeded: ReplicaSet \"dex-5\" has timed out progressing.";
        assert_eq!(degraded_reason("Rollout", late), DEGRADED);
    }
}

//! Why pods are not created, according to their controllers.

use crate::{
    Unrecoverable,
    rules::{self, Patience},
};

/// Returns why a controller cannot create pods. The message is that of the condition
/// `ReplicaFailure`, or of an event `FailedCreate`. `None` for a failure that may pass, such as a
/// webhook that does not answer.
///
/// ```
/// let text = "pods \"dex-7f9\" is forbidden: exceeded quota: small, requested: pods=1";
/// assert_eq!(pods::failed_create(text).unwrap().reason, pods::QUOTA);
/// ```
pub fn failed_create(message: &str) -> Option<Unrecoverable> {
    let rule = rules::of_controller(message)?;
    if rule.patience == Patience::Forever {
        return None;
    }
    let text = format!("pods cannot be created: {}", message.trim());
    Some(Unrecoverable::of_pod(rule.reason, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_and_admission_are_distinguished() {
        let reason = |message| failed_create(message).map(|failure| failure.reason.word);
        let quota = "pods \"dex-5\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2";
        let security = "pods \"dex-5\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true";
        let webhook =
            "admission webhook \"validate.kyverno.svc-fail\" denied the request: no latest tags";
        let limits =
            "Pod \"dex-5\" is invalid: spec.containers[0].resources.requests: Invalid value: \"2\"";
        let account = "pods \"dex-5\" is forbidden: error looking up service account dex/dex: serviceaccount \"dex\" not found";
        let unsaid =
            "pods \"dex-5\" is forbidden: failed quota: q: must specify limits.memory for: dex";
        assert_eq!(
            [quota, security, webhook, limits, account, unsaid].map(reason),
            [
                "quota",
                "cluster-policy",
                "cluster-policy",
                "cluster-policy",
                "cluster-policy",
                "cluster-policy"
            ]
            .map(Some)
        );
    }

    #[test]
    fn a_transient_failure_is_not_final() {
        for message in [
            "Internal error occurred: failed calling webhook \"x\": context deadline exceeded",
            "pods \"dex-5\" is forbidden: status unknown for quota: q, resources: pods",
        ] {
            assert_eq!(failed_create(message), None, "{message}");
        }
    }
}

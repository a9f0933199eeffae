//! Pods that do not come to be: what controllers and events say of them.

use crate::{ADMISSION, QUOTA, Unrecoverable, VOLUME};

/// Returns what a controller's failure to create a pod means: the message of the condition
/// `ReplicaFailure`, or of an event `FailedCreate`. `None` for what may pass, such as a webhook that does
/// not answer.
///
/// ```
/// let text = "pods \"dex-7f9\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
/// assert_eq!(pods::failed_create(text).unwrap().reason, pods::QUOTA);
/// ```
pub fn failed_create(message: &str) -> Option<Unrecoverable> {
    let says = |words: &str| message.contains(words);
    let passing = [
        "failed calling webhook",
        "status unknown for quota",
        "timeout",
        "object is being deleted",
        "being terminated",
    ];
    if passing.iter().any(|words| says(words)) {
        return None;
    }
    let reason = if says("exceeded quota") {
        QUOTA
    } else {
        ADMISSION
    };
    let admission = [
        "forbidden",
        "admission webhook",
        "denied the request",
        "Invalid value",
        "is invalid",
        "not found",
    ];
    let known = reason == QUOTA || admission.iter().any(|words| says(words));
    known.then(|| Unrecoverable {
        reason,
        container: None,
        text: format!("pods cannot be created: {}", message.trim()),
    })
}

/// Returns what an event of a pod says of its volumes: `FailedMount`, `FailedAttachVolume`. Ask for it when
/// a pod [is being created](crate::PodHistory::creating) for longer than the schedule grace.
pub fn failed_mount(event: &str, message: &str) -> Option<Unrecoverable> {
    let known = ["FailedMount", "FailedAttachVolume", "FailedMapVolume"].contains(&event);
    known.then(|| Unrecoverable {
        reason: VOLUME,
        container: None,
        text: format!("{event}: {}", message.trim()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_and_a_rule_of_the_cluster_are_told_apart() {
        let reason = |message| failed_create(message).map(|doom| doom.reason.word);
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
                "admission",
                "admission",
                "admission",
                "admission",
                "admission"
            ]
            .map(Some)
        );
    }

    #[test]
    fn what_may_pass_by_itself_is_no_doom() {
        for message in [
            "Internal error occurred: failed calling webhook \"x\": context deadline exceeded",
            "pods \"dex-5\" is forbidden: status unknown for quota: q, resources: pods",
        ] {
            assert_eq!(failed_create(message), None, "{message}");
        }
    }

    #[test]
    fn an_event_of_a_volume_that_does_not_mount_is_told_from_others() {
        assert_eq!(
            failed_mount("FailedMount", "secret \"tls\" not found")
                .unwrap()
                .reason,
            VOLUME
        );
        assert_eq!(failed_mount("Scheduled", ""), None);
    }
}

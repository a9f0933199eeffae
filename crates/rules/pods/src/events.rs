//! What events tell about a pod: they name causes that no status has.

use crate::{GracePeriods, PodHistory, Unrecoverable, rules};

/// The grace periods for a node that an autoscaler is adding, compared with any other.
const SCALE_UP_GRACE_PERIODS: u32 = 5;

/// Events of autoscalers that add a node for the pod: of the Cluster Autoscaler, and of Karpenter.
const SCALE_UP: [&str; 3] = ["TriggeredScaleUp", "Nominated", "NominatePod"];

/// The event of the Cluster Autoscaler for a pod that no new node would help.
const NO_SCALE_UP: &str = "NotTriggerScaleUp";

/// An event that a scheduler, a controller, an autoscaler or a kubelet recorded about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectEvent {
    /// `FailedMount`.
    pub reason: String,
    /// The explanation.
    pub message: String,
}

/// Returns whether an autoscaler is adding a node for a pod, for as long as that may take. The
/// events are those of the pod, oldest first. Ask when the pod is unschedulable.
pub fn waits_for_new_node(
    history: &PodHistory,
    grace: &GracePeriods,
    events: &[ObjectEvent],
) -> bool {
    let mut newest_first = events.iter().rev().map(|event| event.reason.as_str());
    let last = newest_first.find(|reason| *reason == NO_SCALE_UP || SCALE_UP.contains(reason));
    let limit = grace.schedule.saturating_mul(SCALE_UP_GRACE_PERIODS);
    last.is_some_and(|reason| reason != NO_SCALE_UP) && history.unscheduled() < limit
}

/// Returns why an autoscaler adds no node for a pod, if one says so.
pub fn no_new_node(events: &[ObjectEvent]) -> Option<&str> {
    let mut newest_first = events.iter().rev();
    let event = newest_first.find(|event| event.reason == NO_SCALE_UP)?;
    Some(event.message.trim())
}

/// Returns what keeps the containers of a pod from being created: its volumes or its network. The
/// events are those of the pod, oldest first. Ask when the pod has been [in
/// creation](PodHistory::creating) for longer than the schedule grace period.
pub fn failed_creation(events: &[ObjectEvent]) -> Option<Unrecoverable> {
    // A pull starts when volumes and network are there: what failed before is over.
    const OVER: [&str; 4] = ["Pulling", "Pulled", "Created", "Started"];
    let newest_first = events.iter().rev();
    let mut current = newest_first.take_while(|event| !OVER.contains(&event.reason.as_str()));
    current.find_map(|event| {
        let rule = rules::of_event(&event.reason)?;
        let text = format!("{}: {}", event.reason, event.message.trim());
        Some(Unrecoverable::of_pod(rule.reason, text))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Pod, PodCondition};

    fn event(reason: &str, message: &str) -> ObjectEvent {
        ObjectEvent {
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Returns the history of a pod that has had no node for some seconds.
    fn unscheduled(seconds: u64) -> PodHistory {
        let pod = Pod {
            conditions: vec![PodCondition {
                kind: "PodScheduled".to_owned(),
                reason: "Unschedulable".to_owned(),
                ..PodCondition::default()
            }],
            ..Pod::default()
        };
        let mut history = PodHistory::default();
        history.observe(&pod, Duration::ZERO);
        history.observe(&pod, Duration::from_secs(seconds));
        history
    }

    #[test]
    fn an_autoscaler_extends_the_grace() {
        let waits = |seconds, events: &[ObjectEvent]| {
            waits_for_new_node(&unscheduled(seconds), &GracePeriods::default(), events)
        };
        let comes = event("TriggeredScaleUp", "pod triggered scale-up: [{pool 3->4}]");
        let nominated = event("Nominated", "Pod should schedule on: nodeclaim/a");
        let refuses = event("NotTriggerScaleUp", "1 max node group size reached");
        assert!(waits(90, std::slice::from_ref(&comes)) && waits(299, &[nominated]));
        assert!(!waits(300, std::slice::from_ref(&comes)));
        assert!(!waits(90, &[event("FailedScheduling", "0/3 nodes")]));
        assert!(waits(90, &[refuses.clone(), comes.clone()]));
        let events = [comes, refuses];
        assert!(!waits(90, &events), "the autoscaler has changed its mind");
        assert_eq!(no_new_node(&events), Some("1 max node group size reached"));
    }

    #[test]
    fn volumes_and_sandboxes_are_distinguished() {
        let reason = |name: &str| {
            let failure = failed_creation(&[event(name, "it failed"), event("Scheduled", "")]);
            failure.map(|failure| (failure.reason.word, failure.text))
        };
        for (name, word) in [
            ("FailedMount", "volume"),
            ("FailedAttachVolume", "volume"),
            ("FailedMapVolume", "volume"),
            ("FailedCreatePodSandBox", "sandbox"),
            ("NetworkNotReady", "sandbox"),
        ] {
            assert_eq!(reason(name), Some((word, format!("{name}: it failed"))));
        }
        let pulls = [event("FailedMount", "timed out"), event("Pulling", "image")];
        assert_eq!(failed_creation(&pulls), None, "a large image takes long");
    }
}

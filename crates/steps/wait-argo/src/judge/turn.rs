//! Whether an application without automatic syncs waits for its ApplicationSet.

use crate::{
    judge::decision::{Conclusion, WaitDecision},
    observe::{FollowUp, Observation, ObservedSet},
    reasons::{AUTO_SYNC_OFF, AWAITS_TURN},
};

/// Judges an application that does not sync automatically. An ApplicationSet with the strategy
/// RollingSync switches that off and starts the syncs itself, step by step, so nothing is wrong
/// before the application's turn.
pub(super) fn judge(observation: &Observation, here: &str) -> WaitDecision {
    let app = &observation.app;
    let Some(name) = app.application_set() else {
        return auto_sync_off(here, "pass `--sync`, or set `spec.syncPolicy.automated`");
    };
    let progress = match &observation.application_set {
        None => String::new(),
        Some(ObservedSet::Hidden) => String::new(),
        Some(ObservedSet::Shown(set)) if set.is_rolling() => match set.progress(&app.metadata.name)
        {
            Some(progress) => format!(" (step {}, {})", progress.step, progress.status),
            None => String::new(),
        },
        Some(ObservedSet::Shown(_)) => {
            let hint = format!(
                "pass `--sync`, or set `spec.template.spec.syncPolicy.automated` of ApplicationSet \
                 {name}, which overwrites the application's own"
            );
            return auto_sync_off(here, &hint);
        }
    };
    let text = format!("{here}, waits for its turn in ApplicationSet {name}{progress}");
    let follow_up = FollowUp::ApplicationSet(name.to_owned());
    WaitDecision::wait(AWAITS_TURN, text, vec![follow_up])
}

fn auto_sync_off(here: &str, hint: &str) -> WaitDecision {
    let text = format!("is {here}, auto-sync disabled");
    Conclusion::refused(AUTO_SYNC_OFF, text).hinted(hint).into()
}

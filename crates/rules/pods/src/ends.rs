//! How containers ended, and which of their ends are crashes: a program may complete, and a node may
//! restart.

use crate::{
    Container, RunState, Termination,
    rules::{self, Patience},
};

/// Returns how many times a container has ended, its present end included.
pub(crate) fn ends(container: &Container) -> u32 {
    let has_ended = match &container.state {
        RunState::Terminated(_) => true,
        RunState::Waiting { reason, .. } => reason == "CrashLoopBackOff",
        RunState::Running | RunState::Unknown => false,
    };
    container.restarts + u32::from(has_ended)
}

/// Returns how the container ended last.
pub(crate) fn last_end(container: &Container) -> Option<&Termination> {
    match &container.state {
        RunState::Terminated(end) => Some(end),
        _ => container.last.as_ref(),
    }
}

/// Returns whether an end is a crash of the container itself. The end of the main process may be
/// clean although another process of the container exceeded its limit.
pub(crate) fn is_crash(end: &Termination) -> bool {
    (end.code != 0 || end.reason == "OOMKilled") && !was_lost(end)
}

/// Returns whether a container ended since its node or its runtime was restarted or lost.
pub(crate) fn was_lost(end: &Termination) -> bool {
    rules::of_end(&end.reason, &end.message).is_some_and(|rule| rule.patience == Patience::Forever)
}

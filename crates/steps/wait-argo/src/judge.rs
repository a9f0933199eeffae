//! Judges one observation of an application. Only values go in, and only values come out.

mod api_error;
mod blame;
mod comparison;
mod deadline;
mod decision;
mod health;
mod history;
mod image;
mod kinds;
mod message;
mod operation;
mod pods;
mod rendering;
mod repository;
mod revision;
mod rollout;
mod source;
mod sync;
mod sync_failure;
mod turn;
mod window;

use std::time::Duration;

pub(crate) use self::{
    decision::{Conclusion, Judgement, WaitDecision},
    history::ApplicationHistory,
    revision::first_revision,
};
use crate::{
    judge::history::LastingPhase,
    observe::{AppPresence, Observation},
    reasons::{APP_DELETED, APP_MISSING},
    request::Request,
};

/// How long an application may be missing without `--wait-for-app`: what generates it from the same
/// push may be a few seconds behind.
const MISSING_GRACE: Duration = Duration::from_secs(10);

/// Judges an observation, with the history of those before it.
pub(crate) fn judge(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
) -> Judgement {
    let mut history = history.clone();
    let mut decision = decide(request, observation, &mut history);
    match &mut decision {
        WaitDecision::Wait(state) => history.last_wait = (state.reason, state.text.clone()),
        WaitDecision::Final(conclusion) => {
            conclusion.notice = revision::notice(request, observation)
        }
        WaitDecision::ReadPods(_) => {}
    }
    Judgement { decision, history }
}

fn decide(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> WaitDecision {
    if let Some(decision) = absent(request, observation, history) {
        return decision;
    }
    if observation.is_last {
        return deadline::not_yet(request, observation, history).into();
    }
    let sync = sync::judge(request, observation, history);
    // What is applied and healthy is deployed once its image is live: then only pods of that image
    // can say otherwise.
    history.update(LastingPhase::ReadyForImage, sync.is_none(), observation.now);
    if let Some(decision) = pods::judge(request, observation, history, sync.is_none()) {
        return decision;
    }
    sync.unwrap_or_else(|| image::judge(request, observation, history))
}

fn absent(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    let is_missing = matches!(observation.presence, AppPresence::Missing(_));
    let lasted = history.update(LastingPhase::Missing, is_missing, observation.now);
    let message = match &observation.presence {
        AppPresence::Unknown | AppPresence::Present => return None,
        AppPresence::Deleted => {
            let text = "was deleted during the wait";
            return Some(Conclusion::refused(APP_DELETED, text).into());
        }
        AppPresence::Missing(message) => message,
    };
    let project = match &request.project {
        Some(project) => format!(" of project {project}"),
        None => String::new(),
    };
    let text = format!("is not an application{project} ({message})");
    let is_awaited = request.waits_for_app || lasted < MISSING_GRACE;
    if is_awaited && !observation.is_last && request.waits {
        return Some(WaitDecision::wait(APP_MISSING, text, Vec::new()));
    }
    let hint = if request.waits_for_app {
        "was it to be generated? The status of its ApplicationSet tells why it was not"
    } else {
        "is `--app` right? A server answers the same for an application of another project, for one \
         in another namespace than its own (`--app-namespace`), and for one that this token may not \
         see. For one that is about to be generated, pass `--wait-for-app`"
    };
    Some(Conclusion::refused(APP_MISSING, text).hinted(hint).into())
}

#[cfg(test)]
mod tests;

//! Judges one observation of an application. Only values go in, and only values come out.

mod decision;
mod health;
mod history;
mod image;
mod message;
mod operation;
mod pods;
mod revision;
mod source;
mod sync;
mod window;

use contract::Verdict;

pub(crate) use self::{
    decision::{Conclusion, Judgement, WaitDecision},
    history::ApplicationHistory,
    revision::first_revision,
};
use crate::{
    judge::history::LastingPhase,
    observe::{AppPresence, Observation},
    reasons::{APP_DELETED, APP_MISSING, OLD_REVISION},
    request::Request,
};

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
    if let Some(conclusion) = absent(request, observation) {
        return conclusion.into();
    }
    if observation.is_last {
        return not_yet(observation, history).into();
    }
    if let Some(conclusion) = pods::judge(request, observation, history) {
        return conclusion.into();
    }
    let decision = sync::judge(request, observation, history);
    let is_ready = decision.is_none();
    history.update(LastingPhase::ReadyForImage, is_ready, observation.now);
    decision.unwrap_or_else(|| image::judge(request, observation, history))
}

fn absent(request: &Request, observation: &Observation) -> Option<Conclusion> {
    match &observation.presence {
        AppPresence::Unknown | AppPresence::Present => None,
        AppPresence::Deleted => Some(Conclusion::refused(
            APP_DELETED,
            "was deleted during the wait",
        )),
        AppPresence::Missing(message) => {
            let project = match &request.project {
                Some(project) => format!(" of project {project}"),
                None => String::new(),
            };
            let text = format!("is not an application{project} ({message})");
            Some(Conclusion::refused(APP_MISSING, text).hinted(
                "is `--app` right? A server answers the same for an application of another \
                 project, and for one that this token may not see",
            ))
        }
    }
}

fn not_yet(observation: &Observation, history: &ApplicationHistory) -> Conclusion {
    let (reason, text) = &history.last_wait;
    let conclusion = Conclusion::new(Verdict::NotYet, *reason, text);
    if *reason != OLD_REVISION {
        return conclusion;
    }
    if observation.requested_refreshes > 0 && !observation.was_compared_again() {
        conclusion.hinted(
            "Argo CD has not compared the application again: does its application controller run?",
        )
    } else {
        conclusion.hinted(
            "was the commit pushed to the branch that the application tracks, \
             and can Argo CD fetch it?",
        )
    }
}

#[cfg(test)]
mod tests;

//! The words for a deadline that comes first.

use contract::Verdict;
use pods::NOT_READY;

use crate::{
    judge::{
        decision::Conclusion,
        health,
        history::ApplicationHistory,
        revision::{self, Containment},
        source,
    },
    observe::{Observation, ObservedSet},
    reasons::{AWAITS_TURN, NOT_SYNCED, OLD_REVISION, SHARED_RESOURCE},
    request::Request,
};

/// Concludes that the application is not as requested yet.
pub(super) fn not_yet(
    request: &Request,
    observation: &Observation,
    history: &ApplicationHistory,
) -> Conclusion {
    let (reason, text) = &history.last_wait;
    let conclusion = Conclusion::new(Verdict::NotYet, *reason, text);
    match *reason {
        OLD_REVISION => conclusion.hinted(old_revision_hint(request, observation)),
        SHARED_RESOURCE => conclusion.hinted(
            "two applications apply it in turns: take it out of one of them, or change its name",
        ),
        NOT_READY
            if matches!(
                observation.app.status.health.status.as_str(),
                "Progressing" | "Degraded"
            ) =>
        {
            match health::other_scope(request, &observation.app) {
                Some(hint) => conclusion.hinted(hint),
                None => conclusion,
            }
        }
        NOT_SYNCED if observation.syncs_in_vain > 1 => conclusion.hinted(
            "something in the cluster changes what Argo CD applies, such as a webhook, a policy or \
             another controller: find it in the diff (`argocd app diff`), and list that field in \
             `spec.ignoreDifferences`",
        ),
        NOT_READY if observation.app.status.health.status == "Suspended" => conclusion.hinted(
            "what is suspended continues after its pause, or when it is promoted or resumed: \
             `kubectl argo rollouts promote NAME`",
        ),
        AWAITS_TURN => {
            let set = observation.app.application_set().unwrap_or_default();
            let conclusion = conclusion.hinted(format!(
                "with the strategy RollingSync, ApplicationSet {set} starts the syncs itself, step \
                 by step: its `status.applicationStatus` tells which application holds it up; a \
                 longer `--timeout` waits for it"
            ));
            match &observation.application_set {
                Some(ObservedSet::Shown(_)) => conclusion,
                _ => conclusion.hinted(format!(
                    "let the token get ApplicationSet {set} (`applicationsets, get`): the step then \
                     tells at once if that has another strategy, where nothing starts the sync"
                )),
            }
        }
        _ => conclusion,
    }
}

fn old_revision_hint(request: &Request, observation: &Observation) -> String {
    let containment = revision::containment(request, observation);
    if let Containment::Lacks(lacking) = &containment
        && lacking.error.is_some()
    {
        return if request.remote.is_some() {
            "let this run read the repository of `--remote`: it has to know whether the revision \
             contains the commit"
                .to_owned()
        } else {
            "pass `--remote URL`, an address of that repository that this run can read: with it \
             the step knows whether the revision contains the commit"
                .to_owned()
        };
    }
    if observation.requested_refreshes > 0 && !observation.was_compared_again() {
        return "Argo CD has not compared the application again: does its application controller \
                run?"
            .to_owned();
    }
    let has_several = source::sources(request, &observation.app).len() > 1;
    if has_several && (request.branch.is_none() || request.overlays.is_empty()) {
        return "the application has several sources of that repository: `--branch` and \
                `--overlay` say which one has to contain the commit"
            .to_owned();
    }
    "was the commit pushed to the branch that the application tracks, and can Argo CD fetch it?"
        .to_owned()
}

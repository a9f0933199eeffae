//! Whether Argo CD can render and compare the application.

use std::time::Duration;

use contract::{Fault, Reason};

use crate::{
    judge::{
        comparison::comparison_failure,
        decision::{Conclusion, WaitDecision},
        history::{ApplicationHistory, LastingPhase},
        message::tidy,
        revision::{self, Containment},
    },
    observe::{FollowUp, Observation},
    reasons::{
        FAILED_BEFORE, NOT_COMPARED, PLUGIN_FAILED, RENDER_ERROR, REPOSITORY_DENIED,
        SYNC_FORBIDDEN, UNSIGNED, WRONG_SOURCE,
    },
    request::Request,
};

/// The grace period before a comparison error is blamed on the commit: a repository may fail for a
/// moment.
const COMPARE_GRACE: Duration = Duration::from_secs(15);
/// The same for a repository that denies access: a forge that fails answers so, too.
const DENIED_GRACE: Duration = Duration::from_secs(60);
/// The time before this run from which an error is none of the commit's: this step follows the push,
/// and Argo CD may have compared the commit in between.
const BEFORE_RUN: Duration = Duration::from_secs(300);

/// Waits for the end of a comparison error, or refuses it as the overlay's.
pub(super) fn comparison_error(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
    containment: &Containment,
) -> Option<WaitDecision> {
    let message = observation.app.condition("ComparisonError");
    let lasts = message.is_some();
    let lasted = history.update(LastingPhase::NotCompared, lasts, observation.now);
    let message = message?;
    // Argo CD may tell which revision it could not compare: another one proves nothing.
    let is_of_other = match containment {
        Containment::Contains => revision::is_descendant(request, &observation.app),
        Containment::Lacks(lacking) => !lacking.revision.is_empty(),
        Containment::NotAsked(_) => true,
    };
    let reason = comparison_failure(message);
    let lasts_long = lasted >= grace_of(reason) && observation.was_compared_again();
    let is_certain = lasts_long && !(is_of_other && is_about_revision(reason));
    if !is_certain {
        return Some(not_compared(message));
    }
    let age = observation.age_of("ComparisonError");
    let reason = if reason == RENDER_ERROR && age.is_some_and(|age| age > BEFORE_RUN) {
        FAILED_BEFORE
    } else {
        reason
    };
    Some(not_rendered(request, reason, message))
}

/// Waits for the end of an error of the source hydrator about a commit that contains the wanted
/// one, or refuses it as the overlay's.
pub(super) fn hydration_error(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    let status = observation.app.status.source_hydrator.as_ref();
    let failed = status
        .and_then(|status| status.current_operation.as_ref())
        .filter(|operation| operation.phase == "Failed")
        .filter(|operation| operation.dry == request.commit.as_str());
    let lasted = history.update(LastingPhase::NotHydrated, failed.is_some(), observation.now);
    // `failed to hydrate app: failed to get manifests for app "dex": rpc error: …`
    let message = failed?.message.as_str();
    let at = message.find("rpc error: ").unwrap_or_default();
    let message = &message[at..];
    let reason = comparison_failure(message);
    Some(if lasted >= grace_of(reason) {
        not_rendered(request, reason, message)
    } else {
        not_compared(message)
    })
}

fn grace_of(reason: Reason) -> Duration {
    if reason == REPOSITORY_DENIED {
        DENIED_GRACE
    } else {
        COMPARE_GRACE
    }
}

/// Returns whether a reason is one of the revision that was compared, not of the application.
fn is_about_revision(reason: Reason) -> bool {
    reason.fault == Fault::Change || [PLUGIN_FAILED, UNSIGNED].contains(&reason)
}

fn not_compared(message: &str) -> WaitDecision {
    let text = format!("could not be compared: {}", tidy(message));
    WaitDecision::wait(NOT_COMPARED, text, vec![FollowUp::Refresh])
}

fn not_rendered(request: &Request, reason: Reason, message: &str) -> WaitDecision {
    let commit = request.commit.short();
    let (what, hint) = match reason {
        NOT_COMPARED => return not_compared(message),
        RENDER_ERROR => (
            "cannot be rendered",
            format!("render it as Argo CD does, at {commit}"),
        ),
        FAILED_BEFORE => (
            "cannot be rendered, and could not be before this run",
            format!("correct that first: render it as Argo CD does, at {commit}"),
        ),
        PLUGIN_FAILED if message.contains(" supporting ") => (
            "has a plugin that does not take its folder",
            "check that the plugin's sidecar of the repository server runs, that its name (with its \
             version) is that of `spec.source.plugin`, and that its `discover` fits the folder"
                .to_owned(),
        ),
        PLUGIN_FAILED => (
            "cannot be rendered by its plugin",
            "run the plugin by hand on the overlay, with the systems that it asks".to_owned(),
        ),
        WRONG_SOURCE => (
            "has a source that Argo CD cannot use",
            "correct its `spec.source`, or its project's `sourceRepos`".to_owned(),
        ),
        REPOSITORY_DENIED => (
            "has a repository that denies access to Argo CD",
            "renew Argo CD's credentials of that repository, or its known host key: \
             `argocd repo list`, `argocd cert list`"
                .to_owned(),
        ),
        SYNC_FORBIDDEN => (
            "has resources that this Argo CD may not manage",
            "let Argo CD manage the namespace (`argocd.argoproj.io/managed-by`), or take resources \
             of the whole cluster out of the manifests"
                .to_owned(),
        ),
        _ => (
            "is not compared",
            "sign the commits of this branch with a key of the project's `signatureKeys`"
                .to_owned(),
        ),
    };
    let text = format!("{what}: {}", tidy(message));
    Conclusion::refused(reason, text).hinted(hint).into()
}

//! Whether the application is at the commit, Synced and Healthy.

use std::time::Duration;

use argocd::Application;

use crate::{
    judge::{
        decision::{Conclusion, WaitDecision},
        health,
        history::{ApplicationHistory, LastingPhase},
        message::{resource_name, short, tidy},
        operation,
        revision::{self, Containment, LackingRevision},
        source, window,
    },
    observe::{FollowUp, Observation},
    reasons::{
        APP_DELETED, AUTO_SYNC_OFF, COMMIT_GONE, NOT_COMPARED, NOT_SYNCED, OLD_REVISION,
        RENDER_ERROR, STALE_STATUS, WRONG_SOURCE,
    },
    request::Request,
};

/// The grace period before a comparison error is blamed on the commit: a repository may fail for a
/// moment.
const COMPARE_GRACE: Duration = Duration::from_secs(15);
/// The grace period for an automatic sync, which starts within a second or two.
const IDLE_GRACE: Duration = Duration::from_secs(3);
/// The time at an old revision after which git is asked whether the branch still contains the
/// commit.
const BRANCH_GRACE: Duration = Duration::from_secs(10);

/// Parts of messages about repositories and clusters, which have errors of their own: an error is
/// the commit's fault only if that is proven.
const TRANSIENT_ERRORS: [&str; 15] = [
    "connection refused",
    "connection reset",
    "i/o timeout",
    "timed out",
    "deadline exceeded",
    "no such host",
    "failed to list refs",
    "error fetching",
    "failed to fetch",
    "authentication required",
    "repository not found",
    "code = Unavailable",
    "code = DeadlineExceeded",
    "code = Canceled",
    "cluster",
];
/// Parts of messages about manifests.
const RENDER_ERRORS: [&str; 4] = [
    "kustomize build",
    "helm template",
    "failed to generate manifest",
    "app path does not exist",
];

/// Judges everything but the pods; `None` when nothing but the image is left to check.
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    if let Some(conclusion) = hopeless(request, &observation.app) {
        return Some(conclusion.into());
    }
    let containment = revision::containment(request, observation);
    if containment != Containment::Contains {
        history.update(LastingPhase::Applied, false, observation.now);
    }
    let error = invalid_spec(observation).or_else(|| comparison_error(observation, history));
    if error.is_some() {
        return error;
    }
    match containment {
        Containment::NotAsked(revision) => Some(not_asked(request, &observation.app, &revision)),
        Containment::Lacks(lacking) => Some(old_revision(request, observation, history, &lacking)),
        Containment::Contains => {
            history.update(LastingPhase::OldRevision, false, observation.now);
            contains(request, observation, history)
        }
    }
}

/// Refuses what no wait can help.
fn hopeless(request: &Request, app: &Application) -> Option<Conclusion> {
    if app.metadata.deletion_timestamp.is_some() {
        return Some(Conclusion::refused(APP_DELETED, "is being deleted"));
    }
    if let Some(conclusion) = source::judge(request, app) {
        return Some(conclusion);
    }
    let annotations = &app.metadata.annotations;
    if annotations
        .get("argocd.argoproj.io/skip-reconcile")
        .is_some_and(|value| value == "true")
    {
        let hint = "remove the annotation `argocd.argoproj.io/skip-reconcile`";
        return Some(
            Conclusion::refused(AUTO_SYNC_OFF, "is not reconciled by Argo CD").hinted(hint),
        );
    }
    let message = app.condition("UnknownError")?;
    if !is_about_status(message) {
        return None;
    }
    let text = format!("has a status that was not persisted: {message}");
    let hint = "make its status smaller, by fewer resources or a shorter history";
    Some(Conclusion::refused(STALE_STATUS, text).hinted(hint))
}

fn is_about_status(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("persist") || message.contains("too large") || message.contains("too long")
}

/// Refuses an invalid spec, or one that the project does not allow. Argo CD only checks that in a
/// comparison, so this requests one first.
fn invalid_spec(observation: &Observation) -> Option<WaitDecision> {
    let message = observation.app.condition("InvalidSpecError")?;
    let text = format!("has an invalid spec: {}", tidy(message));
    if observation.answered_refreshes == 0 {
        return Some(WaitDecision::wait(
            WRONG_SOURCE,
            text,
            vec![FollowUp::Refresh],
        ));
    }
    let hint =
        "correct the application's `spec`, or its project's `sourceRepos` and `destinations`";
    Some(Conclusion::refused(WRONG_SOURCE, text).hinted(hint).into())
}

/// Waits for the end of a comparison error, or refuses it as the overlay's.
fn comparison_error(
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    let message = observation.app.condition("ComparisonError").map(tidy);
    let lasts = message.is_some();
    let lasted = history.update(LastingPhase::NotCompared, lasts, observation.now);
    let message = message?;
    if is_render_error(&message) && lasted >= COMPARE_GRACE && observation.was_compared_again() {
        let text = format!("cannot be rendered: {message}");
        let hint = "run `kustomize build` on the overlay";
        return Some(Conclusion::refused(RENDER_ERROR, text).hinted(hint).into());
    }
    let text = format!("could not be compared: {message}");
    Some(WaitDecision::wait(
        NOT_COMPARED,
        text,
        vec![FollowUp::Refresh],
    ))
}

fn is_render_error(message: &str) -> bool {
    let contains = |part: &&str| message.contains(*part);
    RENDER_ERRORS.iter().any(contains) && !TRANSIENT_ERRORS.iter().any(contains)
}

fn not_asked(request: &Request, app: &Application, revision: &str) -> WaitDecision {
    let text = format!(
        "at {}, and it is not known yet whether that contains {}",
        short(revision),
        request.commit.short()
    );
    let question = revision::ask_ancestry(request, app, revision);
    WaitDecision::wait(OLD_REVISION, text, question.into_iter().collect())
}

/// Waits for the commit: at an old revision an application never passes.
fn old_revision(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
    lacking: &LackingRevision,
) -> WaitDecision {
    let lasted = history.update(LastingPhase::OldRevision, true, observation.now);
    let is_gone = lacking.in_branch == Some(false);
    // A forge's other servers may not know a commit that was just pushed, so one answer is not
    // enough.
    if is_gone && observation.branch_misses > 1 && observation.answered_refreshes > 0 {
        return commit_gone(request, &observation.app, &lacking.revision).into();
    }
    let mut follow_ups = vec![FollowUp::Refresh];
    if (lasted >= BRANCH_GRACE || is_gone) && !lacking.revision.is_empty() {
        let question = revision::ask_ancestry(request, &observation.app, &lacking.revision);
        follow_ups.extend(question);
    }
    let text = old_revision_text(request, observation, lacking);
    WaitDecision::wait(OLD_REVISION, text, follow_ups)
}

fn commit_gone(request: &Request, app: &Application, revision: &str) -> Conclusion {
    let sources = source::sources(request, app);
    let branch = sources
        .first()
        .and_then(|(_, source)| source::tracked_branch(source));
    let text = format!(
        "is at {}, and {} is no longer in {}",
        short(revision),
        request.commit.short(),
        branch.unwrap_or("the branch")
    );
    Conclusion::refused(COMMIT_GONE, text).hinted(
        "a force push removed it from the branch, or it was never pushed there: \
         deploy what the branch contains now",
    )
}

fn old_revision_text(
    request: &Request,
    observation: &Observation,
    lacking: &LackingRevision,
) -> String {
    let commit = request.commit.short();
    let at = if lacking.revision.is_empty() {
        "not compared yet".to_owned()
    } else {
        format!("still at {}", short(&lacking.revision))
    };
    let there = match &lacking.error {
        Some(error) => format!("and git could not tell whether that contains {commit} ({error})"),
        None => format!("{commit} is not there"),
    };
    let busy = match operation::running(&observation.app) {
        Some(operation) => format!("; {operation}"),
        None => String::new(),
    };
    format!("{at}, {there}{}{busy}", refreshes(observation))
}

/// Describes the results of the refreshes; the first one is not worth a word while it is under way.
fn refreshes(observation: &Observation) -> String {
    let (requested, answered) = (
        observation.requested_refreshes,
        observation.answered_refreshes,
    );
    if answered == 0 && requested < 2 {
        String::new()
    } else if answered > 0 && observation.was_compared_again() {
        format!(", refreshed {}", times(answered))
    } else {
        format!(", refresh not processed, asked {}", times(requested))
    }
}

fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

/// Judges an application whose revision contains the commit: is that applied, and does it run well?
fn contains(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    let (app, now) = (&observation.app, observation.now);
    let status = app.status.sync.status.as_str();
    history.update(LastingPhase::Applied, status == "Synced", now);
    if let Some(decision) = operation::judge(request, observation) {
        history.update(LastingPhase::Idle, false, now);
        return Some(decision);
    }
    let idle = history.update(LastingPhase::Idle, status == "OutOfSync", now);
    match status {
        "Synced" => health::judge(request, observation, history),
        "OutOfSync" => Some(out_of_sync(request, observation, idle)),
        _ => {
            let at = revision::describe(request, app);
            let text = format!("is being compared at {at}, sync {status}");
            Some(WaitDecision::wait(
                NOT_COMPARED,
                text,
                vec![FollowUp::Refresh],
            ))
        }
    }
}

fn out_of_sync(request: &Request, observation: &Observation, idle: Duration) -> WaitDecision {
    let app = &observation.app;
    let here = format!("OutOfSync at {}", revision::describe(request, app));
    let error = app.condition("SyncError");
    if request.sync && (error.is_some() || !app.is_automated()) {
        return window::request_sync(request, observation, &here);
    }
    if let Some(message) = error {
        return operation::will_not_retry(&here, message).into();
    }
    if !app.is_automated() {
        let text = format!("is {here}, auto-sync disabled");
        return Conclusion::refused(AUTO_SYNC_OFF, text)
            .hinted("pass `--sync`, or set `spec.syncPolicy.automated`")
            .into();
    }
    if idle < IDLE_GRACE {
        return WaitDecision::wait(NOT_SYNCED, here, Vec::new());
    }
    let Some(windows) = &observation.windows else {
        return WaitDecision::wait(NOT_SYNCED, here, vec![FollowUp::Windows]);
    };
    if let Some(blocking) = window::blocking(windows) {
        return window::closed(request, &here, &blocking, FollowUp::Windows);
    }
    let text = format!("{here}{}", pruning(app));
    let follow_ups = vec![FollowUp::Windows, FollowUp::WholeState];
    WaitDecision::wait(NOT_SYNCED, text, follow_ups)
}

/// Says so if an application is only out of sync because no sync prunes.
fn pruning(app: &Application) -> String {
    let automated = app.spec.sync_policy.automated.as_ref();
    if automated.is_some_and(|automated| automated.prune == Some(true)) {
        return String::new();
    }
    let mut out_of_sync = app
        .status
        .resources
        .iter()
        .filter(|resource| resource.status == "OutOfSync");
    let all = out_of_sync.clone();
    match out_of_sync.next() {
        Some(first) if all.into_iter().all(|resource| resource.requires_pruning) => {
            let name = resource_name(first);
            format!(", only {name} is left to be pruned, and `prune` is off")
        }
        _ => String::new(),
    }
}

//! Whether the application is at the commit, Synced and Healthy.

use std::time::Duration;

use argocd::Application;
use contract::Fault;

use crate::{
    judge::{
        blame,
        decision::{Conclusion, WaitDecision},
        health,
        history::{ApplicationHistory, LastingPhase},
        message::{out_of_sync, resource_name, shared_out_of_sync, short, tidy},
        operation, rendering,
        revision::{self, AskedRevision, Containment, LackingRevision},
        source,
        sync_failure::sync_error_reason,
        turn, window,
    },
    observe::{FollowUp, Observation},
    reasons::{
        APP_DELETED, AUTO_SYNC_OFF, COMMIT_GONE, NOT_COMPARED, NOT_SYNCED, OLD_REVISION,
        RENDERS_NOTHING, SHARED_RESOURCE, STALE_STATUS, SYNC_ERROR, WRONG_SOURCE,
    },
    request::Request,
};

/// The grace period for an automatic sync, which starts within a second or two.
const IDLE_GRACE: Duration = Duration::from_secs(3);
/// The time at an old revision after which git is asked whether the branch still contains the
/// commit.
const BRANCH_GRACE: Duration = Duration::from_secs(10);

/// The values of an annotation that Go's `strconv.ParseBool` reads as true.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];

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
    if matches!(containment, Containment::Lacks(_)) {
        history.was_degraded_before |= observation.app.status.health.status == "Degraded";
        history
            .failed_before
            .extend(operation::failures(&observation.app));
    }
    let error = invalid_spec(observation)
        .or_else(|| rendering::comparison_error(request, observation, history, &containment))
        .or_else(|| rendering::hydration_error(request, observation, history));
    if error.is_some() {
        return error;
    }
    match containment {
        Containment::NotAsked(asked) => Some(not_asked(request, &observation.app, asked)),
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
        .is_some_and(|value| TRUE.contains(&value.as_str()))
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

/// Argo CD writes this condition alone when Kubernetes refuses the whole status
/// (`controller/appcontroller.go`, `persistAppStatus`); other conditions of that type are not about
/// the status.
fn is_about_status(message: &str) -> bool {
    message.starts_with("Application status exceeds ") || message.starts_with("failed to persist ")
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

fn not_asked(request: &Request, app: &Application, asked: AskedRevision) -> WaitDecision {
    let commit = match &asked.hydrated {
        Some(hydrated) => short(hydrated.as_str()).to_owned(),
        None => request.commit.short().to_owned(),
    };
    let text = format!(
        "at {}, and it is not known yet whether that contains {commit}",
        short(&asked.revision),
    );
    let question = revision::ask_ancestry(request, app, asked);
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
        return commit_gone(request, lacking).into();
    }
    if lacking.is_pinned && observation.answered_refreshes > 0 {
        let pinned = short(&lacking.revision);
        let text = format!("will not get the commit: its source is pinned to {pinned}");
        return Conclusion::refused(WRONG_SOURCE, text)
            .hinted("set its `spec.source.targetRevision` to the branch, or to the commit")
            .into();
    }
    let mut follow_ups = vec![FollowUp::Refresh];
    if (lasted >= BRANCH_GRACE || is_gone) && !lacking.revision.is_empty() {
        let asked = AskedRevision {
            revision: lacking.revision.clone(),
            branch: lacking.branch.clone(),
            hydrated: None,
        };
        let question = revision::ask_ancestry(request, &observation.app, asked);
        follow_ups.extend(question.filter(|_| !lacking.is_hydrated));
    }
    let text = old_revision_text(request, observation, lacking);
    WaitDecision::wait(OLD_REVISION, text, follow_ups)
}

fn commit_gone(request: &Request, lacking: &LackingRevision) -> Conclusion {
    let text = format!(
        "is at {}, and {} is no longer in {}",
        short(&lacking.revision),
        request.commit.short(),
        lacking.branch.as_deref().unwrap_or("the branch")
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
    } else if lacking.is_hydrated {
        let dry = request.commit.short();
        format!(
            "{dry} is hydrated, and still at {} of that branch",
            short(&lacking.revision)
        )
    } else {
        format!("still at {}", short(&lacking.revision))
    };
    let there = match &lacking.error {
        Some(error) => format!("and git could not tell whether that contains {commit} ({error})"),
        None => format!("{commit} is not there"),
    };
    let busy = match operation::running(&observation.app) {
        Some(operation) => format!("; {operation}"),
        None => hydrating(&observation.app),
    };
    format!("{at}, {there}{}{busy}", refreshes(observation))
}

/// Says so while Argo CD renders a dry commit into its branch.
fn hydrating(app: &Application) -> String {
    let status = app.status.source_hydrator.as_ref();
    let current = status.and_then(|status| status.current_operation.as_ref());
    match current.filter(|operation| operation.phase == "Hydrating") {
        Some(operation) => format!("; {} is being hydrated", short(&operation.dry)),
        None => String::new(),
    }
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
    if let Some(decision) = operation::judge(request, observation, history) {
        history.update(LastingPhase::Idle, false, now);
        return Some(decision);
    }
    let idle = history.update(LastingPhase::Idle, status == "OutOfSync", now);
    match status {
        "Synced" => health::judge(request, observation, history),
        "OutOfSync" => Some(judge_out_of_sync(request, observation, idle)),
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

fn judge_out_of_sync(request: &Request, observation: &Observation, idle: Duration) -> WaitDecision {
    let app = &observation.app;
    let here = format!("OutOfSync at {}", revision::describe(request, app));
    let error = app.condition("SyncError");
    if request.sync && (error.is_some() || !app.is_automated()) {
        return window::request_sync(request, observation, &here);
    }
    if let Some(message) = error {
        return sync_error(request, observation, &here, message);
    }
    if !app.is_automated() {
        return turn::judge(observation, &here);
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
    let follow_ups = vec![FollowUp::Windows, FollowUp::WholeState];
    if let Some(shared) = shared_out_of_sync(app) {
        return WaitDecision::wait(SHARED_RESOURCE, format!("{here}; {shared}"), follow_ups);
    }
    let pruning = pruning(app);
    let names = if pruning.is_empty() {
        out_of_sync(observation)
    } else {
        pruning
    };
    WaitDecision::wait(NOT_SYNCED, format!("{here}{names}"), follow_ups)
}

/// Judges Argo CD's explanation that it does not sync by itself.
fn sync_error(
    request: &Request,
    observation: &Observation,
    here: &str,
    message: &str,
) -> WaitDecision {
    let mut reason = sync_error_reason(message);
    // A commit that changes nothing of the application has the failure of the one before.
    let revisions = observation.app.revisions();
    let is_of_this = revisions.iter().any(|revision| message.contains(revision));
    let is_of_commit = message.contains(request.commit.as_str());
    if is_of_this && !is_of_commit {
        reason = blame::at_revision(request, &observation.app, reason);
    } else if !is_of_commit && reason.fault == Fault::Change {
        reason = SYNC_ERROR;
    }
    if reason == RENDERS_NOTHING {
        let text = format!("is {here}, and renders no resources: {}", tidy(message));
        let hint = "if that is intended, set `spec.syncPolicy.automated.allowEmpty`";
        return Conclusion::refused(reason, text).hinted(hint).into();
    }
    // Argo CD could not begin the sync, and tries that again.
    if !message.starts_with("Failed last sync attempt to ") {
        let text = format!("{here}, and its sync could not begin: {}", tidy(message));
        return WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::Refresh]);
    }
    // The operation's results tell more than the condition, which an earlier state may have.
    if observation.app.status.operation_state.is_none() && !observation.is_whole {
        let at = revision::describe(request, &observation.app);
        let text = format!("its sync to {at} failed: {}", tidy(message));
        return WaitDecision::wait(NOT_SYNCED, text, vec![FollowUp::WholeState]);
    }
    operation::will_not_retry(request, here, reason, message).into()
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

//! Whether a synced application is healthy.

use argocd::{Application, HealthStatus, ResourceStatus};
use contract::Reason;
use pods::{NOT_READY, PAUSED};

use crate::{
    judge::{
        blame,
        decision::{Conclusion, WaitDecision},
        history::{ApplicationHistory, LastingPhase},
        kinds::WORKLOADS,
        message::{hides_message, resource_name, tidy},
        revision,
        rollout::{degraded_reason, is_late},
        sync_failure::pull_failure,
    },
    observe::{FollowUp, Observation},
    reasons::{ANALYSIS_ERROR, DEGRADED_ELSEWHERE, NEWER_COMMIT_FAILED, ROLLOUT_ABORTED},
    request::{HealthScope, Request},
};

/// Judges the health; `None` when the application is healthy.
pub(super) fn judge(
    request: &Request,
    observation: &Observation,
    history: &mut ApplicationHistory,
) -> Option<WaitDecision> {
    let app = &observation.app;
    let here = format!("Synced at {}", revision::describe(request, app));
    let needs_resources =
        request.health_scope == HealthScope::Workloads && app.status.health.status != "Healthy";
    if needs_resources && !observation.is_whole {
        let follow_ups = vec![FollowUp::WholeState, FollowUp::FailingPods];
        return Some(WaitDecision::wait(NOT_READY, here, follow_ups));
    }
    let health = relevant_health(request, app);
    let is_degraded = health.status == "Degraded";
    let degraded = history.update(LastingPhase::Degraded, is_degraded, observation.now);
    match health.status.as_str() {
        "Healthy" => settled(observation, &here),
        "Suspended" if !observation.is_whole => {
            let text = format!("{here}, Suspended");
            let follow_ups = vec![FollowUp::WholeState];
            Some(WaitDecision::wait(NOT_READY, text, follow_ups))
        }
        "Suspended" if only_schedules_are_suspended(app) => settled(observation, &here),
        "Suspended" => Some(suspended(&here, app)),
        "Degraded" if degraded >= request.degraded_grace && observation.is_whole => {
            let culprit = culprit(request, app, &health, history);
            if culprit.is_late_only {
                return Some(not_ready(request, &here, app, &health, history));
            }
            let text = format!("is {here} and Degraded: {}", culprit.text);
            let hint = degraded_hint(culprit.reason);
            let mut conclusion = Conclusion::refused(culprit.reason, text).hinted(hint);
            if culprit.reason == NEWER_COMMIT_FAILED {
                conclusion = conclusion.hinted(blame::newer_commit_hint(request));
            }
            let conclusion = match other_scope(request, app) {
                Some(hint) => conclusion.hinted(hint),
                None => conclusion,
            };
            Some(conclusion.into())
        }
        _ => Some(not_ready(request, &here, app, &health, history)),
    }
}

fn degraded_hint(reason: Reason) -> &'static str {
    match reason {
        ROLLOUT_ABORTED => {
            "find out who aborted it, and start it again: `kubectl argo rollouts retry rollout NAME`"
        }
        ANALYSIS_ERROR => {
            "mend the analysis or the system that it asks, and start the rollout again: \
             `kubectl argo rollouts retry rollout NAME`"
        }
        _ => "if that may take longer, pass a longer `--degraded-grace`",
    }
}

/// Waits for a state that is later than the end of the operation; `None` for one that is.
fn settled(observation: &Observation, here: &str) -> Option<WaitDecision> {
    if observation.is_settled() {
        return None;
    }
    let text = format!("{here}, its operation has just ended");
    Some(WaitDecision::wait(NOT_READY, text, vec![FollowUp::Refresh]))
}

/// A suspended CronJob, or a suspended Job, runs nothing now, as git wants it; a paused scaler of
/// KEDA leaves the number of pods as it is.
fn only_schedules_are_suspended(app: &Application) -> bool {
    const SCHEDULES: [&str; 4] = ["CronJob", "Job", "ScaledObject", "ScaledJob"];
    let resources = app.status.resources.iter();
    let mut suspended = resources.filter(|resource| has_health(resource, "Suspended"));
    let all = suspended.clone();
    suspended.next().is_some()
        && all
            .into_iter()
            .all(|resource| SCHEDULES.contains(&resource.kind.as_str()))
}

fn not_ready(
    request: &Request,
    here: &str,
    app: &Application,
    health: &HealthStatus,
    history: &ApplicationHistory,
) -> WaitDecision {
    let status = &health.status;
    let mut text = format!("{here}, {status}");
    let culprit = culprit(request, app, health, history).text;
    if !culprit.is_empty() {
        text = format!("{text}: {culprit}");
    }
    if let Some(warning) = &history.pod_warning {
        text = format!("{text}; {warning}");
    }
    let mut follow_ups = vec![FollowUp::FailingPods];
    if status == "Degraded" {
        follow_ups.push(FollowUp::WholeState);
    }
    WaitDecision::wait(NOT_READY, text, follow_ups)
}

/// Refuses a paused Deployment, which stays paused; a rollout that pauses itself continues.
fn suspended(here: &str, app: &Application) -> WaitDecision {
    let resources = app.status.resources.iter();
    let mut suspended = resources.filter(|resource| has_health(resource, "Suspended"));
    let first = suspended.clone().next();
    if let Some(deployment) = suspended.find(|resource| resource.kind == "Deployment") {
        let text = format!("is {here}, and {} is paused", resource_name(deployment));
        return Conclusion::refused(PAUSED, text)
            .hinted("set `spec.paused` of the Deployment to false, in git")
            .into();
    }
    let what = match first {
        Some(resource) => {
            let health = resource.health.as_ref();
            let message = health.map_or("", |health| health.message.as_str());
            let message = match message {
                "" => String::new(),
                message => format!(" ({})", tidy(message)),
            };
            format!(": {}{message}", resource_name(resource))
        }
        None => String::new(),
    };
    let text = format!("{here}, Suspended{what}");
    WaitDecision::wait(NOT_READY, text, vec![FollowUp::FailingPods])
}

/// Returns the flag that leaves out what makes the application unhealthy, if no workload does.
pub(super) fn other_scope(request: &Request, app: &Application) -> Option<String> {
    let status = app.status.health.status.as_str();
    let mut resources = app.status.resources.iter();
    let first = resources.find(|resource| has_health(resource, status))?;
    let is_workload = |resource: &ResourceStatus| WORKLOADS.contains(&resource.kind.as_str());
    let mut unhealthy = app.status.resources.iter();
    let is_by_workload =
        unhealthy.any(|resource| has_health(resource, status) && is_workload(resource));
    let is_meant = request.health_scope == HealthScope::App && !is_by_workload;
    is_meant.then(|| {
        let name = resource_name(first);
        format!("if {name} does not matter here, pass `--health-scope workloads`")
    })
}

/// Returns the health that counts: that of the application, or the worst of its workloads.
fn relevant_health(request: &Request, app: &Application) -> HealthStatus {
    const WORST_FIRST: [&str; 5] = ["Degraded", "Suspended", "Missing", "Unknown", "Progressing"];
    let whole = &app.status.health;
    if request.health_scope == HealthScope::App || whole.status == "Healthy" {
        return whole.clone();
    }
    let workloads: Vec<&HealthStatus> = app
        .status
        .resources
        .iter()
        .filter(|resource| WORKLOADS.contains(&resource.kind.as_str()))
        .filter_map(|resource| resource.health.as_ref())
        .collect();
    let worst = WORST_FIRST
        .iter()
        .find_map(|status| workloads.iter().find(|health| health.status == *status));
    match worst {
        Some(health) => (*health).clone(),
        None => HealthStatus {
            status: "Healthy".to_owned(),
            message: String::new(),
        },
    }
}

fn has_health(resource: &ResourceStatus, status: &str) -> bool {
    resource
        .health
        .as_ref()
        .is_some_and(|health| health.status == status)
}

/// The resource that gives the application its health.
struct Culprit {
    /// Its name and its message.
    text: String,
    /// The reason, if that health lasts too long.
    reason: Reason,
    /// Whether only its deadline has passed: all of its pods are healthy, so what it still waits for
    /// is not proven to be the change's.
    is_late_only: bool,
}

/// Returns the resource that gives the application its health: one that runs the image, else a
/// workload, else any.
fn culprit(
    request: &Request,
    app: &Application,
    health: &HealthStatus,
    history: &ApplicationHistory,
) -> Culprit {
    let resources = || {
        let resources = app.status.resources.iter();
        resources.filter(|resource| has_health(resource, &health.status))
    };
    let runs_image =
        |resource: &&ResourceStatus| history.image_roots.contains(&resource_name(resource));
    let is_workload = |resource: &&ResourceStatus| WORKLOADS.contains(&resource.kind.as_str());
    let found = resources()
        .find(runs_image)
        .or_else(|| resources().find(is_workload))
        .or_else(|| resources().next());
    let Some(resource) = found else {
        return Culprit {
            text: health.message.clone(),
            reason: DEGRADED_ELSEWHERE,
            is_late_only: false,
        };
    };
    // Before the pods were read, any workload may be one that runs the image.
    let is_unknown = request.image.is_none() || history.image_roots.is_empty();
    let may_run_image = is_unknown && is_workload(&resource);
    let said = resource
        .health
        .as_ref()
        .map_or("", |own| own.message.as_str());
    let own = degraded_reason(&resource.kind, said);
    let reason = if let Some(reason) = unfetched(request, said) {
        reason
    } else if runs_image(&resource) {
        unless_before(history, true, own)
    } else {
        blame::at_revision(request, app, unless_before(history, may_run_image, own))
    };
    Culprit {
        text: culprit_text(request, resource, health),
        reason,
        is_late_only: is_late(said) && history.is_ready(&resource.kind, &resource.name),
    }
}

/// Returns why a resource without pods cannot get the image: Knative asks the registry itself
/// (`pkg/apis/serving/v1/revision_lifecycle.go`, `MarkContainerHealthyFalse`).
fn unfetched(request: &Request, said: &str) -> Option<Reason> {
    let (_, rest) = said.split_once("Unable to fetch image \"")?;
    let (named, cause) = rest.split_once("\": ")?;
    let is_wanted = request.image.as_ref()?.is_named(named);
    let cause = cause.lines().next().unwrap_or(cause);
    is_wanted.then(|| pull_failure(cause))?
}

/// The change is to blame only for a workload of it that was not Degraded before.
fn unless_before(history: &ApplicationHistory, is_of_change: bool, own: Reason) -> Reason {
    if is_of_change && !history.was_degraded_before {
        own
    } else {
        DEGRADED_ELSEWHERE
    }
}

fn culprit_text(request: &Request, resource: &ResourceStatus, health: &HealthStatus) -> String {
    let name = resource_name(resource);
    let message = resource.health.as_ref().map(|own| own.message.as_str());
    let message = message.filter(|_| !hides_message(request, &resource.kind));
    match message.unwrap_or_default() {
        // Argo CD gives no message for an Ingress that waits for its load balancer.
        "" if resource.kind == "Ingress" && health.status == "Progressing" => {
            format!("{name}: no address yet")
        }
        "" => name,
        message => format!("{name}: {}", tidy(message)),
    }
}

//! Whether a synced application is healthy.

use argocd::{Application, HealthStatus, ResourceStatus};
use pods::{NOT_READY, PAUSED};

use crate::{
    judge::{
        decision::{Conclusion, WaitDecision},
        history::{ApplicationHistory, LastingPhase},
        message::{hides_message, resource_name},
        revision,
    },
    observe::{FollowUp, Observation},
    reasons::DEGRADED,
    request::{HealthScope, Request},
};

/// The kinds of resources that run pods.
const WORKLOADS: [&str; 7] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Rollout",
    "Job",
    "Pod",
];

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
        "Healthy" if observation.is_settled() => None,
        "Healthy" => {
            let text = format!("{here}, its operation has just ended");
            Some(WaitDecision::wait(NOT_READY, text, vec![FollowUp::Refresh]))
        }
        "Suspended" if observation.is_whole => Some(suspended(&here, app)),
        "Suspended" => {
            let text = format!("{here}, Suspended");
            Some(WaitDecision::wait(
                NOT_READY,
                text,
                vec![FollowUp::WholeState],
            ))
        }
        "Degraded" if degraded >= request.degraded_grace && observation.is_whole => {
            let culprit = culprit(request, app, &health);
            let text = format!("is {here} and Degraded: {culprit}");
            let hint = "if that may take longer, pass a longer `--degraded-grace`";
            Some(Conclusion::refused(DEGRADED, text).hinted(hint).into())
        }
        _ => Some(not_ready(request, &here, app, &health)),
    }
}

fn not_ready(
    request: &Request,
    here: &str,
    app: &Application,
    health: &HealthStatus,
) -> WaitDecision {
    let status = &health.status;
    let mut text = format!("{here}, {status}");
    let culprit = culprit(request, app, health);
    if !culprit.is_empty() {
        text = format!("{text}: {culprit}");
    }
    let mut follow_ups = vec![FollowUp::FailingPods];
    if status == "Degraded" {
        follow_ups.push(FollowUp::WholeState);
    }
    WaitDecision::wait(NOT_READY, text, follow_ups)
}

/// Refuses a paused Deployment, which stays paused; a rollout that pauses itself continues.
fn suspended(here: &str, app: &Application) -> WaitDecision {
    let mut resources = app.status.resources.iter();
    let paused = resources
        .find(|resource| resource.kind == "Deployment" && has_health(resource, "Suspended"));
    let Some(deployment) = paused else {
        let text = format!("{here}, Suspended");
        return WaitDecision::wait(NOT_READY, text, vec![FollowUp::FailingPods]);
    };
    let text = format!("is {here}, and {} is paused", resource_name(deployment));
    Conclusion::refused(PAUSED, text)
        .hinted("set `spec.paused` of the Deployment to false, in git")
        .into()
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

/// Returns the resource that gives the application its health, and the resource's message.
fn culprit(request: &Request, app: &Application, health: &HealthStatus) -> String {
    let mut resources = app.status.resources.iter();
    let Some(resource) = resources.find(|resource| has_health(resource, &health.status)) else {
        return health.message.clone();
    };
    let name = resource_name(resource);
    let message = resource.health.as_ref().map(|own| own.message.as_str());
    let message = message.filter(|_| !hides_message(request, &resource.kind));
    match message.unwrap_or_default() {
        // Argo CD gives no message for an Ingress that waits for its load balancer.
        "" if resource.kind == "Ingress" && health.status == "Progressing" => {
            format!("{name}: no address yet")
        }
        "" => name,
        message => format!("{name}: {message}"),
    }
}

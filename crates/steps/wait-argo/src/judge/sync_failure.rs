//! Why a sync failed, and whose error that is: all that Argo CD's sources can say.
//!
//! A message is read from its beginning, as Argo CD writes it. Only what is proven to be the
//! manifests' fault is the change's.

use std::time::Duration;

use argocd::{OperationState, ResourceResult};
use contract::{Fault, Reason};
use pods::{GracePeriods, Pod, PodHistory, Summary, unrecoverable};

use crate::{
    judge::{
        api_error::api_refusal, comparison::comparison_failure, kinds::WORKLOADS, message::tidy,
        rollout::degraded_reason,
    },
    reasons::{
        DEGRADED_ELSEWHERE, HOOK_FAILED, HOOK_TIMED_OUT, RENDERS_NOTHING, SHARED_RESOURCE,
        SYNC_ERROR, SYNC_FORBIDDEN, SYNC_TERMINATED, SYNC_TIMED_OUT, UNSIGNED, WRONG_SOURCE,
    },
};

/// Why a sync failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SyncFailure<'a> {
    pub(super) reason: Reason,
    /// The resource that failed, if one did.
    pub(super) resource: Option<&'a ResourceResult>,
}

impl SyncFailure<'_> {
    /// Returns whether a retry of the sync cannot help. A namespace or a custom resource definition
    /// may come from another application of the same push.
    pub(super) fn is_final(self) -> bool {
        const FINAL: [Reason; 7] = [
            SYNC_TERMINATED,
            SYNC_FORBIDDEN,
            SHARED_RESOURCE,
            WRONG_SOURCE,
            UNSIGNED,
            pods::QUOTA,
            pods::CLUSTER_POLICY,
        ];
        self.reason.fault == Fault::Change || FINAL.contains(&self.reason)
    }
}

/// The meaning of the beginning of an operation's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Reason(Reason),
    /// A person, a program or a time limit ended the operation.
    Terminated,
    /// The results of the resources tell, else the rest of the message.
    Resources,
    /// The rest is the message of a `ComparisonError`.
    Comparison,
}

/// The message of an operation that failed, and where Argo CD writes it.
#[derive(Debug)]
pub(super) struct OperationMessage {
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test walks it"))]
    pub(super) source: &'static str,
    pub(super) begin: &'static str,
    pub(super) meaning: Beginning,
}

const fn message(
    source: &'static str,
    begin: &'static str,
    meaning: Beginning,
) -> OperationMessage {
    OperationMessage {
        source,
        begin,
        meaning,
    }
}

const ENGINE: &str = "gitops-engine/pkg/sync/sync_context.go";
const SYNC: &str = "argo-cd/controller/sync.go, SyncAppState";
const APP: &str = "argo-cd/controller/appcontroller.go";
const ERROR: Beginning = Beginning::Reason(SYNC_ERROR);
const FORBIDDEN: Beginning = Beginning::Reason(SYNC_FORBIDDEN);

/// All messages of operations in the phases `Failed` and `Error`.
pub(super) const MESSAGES: [OperationMessage; 29] = [
    message(ENGINE, "Operation terminated", Beginning::Terminated),
    message(
        ENGINE,
        "Operation termination had errors",
        Beginning::Terminated,
    ),
    message(APP, "operation is terminat", Beginning::Terminated),
    message(
        ENGINE,
        "one or more objects failed to apply",
        Beginning::Resources,
    ),
    message(
        ENGINE,
        "one or more synchronization tasks",
        Beginning::Resources,
    ),
    message(
        ENGINE,
        "one or more SyncFail hooks failed",
        Beginning::Resources,
    ),
    message(
        ENGINE,
        "the namespace failed to apply",
        Beginning::Resources,
    ),
    message(ENGINE, "namespace auto creation failed", ERROR),
    message(ENGINE, "SyncWaveHook failed", ERROR),
    message(SYNC, "ComparisonError: ", Beginning::Comparison),
    message(SYNC, "InvalidSpecError: ", Beginning::Reason(WRONG_SOURCE)),
    message(
        SYNC,
        "Shared resource found: ",
        Beginning::Reason(SHARED_RESOURCE),
    ),
    message(SYNC, "Sync operation blocked by sync window", ERROR),
    message(SYNC, "Invalid operation request", ERROR),
    message(SYNC, "Failed to generate sync ID", ERROR),
    message(SYNC, "Failed to get destination cluster", ERROR),
    message(SYNC, "Failed to load resource overrides", ERROR),
    message(SYNC, "failed to load openAPISchema", ERROR),
    message(SYNC, "Failed to normalize target resources", ERROR),
    message(SYNC, "failed to derive service account", FORBIDDEN),
    message(SYNC, "no matching service account found", FORBIDDEN),
    message(SYNC, "failed to find a matching service account", FORBIDDEN),
    message(SYNC, "failed to check impersonation", ERROR),
    message(SYNC, "failed to initialize sync context", ERROR),
    message(SYNC, "failed to record sync to history", ERROR),
    message(APP, "Failed to load application project", ERROR),
    message(APP, "Retrying operation", ERROR),
    message(
        APP,
        "Skipping sync attempt to ",
        Beginning::Reason(RENDERS_NOTHING),
    ),
    message(APP, "runtime error: ", ERROR),
];

/// Returns why an operation failed.
pub(super) fn sync_failure(state: &OperationState) -> SyncFailure<'_> {
    let results = match &state.sync_result {
        Some(result) => result.resources.as_slice(),
        None => &[],
    };
    failure(&state.message, state.phase == "Error", results)
}

/// Returns why a sync failed by the message of a `SyncError`, which quotes the operation's.
pub(super) fn sync_error_reason(condition: &str) -> Reason {
    // `Failed last sync attempt to [1a2b]: one or more …`
    let quoted = condition.strip_prefix("Failed last sync attempt to ");
    let quoted = quoted.and_then(|rest| rest.split_once("]: "));
    let message = quoted.map_or(condition, |(_, message)| message);
    failure(message, false, &[]).reason
}

fn failure<'r>(message: &str, is_error: bool, results: &'r [ResourceResult]) -> SyncFailure<'r> {
    let of_whole = |reason| SyncFailure {
        reason,
        resource: None,
    };
    let mut known = MESSAGES.iter();
    let known = known.find(|known| message.starts_with(known.begin));
    let rest = known.map_or(message, |known| &message[known.begin.len()..]);
    match known.map(|known| known.meaning) {
        Some(Beginning::Reason(reason)) => of_whole(reason),
        Some(Beginning::Terminated) => of_whole(terminated(message)),
        Some(Beginning::Comparison) => of_whole(comparison_failure(rest)),
        _ => match failed_resource(results) {
            Some((reason, resource)) => SyncFailure {
                reason,
                resource: Some(resource),
            },
            // The phase `Error` is Argo CD's own, and not about a manifest.
            None if is_error => of_whole(SYNC_ERROR),
            None => of_whole(api_refusal(rest)),
        },
    }
}

/// Returns the resources that failed, each with its message.
pub(super) fn failed_resources(state: &OperationState) -> Vec<String> {
    let results = state.sync_result.iter();
    let results = results.flat_map(|result| &result.resources);
    let failed = results.filter(|result| result_reason(result).is_some());
    failed.map(identity).collect()
}

/// Returns a failed resource with its message, to recognize the same failure in another sync.
pub(super) fn identity(result: &ResourceResult) -> String {
    let message = tidy(&result.message);
    format!("{}/{}: {message}", result.kind, result.name)
}

/// Since Argo CD 3.1 the message tells whether its own time limit ended the operation.
fn terminated(message: &str) -> Reason {
    let is_late = message.contains(", triggered by controller sync timeout")
        || message.starts_with("operation is terminating due to timeout")
        || message.starts_with("operation is terminated due to timeout");
    if is_late {
        SYNC_TIMED_OUT
    } else {
        SYNC_TERMINATED
    }
}

/// Returns the resource that made the sync fail: the first whose failure is proven to be the
/// change's, else the first at all. A `SyncFail` hook runs after that, so its own failure is a
/// consequence.
fn failed_resource(results: &[ResourceResult]) -> Option<(Reason, &ResourceResult)> {
    let failed = |is_late: bool| {
        let results = results
            .iter()
            .filter(move |result| (result.hook_type == "SyncFail") == is_late);
        results.filter_map(|result| Some((result_reason(result)?, result)))
    };
    let first = failed(false).find(|(reason, _)| reason.fault == Fault::Change);
    first.or_else(|| failed(false).next()).or_else(|| {
        let (_, hook) = failed(true).next()?;
        Some((SYNC_ERROR, hook))
    })
}

/// Returns why a resource failed, if it did.
fn result_reason(result: &ResourceResult) -> Option<Reason> {
    let is_hook = !result.hook_type.is_empty();
    match (result.status.as_str(), result.hook_phase.as_str()) {
        // Argo CD could not ask for the resource, or it was deleted.
        (_, "Error") if result.message != "Terminated" && !is_own_end(result) => Some(SYNC_ERROR),
        // Argo CD deletes a hook before it creates it again: that one was still there (argo-cd#7430).
        ("SyncFailed", _) if is_hook && result.message.contains("field is immutable") => {
            Some(SYNC_ERROR)
        }
        ("SyncFailed", _) => Some(api_refusal(&result.message)),
        (_, "Failed" | "Error") if result.message == "Terminated" => Some(SYNC_TERMINATED),
        (_, "Failed" | "Error") if is_hook => Some(hook_reason(result)),
        // A wave waits for its resources, and this one became Degraded.
        (_, "Failed" | "Error") if WORKLOADS.contains(&result.kind.as_str()) => {
            Some(degraded_reason(&result.kind, &result.message))
        }
        (_, "Failed" | "Error") => Some(DEGRADED_ELSEWHERE),
        _ => None,
    }
}

/// A workflow ends with the phase `Error` by itself (`gitops-engine/pkg/health`); Argo CD's own
/// errors have these beginnings.
fn is_own_end(result: &ResourceResult) -> bool {
    const OWN_ERRORS: [&str; 8] = [
        "failed to get resource health",
        "Failed to get live resource",
        "Failed to get hook health",
        "Failed to remove hook finalizer",
        "failed to remove hook finalizer",
        "failed to delete resource",
        "Failed to delete",
        "Resource ",
    ];
    !OWN_ERRORS
        .iter()
        .any(|begin| result.message.starts_with(begin))
}

/// A Job says by itself that its time is over (`pkg/controller/job/job_controller.go`): that
/// proves nothing against the change, since its pod may not even have started.
fn hook_reason(result: &ResourceResult) -> Reason {
    let message = result.message.as_str();
    if message.starts_with("Job was active longer than specified deadline") {
        HOOK_TIMED_OUT
    } else if message.starts_with("Failed to delete") {
        SYNC_ERROR
    } else if result.kind == "Pod" {
        pull_reason(message).unwrap_or(HOOK_FAILED)
    } else {
        HOOK_FAILED
    }
}

/// Returns why the image of a hook that is a pod could not be pulled, if its health says that
/// (`gitops-engine/pkg/health/health_pod.go` quotes the kubelet).
fn pull_reason(message: &str) -> Option<Reason> {
    const BEGINNINGS: [&str; 4] = [
        "Back-off pulling image ",
        "failed to pull ",
        "rpc error: code = ",
        "Error response from daemon: ",
    ];
    BEGINNINGS
        .iter()
        .find(|begin| message.starts_with(*begin))?;
    pull_failure(message)
}

/// Returns why an image could not be pulled, by the words of a node or a registry.
pub(super) fn pull_failure(message: &str) -> Option<Reason> {
    let pod = Pod::from_summary(Summary {
        status: "ImagePullBackOff".to_owned(),
        message: message.to_owned(),
        ..Summary::default()
    });
    let mut history = PodHistory::default();
    history.observe(&pod, Duration::ZERO);
    let failure = unrecoverable(&pod, &history, &GracePeriods::default().expired());
    failure.map(|failure| failure.reason)
}

#[cfg(test)]
mod tests;

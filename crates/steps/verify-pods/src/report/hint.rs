//! What to do about a reason.

use contract::Reason;
use pods::Pod;

use crate::{
    judge::WorkloadJudgement,
    reasons::{
        CLUSTER_POLICY, CONFIG_ERROR, CRASH_LOOP, CRASHED_BEFORE, CREATE_FAILED, EVICTED,
        IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, MIXED_DIGESTS, NAME_RESERVED, NO_PODS,
        NODE_LOST, NODE_POLICY, NODE_PRESSURE, NODE_RUNTIME, NOT_AVAILABLE, NOT_READY, OLD_PODS,
        ON_DELETE, PARTITIONED, PAUSED, POD_REJECTED, QUOTA, RESTARTED, SANDBOX, SETTINGS_MISSING,
        SIDECAR, START_FAILED, STUCK_POD, UNKNOWN_DIGEST, UNSCHEDULABLE,
    },
};

/// Returns what to do about the reason of a workload.
pub(super) fn of(reason: Reason, worst: &WorkloadJudgement) -> Option<String> {
    let pod = worst.culprit().map(|(pod, _)| pod);
    let hint = match reason {
        NODE_RUNTIME | NAME_RESERVED | START_FAILED | NODE_PRESSURE | POD_REJECTED
        | NODE_POLICY => return Some(about_node(pod, "")),
        NODE_LOST => {
            let more = "; if it does not come back, delete its pods with `--force`";
            return Some(about_node(lost(worst).or(pod), more));
        }
        OLD_PODS | NOT_AVAILABLE | NOT_READY if worst.title.starts_with("rollout/") => {
            "look at its step (`kubectl argo rollouts get rollout NAME`): promote it if it is \
             paused, or pass a longer `--timeout`"
        }
        STUCK_POD => return Some(delete(pod?)),
        NO_PODS if worst.title.is_empty() => {
            "check `--namespace` and the repository of `--image`; name a workload of another kind \
             with `--workload`, such as `rollout/NAME`"
        }
        OLD_PODS | NOT_READY if worst.title.is_empty() => {
            "name the workloads that count with `--workload`; one of another kind, such as \
             `rollout/NAME`, is found by its name only"
        }
        reason => fixed(reason)?,
    };
    Some(hint.to_owned())
}

fn fixed(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        IMAGE_NOT_FOUND => {
            "run `check-image` with every platform of the cluster's nodes before this step"
        }
        IMAGE_PULL_DENIED => {
            "give the pods a pull secret that is valid for this registry (`imagePullSecrets`)"
        }
        IMAGE_PULL => "pass a longer `--pull-grace` if the registry recovers by itself",
        CRASH_LOOP => {
            "if it may end until something else has started, pass a larger `--max-restarts`, or 0"
        }
        CRASHED_BEFORE => {
            "check what both versions need, such as a database: a rollback may not help"
        }
        CONFIG_ERROR | SETTINGS_MISSING => {
            "pass a longer `--config-grace` if an operator creates what is missing"
        }
        UNSCHEDULABLE => {
            "make room, or pass a longer `--schedule-grace` if nodes are added automatically"
        }
        SANDBOX => {
            "check the network plugin of the node and its free addresses; \
             pass a longer `--schedule-grace` if it recovers by itself"
        }
        CREATE_FAILED => {
            "check what the message names: restore the webhook, or exempt this namespace from it"
        }
        CLUSTER_POLICY => {
            "check which rule the message names, and whether the pods from before pass it"
        }
        QUOTA => "raise the quota, or lower what the pods request",
        EVICTED => {
            "raise the limit (`ephemeral-storage`, `sizeLimit` of the volume), or write less"
        }
        SIDECAR => "check that container: the image that this step verifies is not to blame",
        reason => of_workload(reason)?,
    })
}

/// Returns what to do about a reason of a workload as a whole.
fn of_workload(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        NO_PODS => {
            "check `--namespace`, `--workload` and the repository of `--image`; \
             pass `--allow-zero` if the workload may have no pods, and name one of another kind \
             with `--workload`, such as `rollout/NAME`"
        }
        PAUSED => "run `kubectl rollout resume`, or remove `paused: true` from the manifest",
        ON_DELETE => "delete the old pods, or set `updateStrategy.type: RollingUpdate`",
        PARTITIONED => {
            "set `updateStrategy.rollingUpdate.partition: 0` to bring the image to all pods"
        }
        MIXED_DIGESTS => {
            "deploy the image by digest; pass `--digest` for every platform if the nodes differ"
        }
        UNKNOWN_DIGEST => "leave out digests to check the tag only, where nodes tell no image id",
        OLD_PODS => {
            "check that the deployed commit names this image (`wait-argo`), \
             and what keeps the old pods"
        }
        NOT_AVAILABLE => "pass a `--timeout` that is longer than `minReadySeconds`",
        NOT_READY | RESTARTED => "pass a longer `--timeout` if the pods start slowly",
        _ => return None,
    })
}

/// Returns the pod whose node does not answer.
fn lost(worst: &WorkloadJudgement) -> Option<&Pod> {
    worst.pods.iter().find(|pod| pod.lost_node().is_some())
}

fn about_node(pod: Option<&Pod>, more: &str) -> String {
    let node = pod.and_then(|pod| pod.node.as_deref()).unwrap_or("NODE");
    format!("check the node (`kubectl describe node {node}`){more}")
}

fn delete(pod: &Pod) -> String {
    format!(
        "delete the pod: `kubectl --namespace {} delete pod {}`",
        pod.namespace, pod.name
    )
}

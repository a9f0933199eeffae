use argocd::{ApplicationTree, HealthStatus, NodeInfo, ParentRef};
use pods::{IMAGE_NOT_FOUND, QUOTA};

use super::*;
use crate::observe::{ApplicationPods, failed_controllers, summarize};

const CREATED: &str = "2026-01-01T00:00:10Z";

fn node(kind: &str, name: &str, parent: &str, info: &[(&str, &str)]) -> ResourceNode {
    let info = info.iter().map(|(name, value)| NodeInfo {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    let parent = ParentRef {
        uid: parent.to_owned(),
        ..ParentRef::default()
    };
    ResourceNode {
        group: if kind == "ReplicaSet" { "apps" } else { "" }.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: name.to_owned(),
        parent_refs: vec![parent],
        info: info.collect(),
        images: vec!["ghcr.io/a/dex:v2".to_owned()],
        created_at: Some(CREATED.to_owned()),
        ..ResourceNode::default()
    }
}

fn crash_looping() -> ResourceNode {
    let info = [
        ("Status Reason", "CrashLoopBackOff"),
        ("Restart Count", "7"),
    ];
    node("Pod", "dex-1", "r", &info)
}

fn health(mut node: ResourceNode, status: &str, message: &str) -> ResourceNode {
    node.health = Some(HealthStatus {
        status: status.to_owned(),
        message: message.to_owned(),
    });
    node
}

/// Observes a pod by its line in the tree.
fn observation(node: &ResourceNode) -> Observation {
    let pods = ApplicationPods {
        pods: vec![ObservedPod {
            node: node.clone(),
            pod: summarize(node),
            has_details: false,
        }],
        ..ApplicationPods::default()
    };
    let mut observation = Observation::default();
    observation.pod_histories.update(&pods, Duration::ZERO);
    observation.pods = Some(pods);
    observation
}

fn all() -> CountedPods<'static> {
    CountedPods {
        older: true,
        ..CountedPods::default()
    }
}

#[test]
fn a_line_of_the_tree_proves_a_failure() {
    let message =
        "Back-off pulling image \"ghcr.io/a/dex:v2\": ErrImagePull: ghcr.io/a/dex:v2: not found";
    let info = [("Status Reason", "ImagePullBackOff")];
    let pod = health(node("Pod", "dex-1", "r", &info), "Degraded", message);
    let failure = unrecoverable_resource(&observation(&pod), all()).unwrap();
    assert_eq!(
        (failure.reason, failure.name.as_str()),
        (IMAGE_NOT_FOUND, "dex-1")
    );
}

#[test]
fn older_pods_do_not_count_during_a_rollout() {
    let observation = observation(&crash_looping());
    let fails = |counted| unrecoverable_resource(&observation, counted).is_some();
    let image = |tag: &str| {
        let image = format!("ghcr.io/a/dex:{tag}");
        ImageMatcher::new(image.parse().unwrap(), Vec::new(), Vec::new())
    };
    let (requested, other) = (image("v2"), image("v3"));
    let applied = |at, image| CountedPods {
        created_after: Some(at),
        image,
        older: false,
    };
    assert!(fails(all()));
    assert!(!fails(CountedPods::default()), "nothing was applied");
    assert!(
        fails(applied("2026-01-01T00:00:09Z", None)),
        "created after it"
    );
    assert!(
        !fails(applied("2026-01-01T00:00:11Z", Some(&requested))),
        "created before it"
    );
    assert!(
        fails(applied(CREATED, Some(&requested))) && !fails(applied(CREATED, Some(&other))),
        "created in that second"
    );
}

#[test]
fn an_old_stateful_set_pod_may_still_be_replaced() {
    let mut pod = crash_looping();
    pod.parent_refs[0].kind = "StatefulSet".to_owned();
    let observation = observation(&pod);
    let fails = |counted| unrecoverable_resource(&observation, counted).is_some();
    let applied = |at| CountedPods {
        created_after: Some(at),
        ..all()
    };
    assert!(!fails(applied("2026-01-01T00:00:11Z")));
    assert!(fails(applied("2026-01-01T00:00:09Z")));
    assert!(fails(all()), "nothing was applied that would replace it");
}

#[test]
fn a_job_may_fail_but_needs_its_image() {
    let fails = |status: &str| {
        let info = [("Status Reason", status)];
        let mut pod = node("Pod", "migrate-1", "migrate", &info);
        pod.parent_refs[0].kind = "Job".to_owned();
        let pod = health(pod, "Degraded", "ghcr.io/a/dex:v2: not found");
        unrecoverable_resource(&observation(&pod), all())
    };
    assert!(fails("Error").is_none() && fails("CrashLoopBackOff").is_none());
    assert_eq!(fails("ImagePullBackOff").unwrap().reason, IMAGE_NOT_FOUND);
}

#[test]
fn a_failing_controller_has_a_grace_period() {
    let set = node("ReplicaSet", "dex-new", "dex", &[("Revision", "Rev:2")]);
    let message = "pods \"dex-1\" is forbidden: exceeded quota: small, requested: pods=1";
    let old = node("ReplicaSet", "dex-old", "dex", &[("Revision", "Rev:1")]);
    let tree = ApplicationTree {
        nodes: vec![health(set, "Degraded", message), old],
    };
    let pods = ApplicationPods {
        failed_controllers: failed_controllers(&tree),
        ..ApplicationPods::default()
    };
    let mut observation = Observation::default();
    observation.pod_histories.update(&pods, Duration::ZERO);
    observation.pods = Some(pods);
    assert!(unrecoverable_resource(&observation, all()).is_none());
    observation.now = Duration::from_secs(10);
    let failure = unrecoverable_resource(&observation, all()).unwrap();
    assert_eq!(
        (failure.reason, failure.name.as_str()),
        (QUOTA, "ReplicaSet/dex-new")
    );
}

use argocd::{NodeInfo, ParentRef};

use super::*;

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
        ..ResourceNode::default()
    }
}

#[test]
fn only_pods_of_the_newest_replica_sets_count() {
    let tree = ApplicationTree {
        nodes: vec![
            node("ReplicaSet", "dex-old", "dex", &[("Revision", "Rev:9")]),
            node("ReplicaSet", "dex-new", "dex", &[("Revision", "Rev:10")]),
            node("ReplicaSet", "web-1", "web", &[("Revision", "Rev:1")]),
            node("Pod", "dex-old-a", "dex-old", &[]),
            node("Pod", "dex-new-a", "dex-new", &[]),
            node("Pod", "web-1-a", "web-1", &[]),
            node("Pod", "alone", "", &[]),
        ],
    };
    let names: Vec<&str> = current_pods(&tree)
        .iter()
        .map(|pod| pod.name.as_str())
        .collect();
    assert_eq!(names, ["dex-new-a", "web-1-a", "alone"]);
}

#[test]
fn a_failing_pod_needs_details_and_a_starting_one_does_not() {
    let fails = |status: &str, restarts: &str| {
        let info = [("Status Reason", status), ("Restart Count", restarts)];
        looks_failing(&node("Pod", "p", "r", &info))
    };
    for status in [
        "ImagePullBackOff",
        "Init:CrashLoopBackOff",
        "Init:Error",
        "InvalidImageName",
        "Pending",
        "Error",
    ] {
        assert!(fails(status, "0"), "{status}");
    }
    for status in [
        "Running",
        "ContainerCreating",
        "PodInitializing",
        "Init:0/2",
        "Completed",
        "Terminating",
        "",
    ] {
        assert!(!fails(status, "0"), "{status}");
    }
    assert!(fails("Running", "1") && !fails("Terminating", "3"));
}

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
    let old = old_replica_sets(&tree);
    let names: Vec<&str> = current_pods(&tree, &old)
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

#[test]
fn a_crash_of_an_earlier_version_is_known() {
    let crashing = [("Status Reason", "CrashLoopBackOff")];
    let of_image = |name: &str, set: &str, image: &str| {
        let mut pod = node("Pod", name, set, &crashing);
        pod.images = vec![image.to_owned()];
        pod
    };
    let set = |name: &str, revision: &str| {
        let mut set = node("ReplicaSet", name, "dex", &[("Revision", revision)]);
        set.parent_refs[0].kind = "Deployment".to_owned();
        set
    };
    let tree = ApplicationTree {
        nodes: vec![
            node("Deployment", "dex", "", &[]),
            node("StatefulSet", "db", "", &[]),
            set("dex-1", "Rev:1"),
            set("dex-2", "Rev:2"),
            of_image("dex-1-a", "dex-1", "ghcr.io/a/dex:v1"),
            of_image("dex-2-a", "dex-2", "ghcr.io/a/dex:v2"),
            of_image("db-0", "db", "ghcr.io/a/dex:v1"),
            of_image("db-1", "db", "ghcr.io/a/dex:v2"),
        ],
    };
    let image = "ghcr.io/a/dex:v2".parse().unwrap();
    let image = ImageMatcher::new(image, Vec::new(), Vec::new());
    let old = old_replica_sets(&tree);
    let names = |image| {
        let crashing = crashing_before(&tree, &old, image).into_iter();
        crashing.map(|pod| pod.name).collect::<Vec<_>>()
    };
    assert_eq!(names(Some(&image)), ["dex-1-a", "db-0"]);
    assert_eq!(names(None), ["dex-1-a"]);
    let crashing_before = crashing_before(&tree, &old, Some(&image));
    let read = ApplicationPods {
        roots: root::roots(&tree, tree.nodes.iter()),
        crashing_before,
        ..ApplicationPods::default()
    };
    let shared = |name: &str| {
        let pod = tree.nodes.iter().find(|node| node.name == name).unwrap();
        read.crashed_before(pod).map(|pod| pod.name.clone())
    };
    assert_eq!(shared("dex-2-a").as_deref(), Some("dex-1-a"));
    assert_eq!(shared("db-1").as_deref(), Some("db-0"));
}

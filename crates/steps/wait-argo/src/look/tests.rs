use argocd::{HealthStatus, NodeInfo, ParentRef};
use contract::Reference;

use super::*;

const CREATED: &str = "2026-01-01T00:00:10Z";

fn node(kind: &str, name: &str, parent: &str, info: &[(&str, &str)]) -> ResourceNode {
    let info = info.iter().map(|(name, value)| NodeInfo {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    });
    let parent = ParentRef {
        kind: String::new(),
        name: String::new(),
        uid: parent.to_owned(),
    };
    ResourceNode {
        group: if kind == "ReplicaSet" {
            "apps".to_owned()
        } else {
            String::new()
        },
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

fn health(mut node: ResourceNode, status: &str, message: &str) -> ResourceNode {
    node.health = Some(HealthStatus {
        status: status.to_owned(),
        message: message.to_owned(),
    });
    node
}

fn look(nodes: &[ResourceNode]) -> Look {
    let pods = nodes.iter().map(|node| Seen {
        node: node.clone(),
        pod: summed_up(node),
        near: false,
    });
    Look {
        pods: pods.collect(),
        failed_creates: Vec::new(),
    }
}

fn all() -> Judged<'static> {
    Judged {
        all: true,
        ..Judged::default()
    }
}

#[test]
fn only_pods_of_the_newest_replica_set_of_each_deployment_count() {
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
    let names: Vec<&str> = current(&tree).iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["dex-new-a", "web-1-a", "alone"]);
}

#[test]
fn a_pod_in_trouble_is_looked_at_closely_and_one_that_starts_is_not() {
    let sick = |word: &str, restarts: &str| {
        is_sick(&node(
            "Pod",
            "p",
            "r",
            &[("Status Reason", word), ("Restart Count", restarts)],
        ))
    };
    for word in [
        "ImagePullBackOff",
        "Init:CrashLoopBackOff",
        "Init:Error",
        "InvalidImageName",
        "Pending",
        "Error",
    ] {
        assert!(sick(word, "0"), "{word}");
    }
    for word in [
        "Running",
        "ContainerCreating",
        "PodInitializing",
        "Init:0/2",
        "Completed",
        "Terminating",
        "",
    ] {
        assert!(!sick(word, "0"), "{word}");
    }
    assert!(sick("Running", "1") && !sick("Terminating", "3"));
}

#[test]
fn a_line_of_the_tree_is_enough_for_a_doom() {
    let message =
        "Back-off pulling image \"ghcr.io/a/dex:v2\": ErrImagePull: ghcr.io/a/dex:v2: not found";
    let pod = health(
        node(
            "Pod",
            "dex-1",
            "r",
            &[("Status Reason", "ImagePullBackOff")],
        ),
        "Degraded",
        message,
    );
    let doomed = Watched::default()
        .observe(&look(&[pod]), Duration::ZERO, &all())
        .unwrap();
    assert_eq!(
        (doomed.doom.reason, doomed.name.as_str()),
        (pods::IMAGE_NOT_FOUND, "dex-1")
    );
}

#[test]
fn pods_of_before_do_not_count_while_something_is_applied() {
    let pod = node(
        "Pod",
        "dex-1",
        "r",
        &[
            ("Status Reason", "CrashLoopBackOff"),
            ("Restart Count", "7"),
        ],
    );
    let doomed = |judged: &Judged<'_>| {
        Watched::default()
            .observe(&look(std::slice::from_ref(&pod)), Duration::ZERO, judged)
            .is_some()
    };
    let image = |tag: &str| {
        Image::new(
            format!("ghcr.io/a/dex:{tag}").parse::<Reference>().unwrap(),
            Vec::new(),
            Vec::new(),
        )
    };
    let (wanted, other) = (image("v2"), image("v3"));
    let since = |since, image| Judged {
        since: Some(since),
        image,
        all: false,
    };
    assert!(doomed(&all()));
    assert!(!doomed(&Judged::default()), "nothing was applied");
    assert!(
        doomed(&since("2026-01-01T00:00:09Z", None)),
        "made after it"
    );
    assert!(
        !doomed(&since("2026-01-01T00:00:11Z", Some(&wanted))),
        "made before it"
    );
    assert!(
        doomed(&since(CREATED, Some(&wanted))) && !doomed(&since(CREATED, Some(&other))),
        "in that second"
    );
}

#[test]
fn an_old_pod_of_a_stateful_set_may_still_be_replaced() {
    let mut pod = node(
        "Pod",
        "dex-0",
        "dex",
        &[("Status Reason", "CrashLoopBackOff")],
    );
    pod.parent_refs[0].kind = "StatefulSet".to_owned();
    let doomed = |judged: &Judged<'_>| {
        Watched::default()
            .observe(&look(std::slice::from_ref(&pod)), Duration::ZERO, judged)
            .is_some()
    };
    let since = |since| Judged {
        since: Some(since),
        all: true,
        image: None,
    };
    assert!(!doomed(&since("2026-01-01T00:00:11Z")) && doomed(&since("2026-01-01T00:00:09Z")));
    assert!(doomed(&all()), "nothing was applied that would replace it");
}

#[test]
fn a_job_may_fail_as_often_as_it_is_tried_but_its_image_has_to_be_there() {
    let of_job = |word: &str| {
        let mut pod = node("Pod", "migrate-1", "migrate", &[("Status Reason", word)]);
        pod.parent_refs[0].kind = "Job".to_owned();
        health(pod, "Degraded", "ghcr.io/a/dex:v2: not found")
    };
    let doom = |word| Watched::default().observe(&look(&[of_job(word)]), Duration::ZERO, &all());
    assert!(doom("Error").is_none() && doom("CrashLoopBackOff").is_none());
    assert_eq!(
        doom("ImagePullBackOff").unwrap().doom.reason,
        pods::IMAGE_NOT_FOUND
    );
}

#[test]
fn a_controller_that_cannot_make_pods_has_a_grace() {
    let set = node("ReplicaSet", "dex-new", "dex", &[("Revision", "Rev:2")]);
    let set = health(
        set,
        "Degraded",
        "pods \"dex-1\" is forbidden: exceeded quota: small, requested: pods=1",
    );
    let tree = ApplicationTree {
        nodes: vec![
            set,
            node("ReplicaSet", "dex-old", "dex", &[("Revision", "Rev:1")]),
        ],
    };
    let look = Look {
        pods: Vec::new(),
        failed_creates: failed_creates(&tree),
    };
    let mut watched = Watched::default();
    assert!(watched.observe(&look, Duration::ZERO, &all()).is_none());
    let doomed = watched
        .observe(&look, Duration::from_secs(10), &all())
        .unwrap();
    assert_eq!(
        (doomed.doom.reason, doomed.name.as_str()),
        (pods::QUOTA, "ReplicaSet/dex-new")
    );
}

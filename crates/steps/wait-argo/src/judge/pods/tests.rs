use std::{collections::HashSet, rc::Rc};

use argocd::{ApplicationTree, HealthStatus, NodeInfo, ParentRef};
use pods::{IMAGE_NOT_FOUND, QUOTA, image::ImageMatcher};

use super::*;
use crate::observe::{ApplicationPods, RootResource, failed_controllers, summarize};

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

/// Any pod that makes an application unhealthy.
fn counted() -> CountedPods<'static> {
    CountedPods {
        created_after: None,
        older: false,
        scope: FailureScope::Health { awaited: None },
        grace: GracePeriods::default(),
    }
}

fn all() -> CountedPods<'static> {
    CountedPods {
        older: true,
        ..counted()
    }
}

fn matcher(tag: &str) -> ImageMatcher {
    let image = format!("ghcr.io/a/dex:{tag}");
    ImageMatcher::new(image.parse().unwrap(), Vec::new(), Vec::new())
}

fn of_image(image: &ImageMatcher) -> FailureScope<'_> {
    FailureScope::Image {
        image,
        awaited: None,
        is_healthy: false,
    }
}

fn unrecoverable_resource(
    observation: &Observation,
    counted: CountedPods<'_>,
) -> Option<UnrecoverableResource> {
    let read = observation.pods.as_ref().unwrap();
    match trouble(observation, read, &counted)? {
        PodsTrouble::Failed(failure) => Some(failure),
        PodsTrouble::Asks(node, _) => panic!("{node:?}"),
    }
}

/// Gives the pods of an observation this root.
fn with_root(mut observation: Observation, root: RootResource) -> Observation {
    let read = observation.pods.as_mut().unwrap();
    let ids: Vec<String> = read.pods.iter().map(|pod| pod.node.uid.clone()).collect();
    let root = Rc::new(root);
    read.roots = ids.into_iter().map(|id| (id, root.clone())).collect();
    observation
}

fn root(kind: &str, name: &str, status: &str) -> RootResource {
    let mut node = health(node(kind, name, "", &[]), status, "");
    node.group = if kind == "Job" { "batch" } else { "apps" }.to_owned();
    RootResource {
        node,
        ..RootResource::default()
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
    let (requested, other) = (matcher("v2"), matcher("v3"));
    let applied = |at, image: Option<_>| CountedPods {
        created_after: Some(at),
        scope: image.map_or(counted().scope, of_image),
        ..counted()
    };
    assert!(fails(all()));
    assert!(!fails(counted()), "nothing was applied");
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
    let requested = matcher("v2");
    let job = |status: &str| {
        let info = [("Status Reason", status)];
        let mut pod = node("Pod", "migrate-1", "migrate", &info);
        pod.parent_refs[0].kind = "Job".to_owned();
        observation(&health(pod, "Degraded", "ghcr.io/a/dex:v2: not found"))
    };
    let fails = |status: &str| unrecoverable_resource(&job(status), all());
    assert!(fails("Error").is_none() && fails("CrashLoopBackOff").is_none());
    assert_eq!(fails("ImagePullBackOff").unwrap().reason, IMAGE_NOT_FOUND);
    let scope = FailureScope::Image {
        image: &requested,
        awaited: None,
        is_healthy: true,
    };
    let healthy = CountedPods { scope, ..all() };
    assert!(unrecoverable_resource(&job("ImagePullBackOff"), healthy).is_none());
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
        failed_controllers: failed_controllers(&tree, &HashSet::new()),
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

#[test]
fn with_an_image_only_its_pods_count() {
    let (shop, report) = (matcher("v2"), "registry.example/report:9");
    let failing = |image: &str| {
        let mut pod = crash_looping();
        pod.images = vec![image.to_owned()];
        observation(&pod)
    };
    let fails = |observation: &Observation, scope| {
        let counted = CountedPods {
            created_after: Some("2026-01-01T00:00:09Z"),
            scope,
            ..counted()
        };
        unrecoverable_resource(observation, counted).is_some()
    };
    assert!(fails(&failing("ghcr.io/a/dex:v2"), of_image(&shop)));
    assert!(
        !fails(&failing(report), of_image(&shop)),
        "another workload"
    );
    let job = RootResource {
        is_scheduled: true,
        ..root("CronJob", "nightly", "Healthy")
    };
    let scheduled = with_root(failing("ghcr.io/a/dex:v2"), job);
    assert!(!fails(&scheduled, of_image(&shop)), "a run of a CronJob");
    let hook = with_root(failing(report), root("Job", "migrate", "Progressing"));
    let awaited = FailureScope::Image {
        image: &shop,
        awaited: Some("batch/Job/migrate"),
        is_healthy: false,
    };
    assert!(fails(&hook, awaited), "the sync waits for it");
    let info = [("Status Reason", "ErrImageNeverPull")];
    let pod = Pod::default();
    let mut foreign = node("Pod", "migrate-1", "migrate", &info);
    foreign.images = vec![report.to_owned()];
    let failure = Unrecoverable {
        reason: IMAGE_NOT_FOUND,
        container: None,
        text: String::new(),
    };
    let reason = awaited.of_image(failure, &pod, &foreign).reason;
    assert_eq!(reason, SIDECAR, "it is not the image's fault");
}

#[test]
fn a_pod_of_before_with_another_version_is_not_the_changes() {
    let pod = |tag: &str| {
        let mut pod = crash_looping();
        pod.images = vec![format!("ghcr.io/a/dex:{tag}")];
        observation(&pod)
    };
    let requested = matcher("v2");
    let stays = |observation: &Observation| {
        let counted = CountedPods {
            created_after: Some("2026-01-01T00:00:11Z"),
            scope: of_image(&requested),
            ..all()
        };
        unrecoverable_resource(observation, counted).is_some()
    };
    assert!(stays(&pod("v2")) && !stays(&pod("v1")));
}

#[test]
fn an_invalid_name_of_the_image_counts() {
    let requested = matcher("v2");
    let counted = CountedPods {
        scope: of_image(&requested),
        created_after: Some("2026-01-01T00:00:09Z"),
        ..counted()
    };
    let fails = |image: &str| {
        let info = [("Status Reason", "InvalidImageName")];
        let mut pod = node("Pod", "dex-1", "r", &info);
        pod.images = vec![image.to_owned()];
        unrecoverable_resource(&observation(&pod), counted).is_some()
    };
    assert!(fails("ghcr.io/a/dex:v2 ") && fails("ghcr.io/a/dex:-v2"));
    assert!(!fails("ghcr.io/a/other:-v2"));
}

#[test]
fn an_injected_container_is_not_the_images_fault() {
    let requested = matcher("v2");
    let mut observation = observation(&crash_looping());
    let read = observation.pods.as_mut().unwrap();
    let container = |name: &str, image: &str, reason: &str| ::pods::Container {
        name: name.to_owned(),
        image: image.to_owned(),
        state: RunState::Waiting {
            reason: reason.to_owned(),
            message: String::new(),
        },
        ..::pods::Container::default()
    };
    read.pods[0].pod.containers = vec![
        container("istio-proxy", "istio/proxyv2:1", "CrashLoopBackOff"),
        container("dex", "ghcr.io/a/dex:v2", "ContainerCreating"),
    ];
    let read = read.clone();
    observation.pod_histories.update(&read, Duration::ZERO);
    let counted = CountedPods {
        scope: of_image(&requested),
        ..all()
    };
    let failure = unrecoverable_resource(&observation, counted).unwrap();
    assert_eq!(failure.reason, ::pods::SIDECAR);
}

#[test]
fn without_an_image_the_health_of_the_application_decides() {
    let fails = |root: RootResource, scope| {
        let observation = with_root(observation(&crash_looping()), root);
        unrecoverable_resource(&observation, CountedPods { scope, ..all() }).is_some()
    };
    let scope = FailureScope::Health { awaited: None };
    assert!(fails(root("Deployment", "dex", "Progressing"), scope));
    assert!(!fails(
        root("Deployment", "dex", "Progressing"),
        FailureScope::Nothing
    ));
    assert!(!fails(root("Deployment", "dex", "Healthy"), scope));
    assert!(!fails(root("CronJob", "nightly", ""), scope));
    let ignored = RootResource {
        is_health_ignored: true,
        ..root("Deployment", "dex", "Degraded")
    };
    assert!(!fails(ignored, scope), "`ignore-healthcheck`");
}

#[test]
fn a_running_sync_names_what_it_waits_for() {
    let scope = |phase: &str, message: &str| {
        let app: argocd::Application = serde_json::from_value(serde_json::json!({
            "status": {"operationState": {"phase": phase, "message": message}},
        }))
        .unwrap();
        scope::awaited_resource(&app).map(str::to_owned)
    };
    let hook = "waiting for completion of hook batch/Job/migrate and 2 more hooks";
    assert_eq!(scope("Running", hook).as_deref(), Some("batch/Job/migrate"));
    let wave = "waiting for healthy state of apps/Deployment/dex";
    assert_eq!(
        scope("Running", wave).as_deref(),
        Some("apps/Deployment/dex")
    );
    assert_eq!(scope("Succeeded", wave), None);
    assert_eq!(scope("Running", "one or more tasks are running"), None);
}

/// Returns an observation of a pod that has been so for a minute, with these events.
fn observed_for_long(node: &ResourceNode, events: Option<&[&str]>) -> Observation {
    let mut observation = observation(node);
    observation.now = Duration::from_secs(61);
    let read = observation.pods.clone().unwrap();
    observation.pod_histories.update(&read, observation.now);
    if let Some(events) = events {
        let events = events.iter().map(|reason| ::pods::ObjectEvent {
            reason: (*reason).to_owned(),
            message: "no address".to_owned(),
        });
        observation.add_events(&node.uid, events.collect());
    }
    observation
}

/// Returns the reason of a failure, or that the events are asked for.
fn trouble_of(node: &ResourceNode, events: Option<&[&str]>) -> Option<&'static str> {
    let observation = observed_for_long(node, events);
    match trouble(&observation, observation.pods.as_ref().unwrap(), &all())? {
        PodsTrouble::Failed(failure) => Some(failure.reason.word),
        PodsTrouble::Asks(..) => Some("asks"),
    }
}

#[test]
fn a_node_that_an_autoscaler_adds_is_awaited() {
    let info = [("Status Reason", "Pending")];
    let pod = health(
        node("Pod", "dex-1", "r", &info),
        "Progressing",
        "0/3 nodes are available",
    );
    assert_eq!(trouble_of(&pod, None), Some("asks"));
    assert_eq!(
        trouble_of(&pod, Some(&["FailedScheduling"])),
        Some("unschedulable")
    );
    assert_eq!(trouble_of(&pod, Some(&["TriggeredScaleUp"])), None);
    let observation = observed_for_long(&pod, Some(&["TriggeredScaleUp"]));
    let warning = warning(&observation, observation.pods.as_ref().unwrap(), &all()).unwrap();
    assert!(warning.ends_with("an autoscaler is adding"), "{warning}");
}

#[test]
fn events_tell_why_containers_are_not_created() {
    let info = [("Status Reason", "ContainerCreating"), ("Node", "node-1")];
    let pod = node("Pod", "dex-1", "r", &info);
    assert_eq!(trouble_of(&pod, None), Some("asks"));
    assert_eq!(
        trouble_of(&pod, Some(&["FailedCreatePodSandBox"])),
        Some("sandbox")
    );
    assert_eq!(trouble_of(&pod, Some(&["FailedMount"])), Some("volume"));
    assert_eq!(trouble_of(&pod, Some(&["Pulling"])), None);
}

#[test]
fn a_broken_pod_holds_up_its_stateful_set() {
    let mut pod = crash_looping();
    pod.parent_refs[0].kind = "StatefulSet".to_owned();
    pod.parent_refs[0].name = "dex".to_owned();
    let observation = observation(&pod);
    let applied = CountedPods {
        created_after: Some("2026-01-01T00:00:11Z"),
        ..all()
    };
    let text = warning(&observation, observation.pods.as_ref().unwrap(), &applied).unwrap();
    assert!(
        text.starts_with("StatefulSet/dex waits for dex-1") && text.ends_with("delete that pod"),
        "{text}"
    );
}

#[test]
fn a_controllers_words_are_shown_until_they_are_certain() {
    let set = node("ReplicaSet", "dex-new", "dex", &[("Revision", "Rev:2")]);
    let message = "Internal error occurred: failed calling webhook \"x\": no endpoints";
    let tree = ApplicationTree {
        nodes: vec![health(set, "Degraded", message)],
    };
    let read = ApplicationPods {
        failed_controllers: failed_controllers(&tree, &HashSet::new()),
        ..ApplicationPods::default()
    };
    let text = warning(&Observation::default(), &read, &all()).unwrap();
    assert_eq!(text, format!("ReplicaSet/dex-new: {message}"));
}

#[test]
fn a_crash_that_the_version_before_shares_blames_no_change() {
    let root = root("Deployment", "dex", "Progressing");
    let mut observation = with_root(observation(&crash_looping()), root);
    let reason = |observation: &Observation| {
        let failure = unrecoverable_resource(observation, all()).unwrap();
        (failure.reason, failure.text)
    };
    assert_eq!(reason(&observation).0, CRASH_LOOP);
    let read = observation.pods.as_mut().unwrap();
    let before = node("Pod", "dex-old-a", "dex-old", &[]);
    let root = read.roots.values().next().unwrap().clone();
    read.roots.insert(before.uid.clone(), root);
    read.crashing_before.push(before);
    let (reason, text) = reason(&observation);
    assert_eq!(reason, CRASHED_BEFORE);
    assert!(text.ends_with("dex-old-a, of the version before, crashes, too"));
}

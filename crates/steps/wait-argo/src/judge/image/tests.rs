use super::*;
use argocd::ResourceNode;
use pods::{Pod, Summary};

fn image(reference: &str, digests: &[String]) -> ImageMatcher {
    let digests = digests
        .iter()
        .map(|digest| digest.parse().unwrap())
        .collect();
    ImageMatcher::new(reference.parse().unwrap(), digests, Vec::new())
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

fn observed(name: &str, status: &str, image: &str, id: &str) -> ObservedPod {
    let summary = Summary {
        status: status.to_owned(),
        images: vec![image.to_owned()],
        ..Summary::default()
    };
    let mut pod = Pod::from_summary(summary);
    pod.containers
        .iter_mut()
        .for_each(|container| container.image_id = id.to_owned());
    ObservedPod {
        node: ResourceNode {
            name: name.to_owned(),
            ..ResourceNode::default()
        },
        pod,
        has_details: true,
    }
}

fn read(pods: Vec<ObservedPod>) -> ApplicationPods {
    ApplicationPods {
        pods,
        ..ApplicationPods::default()
    }
}

#[test]
fn old_images_count_unless_their_pods_terminate() {
    let wanted = image("ghcr.io/a/dex:v2", &[]);
    let new = || observed("new", "Running", "ghcr.io/a/dex:v2", "");
    assert_eq!(
        pods_image(&wanted, &read(vec![new()])),
        PodsImage::Live("ghcr.io/a/dex:v2".to_owned())
    );
    let old = |status| observed("old", status, "ghcr.io/a/dex:v1", "");
    assert_eq!(
        pods_image(&wanted, &read(vec![new(), old("Running")])),
        PodsImage::Other("old runs ghcr.io/a/dex:v1".to_owned())
    );
    assert!(matches!(
        pods_image(&wanted, &read(vec![new(), old("Terminating")])),
        PodsImage::Live(_)
    ));
    assert!(matches!(
        pods_image(&wanted, &read(vec![new(), old("Completed")])),
        PodsImage::Live(_)
    ));
}

/// argo-cd#11473: one pod of a DaemonSet may be unavailable.
#[test]
fn a_pod_that_cannot_start_the_image_is_not_live() {
    let wanted = image("ghcr.io/a/dex:v2", &[]);
    let pod = |status| observed("dex-1", status, "ghcr.io/a/dex:v2", "");
    let other = || observed("dex-2", "Running", "ghcr.io/a/dex:v2", "");
    for status in ["ErrImagePull", "ImagePullBackOff", "CreateContainerError"] {
        assert_eq!(
            pods_image(&wanted, &read(vec![pod(status), other()])),
            PodsImage::Starting(format!("dex-1 cannot start it: {status}"))
        );
    }
    for status in ["ContainerCreating", "PodInitializing", "Pending", "Running"] {
        let live = pods_image(&wanted, &read(vec![pod(status), other()]));
        assert!(matches!(live, PodsImage::Live(_)), "{status}: {live:?}");
    }
}

#[test]
fn neither_no_pod_nor_a_sidecar_is_proof() {
    let wanted = image("ghcr.io/a/dex:v2", &[]);
    assert_eq!(pods_image(&wanted, &read(Vec::new())), PodsImage::Nothing);
    assert_eq!(
        pods_image(
            &wanted,
            &read(vec![observed("p", "Running", "istio/proxyv2:1", "")])
        ),
        PodsImage::Nothing
    );
}

#[test]
fn with_a_digest_the_bytes_count() {
    let wanted = image("ghcr.io/a/dex:v2", &[digest('a')]);
    let runs = |id: &str| {
        pods_image(
            &wanted,
            &read(vec![observed("p", "Running", "ghcr.io/a/dex:v2", id)]),
        )
    };
    assert!(matches!(
        runs(&format!("ghcr.io/a/dex@{}", digest('a'))),
        PodsImage::Live(_)
    ));
    assert!(matches!(
        runs(&format!("ghcr.io/a/dex@{}", digest('b'))),
        PodsImage::Other(_)
    ));
    assert!(matches!(runs(""), PodsImage::Starting(_)));
}

#[test]
fn manifests_tell_whether_the_commit_deploys_the_image() {
    let wanted = image("ghcr.io/a/dex:v2", &[]);
    let images = |named: &str| vec!["istio/proxyv2:1".to_owned(), named.to_owned()];
    assert_eq!(
        manifests_image(&wanted, &images("ghcr.io/a/dex:v2")),
        ManifestsImage::Requested
    );
    assert_eq!(
        manifests_image(&wanted, &images("ghcr.io/a/dex:v3")),
        ManifestsImage::Other("ghcr.io/a/dex:v3")
    );
    assert_eq!(
        manifests_image(&wanted, &images("x:1")),
        ManifestsImage::Nothing
    );
}

#[test]
fn a_job_of_before_may_still_run() {
    let wanted = image("ghcr.io/a/dex:v2", &[]);
    let new = observed("new", "Running", "ghcr.io/a/dex:v2", "");
    let mut job = observed("job", "Running", "ghcr.io/a/dex:v1", "");
    job.pod.owner = Some(pods::Owner {
        kind: "Job".to_owned(),
        ..pods::Owner::default()
    });
    assert!(matches!(
        pods_image(&wanted, &read(vec![job.clone(), new])),
        PodsImage::Live(_)
    ));
    assert_eq!(pods_image(&wanted, &read(vec![job])), PodsImage::Nothing);
}

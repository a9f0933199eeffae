//! The proof that the pods run the image.

use super::*;

fn image_request() -> Request {
    let image = "ghcr.io/a/dex:v2".parse().unwrap();
    Request {
        image: Some(::pods::image::ImageMatcher::new(
            image,
            Vec::new(),
            Vec::new(),
        )),
        ..request()
    }
}

/// An application that is ready for the check of its image, with no pod at all.
fn without_pods(revision: &str) -> ObservedApp {
    let mut observed = observed([app("Synced", revision, "Healthy")]);
    let first = observed.judge(&image_request());
    assert!(matches!(first, WaitDecision::ReadPods(_)), "{first:?}");
    observed.observation.pods = Some(ApplicationPods {
        live_at: Some(Duration::ZERO),
        ..ApplicationPods::default()
    });
    observed
}

fn rendered(image: &str) -> Option<RenderedImages> {
    Some(RenderedImages {
        images: vec![image.to_owned()],
        read_at: Duration::ZERO,
    })
}

#[test]
fn pods_of_an_earlier_state_prove_nothing() {
    let mut observed = without_pods(C);
    let reading = observed.observation.pods.as_mut().unwrap();
    reading.live_at = None;
    assert!(matches!(
        observed.judge(&image_request()),
        WaitDecision::ReadPods(_)
    ));
}

#[test]
fn a_later_commit_with_another_image_supersedes() {
    let mut observed = without_pods(D);
    let state = waits(observed.judge(&image_request()));
    assert_eq!(state.follow_ups, [FollowUp::RenderedImages]);
    observed.observation.rendered = rendered("ghcr.io/a/dex:v3");
    let conclusion = concluded(observed.judge(&image_request()));
    assert_eq!(
        (conclusion.verdict, conclusion.reason),
        (Verdict::Superseded, Some(NEWER_IMAGE))
    );
}

/// Adds a pod that runs an image.
fn run_pod(observed: &mut ObservedApp, image: &str) {
    let node: argocd::ResourceNode = serde_json::from_value(json!({
        "kind": "Pod", "name": "dex-1", "uid": "dex-1", "images": [image],
        "info": [{"name": "Status Reason", "value": "Running"}],
    }))
    .unwrap();
    let pod = crate::observe::summarize(&node);
    let read = observed.observation.pods.as_mut().unwrap();
    read.pods.push(crate::observe::ObservedPod {
        node,
        pod,
        has_details: false,
    });
    let read = read.clone();
    observed
        .observation
        .pod_histories
        .update(&read, Duration::ZERO);
}

#[test]
fn a_contradiction_needs_a_hard_refresh_and_time() {
    let mut observed = without_pods(C);
    run_pod(&mut observed, "ghcr.io/a/dex:v1");
    observed.observation.rendered = rendered("ghcr.io/a/dex:v2");
    let state = waits(observed.judge(&image_request()));
    assert_eq!((state.reason, state.follow_ups), (IMAGE_NOT_LIVE, vec![]));
    observed.wait_until(5);
    let state = waits(observed.judge(&image_request()));
    assert_eq!(state.follow_ups, [FollowUp::HardRefresh]);
    observed.observation.is_rendered_again = true;
    waits(observed.judge(&image_request()));
    observed.wait_until(20);
    let conclusion = concluded(observed.judge(&image_request()));
    assert_eq!(
        (conclusion.verdict, conclusion.reason),
        (Verdict::Contradicted, Some(IMAGE_NOT_LIVE))
    );
}

#[test]
fn a_setting_of_the_application_that_wins_is_named() {
    for (setting, value, says) in [
        (
            "kustomize",
            json!({"images": ["other", "dex=ghcr.io/a/dex:v1"]}),
            "`spec.source.kustomize.images` (ghcr.io/a/dex:v1)",
        ),
        (
            "helm",
            json!({"parameters": [{"name": "image.tag", "value": "v1"}]}),
            "`spec.source.helm.parameters` (image.tag=v1)",
        ),
    ] {
        let mut observed = without_pods(D);
        let source = observed.observation.app.spec.source.as_mut().unwrap();
        match setting {
            "helm" => source.helm = serde_json::from_value(value).unwrap(),
            _ => source.kustomize = serde_json::from_value(value).unwrap(),
        }
        run_pod(&mut observed, "ghcr.io/a/dex:v1");
        observed.observation.rendered = rendered("ghcr.io/a/dex:v1");
        observed.observation.is_rendered_again = true;
        let conclusion = concluded(observed.judge(&image_request()));
        assert_eq!(conclusion.verdict, Verdict::Contradicted);
        assert!(conclusion.hints[0].starts_with(says), "{conclusion:?}");
    }
}

#[test]
fn an_application_may_run_nothing_on_request() {
    let mut observed = without_pods(C);
    observed.observation.rendered = rendered("ghcr.io/a/dex:v2");
    assert_eq!(
        waits(observed.judge(&image_request())).reason,
        IMAGE_NOT_LIVE
    );
    let zero = Request {
        allows_zero: true,
        ..image_request()
    };
    assert_eq!(
        waits(observed.judge(&zero)).reason,
        IMAGE_NOT_LIVE,
        "an empty tree"
    );
    observed.observation.pods.as_mut().unwrap().has_resources = true;
    passes(observed.judge(&zero));
    observed.wait_until(20);
    let conclusion = concluded(observed.judge(&image_request()));
    assert_eq!(conclusion.reason, Some(::pods::NO_PODS));
    assert!(
        conclusion.hints[0].contains("--allow-zero"),
        "{conclusion:?}"
    );
    observed.observation.rendered = rendered("ghcr.io/a/dex:v1");
    observed.observation.is_rendered_again = true;
    let other = concluded(observed.judge(&zero));
    assert_eq!(other.verdict, Verdict::Contradicted, "{other:?}");
}

#[test]
fn a_healthy_application_is_deployed_whatever_a_job_says() {
    let mut observed = without_pods(C);
    run_pod(&mut observed, "ghcr.io/a/dex:v2");
    let read = observed.observation.pods.as_mut().unwrap();
    let node: argocd::ResourceNode = serde_json::from_value(json!({
        "kind": "Pod", "name": "report-1", "uid": "report-1", "images": ["x.example/report:9"],
        "info": [{"name": "Status Reason", "value": "InvalidImageName"}],
        "parentRefs": [{"kind": "Job", "name": "report", "uid": "report"}],
    }))
    .unwrap();
    let pod = crate::observe::summarize(&node);
    read.pods.push(crate::observe::ObservedPod {
        node,
        pod,
        has_details: false,
    });
    let read = read.clone();
    observed
        .observation
        .pod_histories
        .update(&read, Duration::ZERO);
    passes(observed.judge(&image_request()));
}

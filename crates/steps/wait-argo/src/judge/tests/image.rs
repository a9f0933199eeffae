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

#[test]
fn a_contradiction_needs_a_hard_refresh_and_time() {
    let mut observed = without_pods(C);
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

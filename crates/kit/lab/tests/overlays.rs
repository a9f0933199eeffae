//! The example overlays look like handwritten ones.

use lab::overlays::{self, SampleOverlay};

#[test]
fn prod_has_aligned_comments() {
    let expected = "\
# ---------------------------------------------------------------
# PROD overlay — what users see.
# 3 replicas, warnings only, higher limits.
# Only builds that ran in stage come here.
# ---------------------------------------------------------------
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization

namespace: dex-prod

resources:
  - ../../base              # Everything from the base

replicas:
  - name: dex
    count: 3                # More, for the traffic of users

images:
  - name: example/dex
    newName: registry.example/example/dex
    newTag: sha-9b04d52a    # The same build that ran in stage

patches:
  - path: deployment.yaml    # Settings and limits of this environment
";
    assert_eq!(overlays::prod("sha-9b04d52a"), expected);
}

#[test]
fn a_new_tag_changes_one_line() {
    for text in [overlays::dev, overlays::stage, overlays::prod] {
        let (old, new) = (text("sha-9b04d52a"), text("sha-51c0cc9c"));
        let changed = old
            .lines()
            .zip(new.lines())
            .filter(|(old, new)| old != new)
            .count();
        assert_eq!((changed, old.lines().count()), (1, new.lines().count()));
    }
}

#[test]
fn an_overlay_may_have_any_image() {
    let overlay = SampleOverlay::stage("v1")
        .image("acme/app")
        .new_name("127.0.0.1:5000/acme/app");
    let text = overlay.text();
    assert!(
        text.contains("name: acme/app\n    newName: 127.0.0.1:5000/acme/app\n    newTag: v1"),
        "{text}"
    );
    assert_eq!(
        overlay.path(),
        "infra/argocd/overlays/stage/kustomization.yaml"
    );
}

//! The files of a repository of overlays: the overlays and their base.

use crate::overlays::SampleOverlay;
use crate::repo::TreeChange;

/// One deployment and its service; the image has the name that [`crate::overlays`] replace.
const BASE: [(&str, &str); 3] = [
    (
        "infra/argocd/base/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\n\
         kind: Kustomization\n\
         resources:\n  - deployment.yaml\n  - service.yaml\n",
    ),
    (
        "infra/argocd/base/deployment.yaml",
        "apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata:\n  name: dex\n\
         spec:\n  replicas: 1\n  revisionHistoryLimit: 5\n\
         \x20 selector:\n    matchLabels: { app: dex }\n\
         \x20 template:\n    metadata:\n      labels: { app: dex }\n\
         \x20   spec:\n      containers:\n        - name: dex\n          image: example/dex\n\
         \x20         ports: [{ name: http, containerPort: 8080 }]\n\
         \x20         readinessProbe: { httpGet: { path: /health, port: http } }\n",
    ),
    (
        "infra/argocd/base/service.yaml",
        "apiVersion: v1\n\
         kind: Service\n\
         metadata:\n  name: dex\n\
         spec:\n  selector: { app: dex }\n  ports: [{ name: http, port: 80, targetPort: http }]\n",
    ),
];

/// Returns a base, the overlay, and the patch that the overlay names; its resources go to
/// `namespace`, which stands where the overlay has its environment's.
#[must_use]
pub fn files(overlay: &SampleOverlay, namespace: &str) -> Vec<TreeChange> {
    let base = BASE.iter().map(|(path, text)| TreeChange::file(path, text));
    let path = overlay.path();
    let folder = path.trim_end_matches("/kustomization.yaml");
    let environment = folder.rsplit('/').next().expect("a path has a last part");
    let patch = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: dex\n\
         spec:\n  template:\n    spec:\n      containers:\n        - name: dex\n\
         \x20         env: [{{ name: DEX_ENVIRONMENT, value: {environment} }}]\n"
    );
    let own = [
        (path.clone(), in_namespace(overlay, namespace)),
        (format!("{folder}/deployment.yaml"), patch),
    ];
    base.chain(own.iter().map(|(path, text)| TreeChange::file(path, text)))
        .collect()
}

/// Returns an overlay's text with another namespace: a test's own.
#[must_use]
pub fn in_namespace(overlay: &SampleOverlay, namespace: &str) -> String {
    let line = |line: &str| match line.strip_prefix("namespace: ") {
        Some(_) => format!("namespace: {namespace}\n"),
        None => format!("{line}\n"),
    };
    overlay.text().lines().map(line).collect()
}

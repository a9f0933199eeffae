//! The objects that the cluster needs before Argo CD starts.

use std::fs;

use serde_json::json;

use super::kubernetes::Kubernetes;
use super::tools::{MANIFESTS, Tools};
use crate::wait;

/// The namespace of Argo CD.
pub(super) const NAMESPACE: &str = "/api/v1/namespaces/argocd";

/// Makes the namespace, the kinds and the settings, as Argo CD's own manifests do.
pub(super) fn argocd(tools: &Tools, kubernetes: &Kubernetes) {
    kubernetes.create(
        "/api/v1/namespaces",
        &json!({ "metadata": { "name": "argocd" } }),
    );
    let kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for file in yaml(tools, MANIFESTS[0]) {
        kubernetes.create_from(kinds, &file);
    }
    for file in yaml(tools, MANIFESTS[1]) {
        let kind = if file.ends_with("argocd-secret.yaml") {
            "secrets"
        } else {
            "configmaps"
        };
        kubernetes.create_from(&format!("{NAMESPACE}/{kind}"), &file);
    }
    let redis = json!({ "metadata": { "name": "argocd-redis" }, "stringData": { "auth": "" } });
    kubernetes.create(&format!("{NAMESPACE}/secrets"), &redis);
    // The admin's token must not expire before the world ends.
    let settings = json!({ "data": { "accounts.admin": "apiKey, login" } });
    kubernetes.patch(&format!("{NAMESPACE}/configmaps/argocd-cm"), &settings);
    for kind in ["applications", "appprojects", "applicationsets"] {
        wait::until("Argo CD's kinds", || {
            let kind = kubernetes.get(&format!("{kinds}/{kind}.argoproj.io"));
            let conditions = kind["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            conditions
                .iter()
                .any(|one| one["type"] == "Established" && one["status"] == "True")
        });
    }
}

/// Returns the password that Argo CD has generated for its admin.
pub(super) fn admin_password(kubernetes: &Kubernetes) -> String {
    use base64::Engine as _;
    let secret = format!("{NAMESPACE}/secrets/argocd-initial-admin-secret");
    let secret = wait::found("Argo CD's admin", || kubernetes.find(&secret));
    let encoded = secret["data"]["password"]
        .as_str()
        .expect("the secret holds a password");
    let password = base64::prelude::BASE64_STANDARD
        .decode(encoded)
        .expect("secrets are base64");
    String::from_utf8(password).expect("a password of letters")
}

fn yaml(tools: &Tools, folder: &str) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(tools.folder().join(folder)).expect("manifests that were set up");
    let mut files: Vec<_> = files.flatten().map(|file| file.path()).collect();
    files.retain(|file| !file.ends_with("kustomization.yaml"));
    files.sort();
    files
}

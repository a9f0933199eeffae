//! The proof in a Kubernetes API server's refusal of a manifest.
//!
//! Argo CD passes on the API server's error as text; no field has its reason. So the text is read
//! without the names in it, and a refusal that is not in the table proves nothing against the
//! commit.

use contract::Reason;
use pods::{CLUSTER_POLICY, QUOTA};

use crate::reasons::{
    FIELD_CONFLICT, KIND_UNKNOWN, NAMESPACE_MISSING, SYNC_ERROR, SYNC_FAILED, SYNC_FORBIDDEN,
};

/// Errors of Go's network code, as every layer passes them on (`net`, `net/http`, `crypto/x509`),
/// and of kustomize's fetches. A path or a name cannot be one of them.
const NETWORK: [&str; 14] = [
    "dial tcp",
    ": connection refused",
    ": connection reset by peer",
    ": i/o timeout",
    ": no such host",
    ": tls handshake timeout",
    ": context deadline exceeded",
    "client.timeout exceeded",
    "http2: client connection lost",
    "unexpected eof",
    "x509: certificate",
    "(exit status 128): fatal: unable to access",
    "timeout running",
    "server misbehaving",
];

/// One kind of refusal: words of its message, and what it means.
#[derive(Debug)]
pub(super) struct ApiRefusal {
    /// Where the words come from, for who looks them up.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test walks it"))]
    pub(super) source: &'static str,
    pub(super) words: &'static str,
    pub(super) reason: Reason,
}

const fn refusal(source: &'static str, words: &'static str, reason: Reason) -> ApiRefusal {
    ApiRefusal {
        source,
        words,
        reason,
    }
}

const API: &str = "apimachinery/pkg/api/errors/errors.go";
const ADMIT: &str = "apiserver/pkg/admission";
const PORTS: &str = "kubernetes/pkg/registry/core/service/{portallocator,ipallocator}";
const RBAC: &str = "apiserver/pkg/endpoints/handlers/responsewriters/errors.go";
const SCHEMA: &str = "apimachinery/pkg/util/validation/field/errors.go, kubectl/pkg/validation";
const ENGINE: &str = "gitops-engine/pkg/sync/sync_context.go";
const ARGO: &str = "argo-cd/controller/sync.go, util/argo/argo.go";

/// All kinds of refusals that are known. The first that matches counts, so what may pass comes
/// first.
pub(super) const REFUSALS: [ApiRefusal; 53] = [
    refusal(ADMIT, "failed calling webhook", SYNC_ERROR),
    refusal(ADMIT, "failed to call webhook", SYNC_ERROR),
    refusal(ADMIT, "status unknown for quota", SYNC_ERROR),
    refusal(API, "the object has been modified", SYNC_ERROR),
    refusal(
        API,
        "the server is currently unable to handle the request",
        SYNC_ERROR,
    ),
    refusal(
        API,
        "the server was unable to return a response in the time",
        SYNC_ERROR,
    ),
    refusal(API, "the server has received too many requests", SYNC_ERROR),
    refusal(API, "timeout: request did not complete", SYNC_ERROR),
    refusal(API, "etcdserver:", SYNC_ERROR),
    refusal(API, "internal error occurred", SYNC_ERROR),
    refusal(API, "already exists", SYNC_ERROR),
    refusal(API, "because it is being terminated", SYNC_ERROR),
    refusal(API, "object is being deleted", SYNC_ERROR),
    refusal(ENGINE, "it might have been deleted", SYNC_ERROR),
    // An outdated `last-applied-configuration`, or a replacement without the version of what is there.
    refusal(API, "must be specified for an update", SYNC_ERROR),
    // Another Service has it, or this one of before.
    refusal(PORTS, "port is already allocated", SYNC_ERROR),
    refusal(PORTS, "ip is already allocated", SYNC_ERROR),
    refusal(PORTS, "range is full", SYNC_ERROR),
    refusal(
        API,
        "the server has asked for the client to provide credentials",
        SYNC_FORBIDDEN,
    ),
    refusal(API, "unauthorized", SYNC_FORBIDDEN),
    refusal(ARGO, "is not permitted in project", SYNC_FORBIDDEN),
    refusal(ARGO, "unable to verify permissions", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot create resource", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot patch resource", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot update resource", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot get resource", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot list resource", SYNC_FORBIDDEN),
    refusal(RBAC, "cannot delete resource", SYNC_FORBIDDEN),
    refusal(RBAC, "not currently held", SYNC_FORBIDDEN),
    refusal(API, "namespaces not found", NAMESPACE_MISSING),
    refusal(ARGO, "the kubernetes api could not find", KIND_UNKNOWN),
    refusal(
        API,
        "the server could not find the requested resource",
        KIND_UNKNOWN,
    ),
    refusal(API, "no matches for kind", KIND_UNKNOWN),
    refusal(API, "could not find the requested resource", KIND_UNKNOWN),
    refusal(
        "apimachinery/pkg/util/managedfields",
        "apply failed with",
        FIELD_CONFLICT,
    ),
    // What kubectl asks the cluster before it validates anything.
    refusal(SCHEMA, "failed to check crd", SYNC_ERROR),
    refusal(SCHEMA, "failed to download openapi", SYNC_ERROR),
    refusal(ADMIT, "exceeded quota", QUOTA),
    refusal(ADMIT, "denied the request", CLUSTER_POLICY),
    refusal(ADMIT, "denied request", CLUSTER_POLICY),
    refusal(ADMIT, "violates podsecurity", CLUSTER_POLICY),
    refusal(SCHEMA, "field is immutable", SYNC_FAILED),
    refusal(SCHEMA, "is invalid:", SYNC_FAILED),
    refusal(SCHEMA, "strict decoding error", SYNC_FAILED),
    refusal(SCHEMA, "error validating data", SYNC_FAILED),
    refusal(SCHEMA, "unknown field", SYNC_FAILED),
    refusal(SCHEMA, "unable to decode", SYNC_FAILED),
    refusal(SCHEMA, "cannot unmarshal", SYNC_FAILED),
    refusal(SCHEMA, "error decoding from json", SYNC_FAILED),
    refusal(SCHEMA, "illegal base64 data", SYNC_FAILED),
    refusal(SCHEMA, "failed to create typed patch object", SYNC_FAILED),
    refusal(SCHEMA, "field not declared in schema", SYNC_FAILED),
    refusal(SCHEMA, "resource name may not be empty", SYNC_FAILED),
];

/// Returns the reason of a refusal.
pub(super) fn api_refusal(message: &str) -> Reason {
    if names_network_failure(message) {
        return SYNC_ERROR;
    }
    let words = without_names(message);
    let mut refusals = REFUSALS.iter();
    match refusals.find(|refusal| words.contains(refusal.words)) {
        Some(refusal) => refusal.reason,
        None if words.contains("is forbidden:") => CLUSTER_POLICY,
        None => SYNC_ERROR,
    }
}

/// Returns whether an error is about the network.
pub(super) fn names_network_failure(message: &str) -> bool {
    let message = message.to_lowercase();
    NETWORK.iter().any(|words| message.contains(words))
}

/// Removes names, which are in quotes or have a slash, so that they are not read as words.
fn without_names(message: &str) -> String {
    let unquoted: Vec<&str> = message.split('"').step_by(2).collect();
    let unquoted = unquoted.join(" ").to_lowercase();
    let words: Vec<&str> = unquoted
        .split_whitespace()
        .filter(|word| !word.contains('/'))
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use contract::Fault;

    use super::*;

    #[test]
    fn every_kind_of_refusal_has_a_source_and_its_reason() {
        for row in &REFUSALS {
            let message = format!("error when patching \"/dev/shm/1\": {} x", row.words);
            assert_eq!(api_refusal(&message), row.reason, "{message}");
            assert!(!row.source.is_empty());
        }
    }

    #[test]
    fn real_messages_have_the_expected_fault() {
        for (message, fault) in [
            (
                "Deployment.apps \"dex\" is invalid: spec.selector: Invalid value: field is immutable",
                Fault::Change,
            ),
            (
                "error validating data: ValidationError(Deployment.spec): unknown field \"replica\"",
                Fault::Change,
            ),
            (
                "Internal error occurred: failed calling webhook \"validate.nginx\": failed to call \
                 webhook: Post \"https://x.svc:443/\": dial tcp 10.0.0.1:443: connect: connection refused",
                Fault::Environment,
            ),
            (
                "deployments.apps is forbidden: User \"system:serviceaccount:argocd:x\" cannot patch \
                 resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
                Fault::Configuration,
            ),
            ("namespaces \"shop\" not found", Fault::Configuration),
            (
                "namespace shop is not permitted in project 'default'",
                Fault::Configuration,
            ),
            (
                "Apply failed with 1 conflict: conflict with \"hpa\": .spec.replicas",
                Fault::Configuration,
            ),
            (
                "pods \"x\" is forbidden: exceeded quota: q",
                Fault::Environment,
            ),
            (
                "Operation cannot be fulfilled on deployments.apps \"is invalid:\": the object has \
                 been modified; please apply your changes to the latest version",
                Fault::Environment,
            ),
            ("something new about \"unknown field\"", Fault::Environment),
            (
                "applications.argoproj.io \"dex\" is invalid: metadata.resourceVersion: Invalid value: \
                 0x0: must be specified for an update",
                Fault::Environment,
            ),
            (
                "Service \"dex\" is invalid: spec.ports[0].nodePort: Invalid value: 31111: provided \
                 port is already allocated",
                Fault::Environment,
            ),
            (
                "Service \"dex\" is invalid: spec.clusterIPs: Invalid value: []string{\"10.0.0.7\"}: \
                 failed to allocate IP 10.0.0.7: provided IP is already allocated",
                Fault::Environment,
            ),
            (
                "error validating data: failed to check CRD: failed to list CRDs: \
                 customresourcedefinitions.apiextensions.k8s.io is forbidden: User \"x\" cannot list \
                 resource \"customresourcedefinitions\" in API group \"apiextensions.k8s.io\"",
                Fault::Configuration,
            ),
            (
                "error validating data: failed to download openapi: unknown",
                Fault::Environment,
            ),
            (
                "Service \"dex\" is invalid: spec.ports[0].nodePort: Forbidden: may not be used when \
                 `type` is 'ClusterIP'",
                Fault::Change,
            ),
        ] {
            assert_eq!(api_refusal(message).fault, fault, "{message}");
        }
    }
}

//! The answers of the registries in use, as public reports and their sources quote them.

use super::{
    RefusalKind::{
        self, Absent, Blocked, Expired, Firewall, Limited, NoAnswer, NotAcceptable, Unauthorized,
        Upstream,
    },
    *,
};

/// The status, the code, the message, and the meaning.
type SampleAnswer = (u16, &'static str, &'static str, RefusalKind);

/// What distribution answers, and Docker Hub, GHCR, GitLab, zot and Nexus like it.
const DISTRIBUTION: &[SampleAnswer] = &[
    (404, "MANIFEST_UNKNOWN", "manifest unknown", Absent),
    (
        404,
        "NAME_UNKNOWN",
        "repository name not known to registry",
        Absent,
    ),
    (404, "BLOB_UNKNOWN", "blob unknown to registry", Absent),
    (401, "UNAUTHORIZED", "authentication required", Unauthorized),
    (
        403,
        "DENIED",
        "requested access to the resource is denied",
        Unauthorized,
    ),
    (
        404,
        "MANIFEST_UNKNOWN",
        "OCI index found, but accept header does not support OCI indexes",
        NotAcceptable,
    ),
    (
        429,
        "TOOMANYREQUESTS",
        "You have reached your unauthenticated pull rate limit.",
        Limited,
    ),
    (403, "TOOMANYREQUESTS", "Rate exceeded", Limited),
    (400, "NAME_INVALID", "invalid repository name", Blocked),
    (405, "UNSUPPORTED", "The operation is unsupported.", Blocked),
    (451, "UNAVAILABLE", "not available in your country", Blocked),
    (402, "PAYMENT_REQUIRED", "the subscription ended", Blocked),
    (
        403,
        "DENIED",
        "permission_denied: read_package",
        Unauthorized,
    ),
    (
        403,
        "DENIED",
        "the `acme` organization has an IP allow list enabled, and your IP address is not permitted",
        Firewall,
    ),
    (
        403,
        "DENIED",
        "Requested item is quarantined by Repository Firewall",
        Blocked,
    ),
];

/// The answers of the registries of Amazon, Google and Azure.
const CLOUDS: &[SampleAnswer] = &[
    (404, "MANIFEST_UNKNOWN", "Requested image not found", Absent),
    (
        404,
        "NAME_UNKNOWN",
        "The repository with name 'a' does not exist",
        Absent,
    ),
    (
        403,
        "DENIED",
        "Your authorization token has expired. Reauthenticate and try again.",
        Expired,
    ),
    (
        403,
        "DENIED",
        "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage \
         because no identity-based policy allows the ecr:BatchGetImage action",
        Unauthorized,
    ),
    (
        404,
        "MANIFEST_UNKNOWN",
        "Manifest with tag 'v1' has media type 'a', but client accepts 'b'.",
        NotAcceptable,
    ),
    (404, "NAME_UNKNOWN", "Repository \"x\" not found", Absent),
    (
        403,
        "DENIED",
        "Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"x\" \
         (or it may not exist)",
        Unauthorized,
    ),
    (
        403,
        "DENIED",
        "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
        Firewall,
    ),
    (
        403,
        "DENIED",
        "client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to \
         grant access.",
        Firewall,
    ),
    (
        404,
        "MANIFEST_UNKNOWN",
        "manifest tagged by \"v1\" is not found",
        Absent,
    ),
    (
        403,
        "DENIED",
        "Artifact Registry API has not been used in project 1 before or it is disabled. Enable it by \
         visiting https://console.developers.google.com/x then retry.",
        Blocked,
    ),
    (
        403,
        "DENIED",
        "Please enable or contact project owners to enable the Google Container Registry API in \
         Cloud Console at https://console.cloud.google.com/x before performing this operation.",
        Blocked,
    ),
    (
        403,
        "DENIED",
        "Container Registry is deprecated and shutting down, please use the auto migration tool",
        Blocked,
    ),
    (
        403,
        "DENIED",
        "This API method requires billing to be enabled.",
        Blocked,
    ),
];

/// Names that contain the words of rules, which say nothing about the refusal.
const NAMES: &[SampleAnswer] = &[
    (
        403,
        "DENIED",
        "Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \
         \"projects/acme/locations/europe-west1/repositories/policy-scanner\" (or it may not exist)",
        Unauthorized,
    ),
    (
        403,
        "FORBIDDEN",
        "no access to team/quarantine-disabled",
        Unauthorized,
    ),
    (
        403,
        "",
        "Not enough permissions to read 'docker-local/malware-firewall/v1'.",
        Unauthorized,
    ),
];

/// What Quay, Harbor and Artifactory answer. An error of Artifactory itself has no code.
const PRODUCTS: &[SampleAnswer] = &[
    (404, "TAG_EXPIRED", "Tag has expired", Absent),
    (
        400,
        "UPSTREAM_REGISTRY_ERROR",
        "Error requesting upstream registry: Failed to get token from 'https://x/', 429",
        Upstream,
    ),
    (
        403,
        "DENIED",
        "The region from which you are pulling has been geo-ip blocked.",
        Firewall,
    ),
    (405, "DENIED", "This namespace is disabled.", Blocked),
    (404, "NOT_FOUND", "artifact team/app:v1 not found", Absent),
    (403, "FORBIDDEN", "forbidden", Unauthorized),
    (
        412,
        "PROJECTPOLICYVIOLATION",
        "current image with 7 vulnerabilities",
        Blocked,
    ),
    (
        412,
        "PROJECTPOLICYVIOLATION",
        "The image is not signed in Notary.",
        Blocked,
    ),
    (412, "PRECONDITION", "the image is not scanned", Blocked),
    (429, "TOO_MANY_REQUEST", "slow down", Limited),
    (400, "UNKNOWN", "something", NoAnswer),
    (
        404,
        "MANIFEST_UNKNOWN",
        "The named manifest is not known to the registry.",
        Absent,
    ),
    (
        403,
        "",
        "Artifact download request rejected: x was not downloaded due to the download blocking \
         policy configured in Xray",
        Blocked,
    ),
    (403, "", "Forbidden", Unauthorized),
    (
        403,
        "",
        "This request is blocked due to recurrent login failures",
        Expired,
    ),
    (401, "", "Bad credentials", Unauthorized),
    (404, "", "File not found.", NoAnswer),
];

/// What other APIs answer in nearly the same form.
const OTHERS: &[SampleAnswer] = &[
    (404, "404", "no route matched", NoAnswer),
    (404, "DENIED", "not yours", Unauthorized),
    (406, "UNSUPPORTED", "no such representation", NotAcceptable),
];

fn kind(status: u16, code: &str, message: &str) -> RefusalKind {
    let error = RegistryError {
        code: code.to_owned(),
        message: message.to_owned(),
        status: None,
    };
    RefusalKind::of(status, false, Some(&error))
}

#[test]
fn the_registries_say_the_same_in_many_ways() {
    for samples in [DISTRIBUTION, CLOUDS, PRODUCTS, OTHERS, NAMES] {
        for (status, code, message, expected) in samples {
            let found = kind(*status, code, message);
            assert_eq!(found, *expected, "{status} {code} {message}");
        }
    }
}

#[test]
fn a_good_token_may_do_too_little() {
    assert!(lacks_a_right("access token has insufficient scopes"));
    assert!(!lacks_a_right("incorrect username or password"));
    assert!(!lacks_a_right("no access to 'insufficient scope'"));
}

#[test]
fn without_a_registrys_form_there_is_no_answer() {
    for status in [400, 401, 403, 404, 406, 410, 412, 418, 451] {
        assert_eq!(RefusalKind::of(status, false, None), NoAnswer);
    }
    // ECR refuses in plain text, and names a way to log in.
    assert_eq!(RefusalKind::of(401, true, None), Unauthorized);
    assert_eq!(RefusalKind::of(403, true, None), NoAnswer);
}

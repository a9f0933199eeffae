//! What a registry means by an answer that is not the content.

use crate::error::RegistryError;

/// What a registry means by an answer that is not the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// It does not have the content.
    Absent,
    /// It requires credentials, or others than those that it got.
    Unauthorized,
    /// It does not accept the credentials any more.
    Expired,
    /// It does not let this machine in, whatever its credentials.
    Firewall,
    /// It has the image, and a policy does not let it be pulled.
    Blocked,
    /// It has the content, and not in a form that the request accepts.
    NotAcceptable,
    /// It limits the rate of requests.
    Limited,
    /// It says nothing that a registry says: the answer may come from a proxy.
    NoAnswer,
}

/// Codes of 404 (OCI distribution specification, "Error Codes"; `NOT_FOUND` is that of Harbor,
/// `TAG_EXPIRED` that of Quay).
const ABSENT: [&str; 6] = [
    "MANIFEST_UNKNOWN",
    "NAME_UNKNOWN",
    "BLOB_UNKNOWN",
    "MANIFEST_BLOB_UNKNOWN",
    "NOT_FOUND",
    "TAG_EXPIRED",
];
/// Codes about the right to read; `FORBIDDEN` is that of Harbor.
const ACCESS: [&str; 3] = ["UNAUTHORIZED", "DENIED", "FORBIDDEN"];
/// Codes of a rate limit; the second is that of Harbor.
const LIMITED: [&str; 2] = ["TOOMANYREQUESTS", "TOO_MANY_REQUEST"];

/// Words for a form that the request does not accept, whose code is that of an absent manifest
/// (distribution, GitLab and ACR: "… but accept header does not support …"; Google: "… has media type
/// …, but client accepts …").
const NOT_ACCEPTABLE: [&str; 2] = ["accept header", "client accepts"];
/// Words about the right to read that contain the word `policy` (AWS: "no identity-based policy allows
/// …"), and about logins that were rejected too often (Artifactory).
const RIGHTS: [&str; 2] = ["not authorized to perform", "login failures"];
/// Words about credentials that were valid (ECR: "Your authorization token has expired").
const EXPIRED: [&str; 2] = ["expired", "login failures"];
/// Words about the content of an image (Harbor, Xray, JFrog Curation, Nexus, Prisma).
const CONTENT: [&str; 6] = [
    "vulnerab",
    "quarantin",
    "malicious",
    "malware",
    "signature",
    "not signed",
];
/// Words about where the request comes from (ACR, GitHub, Google's service perimeters, Quay).
const PLACE: [&str; 10] = [
    "client with ip",
    "ip address",
    "ip allow list",
    "your ip",
    "source ip",
    "geo-ip",
    "firewall",
    "public network access",
    "not allowed access",
    "vpcservicecontrols",
];
/// Words of rules of any other kind.
const RULES: [&str; 7] = [
    "policy",
    "policies",
    "curation",
    "scan",
    "blocked",
    "blacklist",
    "disabled",
];

impl RefusalKind {
    /// Classifies an answer by its form: the status, whether it names a way to log in, and the error
    /// in it. Words decide only where two meanings share a form.
    pub(crate) fn of(status: u16, is_challenge: bool, error: Option<&RegistryError>) -> Self {
        let Some(error) = error else {
            return if status == 401 && is_challenge {
                Self::Unauthorized
            } else {
                Self::NoAnswer
            };
        };
        let code = error.code.to_ascii_uppercase();
        let message = error.message.to_lowercase();
        let is_one = |codes: &[&str]| codes.contains(&code.as_str());
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match status {
            429 => Self::Limited,
            _ if is_one(&LIMITED) => Self::Limited,
            406 => Self::NotAcceptable,
            404 | 410 if is_one(&ABSENT) && says(&NOT_ACCEPTABLE) => Self::NotAcceptable,
            404 | 410 if is_one(&ABSENT) => Self::Absent,
            404 | 410 if !is_one(&ACCESS) => Self::NoAnswer,
            401 => Self::Unauthorized,
            403 | 404 | 410 if says(&RIGHTS) && !says(&EXPIRED) => Self::Unauthorized,
            403 | 404 | 410 if says(&CONTENT) => Self::Blocked,
            403 | 404 | 410 if says(&PLACE) => Self::Firewall,
            403 | 404 | 410 if says(&EXPIRED) => Self::Expired,
            403 | 404 | 410 if says(&RULES) => Self::Blocked,
            403 if code.is_empty() => Self::Unauthorized,
            403 | 404 | 410 if is_one(&ACCESS) => Self::Unauthorized,
            400..=499 if code.is_empty() || code == "UNKNOWN" => Self::NoAnswer,
            400..=499 => Self::Blocked,
            _ => Self::NoAnswer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: &str, message: &str) -> RefusalKind {
        let (code, message) = (code.to_owned(), message.to_owned());
        let error = RegistryError {
            code,
            message,
            status: None,
        };
        RefusalKind::of(status, false, Some(&error))
    }

    /// The answers of the registries in use, as public reports and their sources quote them.
    #[test]
    fn the_registries_say_the_same_in_many_ways() {
        use RefusalKind::{
            Absent, Blocked, Expired, Firewall, Limited, NoAnswer, NotAcceptable, Unauthorized,
        };
        for (status, code, message, expected) in [
            // distribution, Docker Hub, GHCR, GitLab, zot, Nexus.
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
            // ECR.
            (404, "MANIFEST_UNKNOWN", "Requested image not found", Absent),
            (
                404,
                "NAME_UNKNOWN",
                "The repository with name 'a' does not exist in the registry with id '1'",
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
                "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecr:BatchGetImage because no identity-based policy allows the ecr:BatchGetImage action",
                Unauthorized,
            ),
            // Google's Artifact Registry.
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
                "Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"x\" (or it may not exist)",
                Unauthorized,
            ),
            (
                403,
                "DENIED",
                "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x",
                Firewall,
            ),
            // Azure.
            (
                403,
                "DENIED",
                "client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
                Firewall,
            ),
            (
                404,
                "MANIFEST_UNKNOWN",
                "manifest tagged by \"v1\" is not found",
                Absent,
            ),
            // GHCR.
            (
                403,
                "DENIED",
                "the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource",
                Firewall,
            ),
            (
                403,
                "DENIED",
                "permission_denied: read_package",
                Unauthorized,
            ),
            // Quay.
            (404, "TAG_EXPIRED", "Tag has expired", Absent),
            (
                403,
                "DENIED",
                "The region from which you are pulling has been geo-ip blocked.",
                Firewall,
            ),
            (
                405,
                "DENIED",
                "This namespace is disabled. Please contact your system administrator.",
                Blocked,
            ),
            // Harbor.
            (404, "NOT_FOUND", "artifact team/app:v1 not found", Absent),
            (403, "FORBIDDEN", "forbidden", Unauthorized),
            (
                412,
                "PROJECTPOLICYVIOLATION",
                "current image with 7 vulnerabilities cannot be pulled due to configured policy",
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
            // Artifactory and Xray; the second form has a status and no code.
            (
                404,
                "MANIFEST_UNKNOWN",
                "The named manifest is not known to the registry.",
                Absent,
            ),
            (
                403,
                "",
                "Artifact download request rejected: x was not downloaded due to the download blocking policy configured in Xray",
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
            // Nexus with its firewall.
            (
                403,
                "DENIED",
                "Requested item is quarantined by Repository Firewall",
                Blocked,
            ),
            // Other APIs that answer with a list of errors.
            (404, "404", "no route matched", NoAnswer),
            (404, "DENIED", "not yours", Unauthorized),
            (406, "UNSUPPORTED", "no such representation", NotAcceptable),
        ] {
            assert_eq!(
                kind(status, code, message),
                expected,
                "{status} {code} {message}"
            );
        }
    }

    #[test]
    fn without_a_registrys_form_there_is_no_answer() {
        for status in [400, 401, 403, 404, 406, 410, 412, 418, 451] {
            assert_eq!(RefusalKind::of(status, false, None), RefusalKind::NoAnswer);
        }
        // ECR refuses in plain text, and names a way to log in.
        assert_eq!(RefusalKind::of(401, true, None), RefusalKind::Unauthorized);
        assert_eq!(RefusalKind::of(403, true, None), RefusalKind::NoAnswer);
    }
}

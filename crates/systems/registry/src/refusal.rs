//! The meaning of an answer that is not the content.

use contract::without_names;

use crate::error::RegistryError;

/// The meanings of such an answer.
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
    /// It is a proxy, and another registry did not answer it.
    Upstream,
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

/// The code of a proxy whose upstream registry does not answer (Quay).
const UPSTREAM: &str = "UPSTREAM_REGISTRY_ERROR";

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
/// Words of rules of any other kind, and of services that are off (Google).
const RULES: [&str; 10] = [
    "policy",
    "policies",
    "curation",
    "scan",
    "blocked",
    "blacklist",
    "disabled",
    "to enable the ",
    "shutting down",
    "requires billing",
];

/// Words of a token that may do too little, which comes with 401 as a wrong one does (Docker Hub:
/// "access token has insufficient scopes"; OAuth 2: `insufficient_scope`).
const LACKING: [&str; 2] = ["insufficient scope", "insufficient_scope"];

/// Returns whether a refusal says that the credentials are good, and may do too little.
pub(crate) fn lacks_a_right(said: &str) -> bool {
    let said = without_names(said).to_lowercase();
    LACKING.iter().any(|words| said.contains(words))
}

impl RefusalKind {
    /// Classifies an answer by its form: the status, whether it names a way to log in, and the error
    /// in it. Words decide only where two meanings share a form, and names in them never.
    pub(crate) fn of(status: u16, is_challenge: bool, error: Option<&RegistryError>) -> Self {
        let Some(error) = error else {
            return if status == 401 && is_challenge {
                Self::Unauthorized
            } else {
                Self::NoAnswer
            };
        };
        let code = error.code.to_ascii_uppercase();
        let message = without_names(&error.message).to_lowercase();
        let is_one = |codes: &[&str]| codes.contains(&code.as_str());
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match status {
            429 => Self::Limited,
            _ if is_one(&LIMITED) => Self::Limited,
            400..=499 if code == UPSTREAM => Self::Upstream,
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
mod tests;

//! The headers of an answer that are recorded.

/// Headers on which a step may base its verdict, and those that explain an answer. Any other may be
/// a secret, such as a cookie.
const KEPT: [&str; 20] = [
    "cache-control",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "docker-content-digest",
    "docker-distribution-api-version",
    "etag",
    "link",
    "location",
    "oci-subject",
    "retry-after",
    "server",
    "www-authenticate",
    "x-accepted-github-permissions",
    "x-accepted-oauth-scopes",
    "x-github-request-id",
    "x-oauth-scopes",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Returns the headers to record. The query of a redirect may be a signature that opens its target,
/// so it is left out.
pub(super) fn kept(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    let kept = headers
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()));
    kept.map(|(name, value)| {
        let end = value.find(['?', '#']).filter(|_| name == "location");
        (name.as_str(), &value[..end.unwrap_or(value.len())])
    })
    .collect()
}

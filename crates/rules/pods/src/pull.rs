//! The words of a message about an image that cannot be pulled.
//!
//! containerd and CRI-O pass on the registry's answer as text; no field has it. An unknown message
//! counts as transient.

/// Words of transient failures. They win over the other lists.
pub(crate) const TRANSIENT: &[&str] = &[
    "toomanyrequests",
    "too many requests",
    "429",
    "rate limit",
    "timeout",
    "timed out",
    "deadline exceeded",
    "connection refused",
    "connection reset",
    "no such host",
    "server misbehaving",
    "x509:",
    "service unavailable",
    "bad gateway",
    "internal server error",
    "tls:",
    "no route to host",
    "network is unreachable",
    "unexpected eof",
    "no space left on device",
];

/// Words of denied access. They win over [`NOT_FOUND`]: Docker Hub says "pull access denied …
/// repository does not exist or may require authorization", which does not prove that the image is
/// missing.
pub(crate) const DENIED: &[&str] = &[
    "unauthorized",
    "401",
    "403 forbidden",
    "status: 403",
    "denied",
    "authentication required",
    "no basic auth credentials",
    "authorization failed",
    "insufficient_scope",
];

/// Words of something else that is missing: the token of a registry, a program that returns
/// credentials, content that the registry lost. They win over [`NOT_FOUND`], since none of them
/// tells whether the registry has the image.
pub(crate) const NOT_THE_IMAGE: &[&str] = &[
    "failed to authorize",
    "anonymous token",
    "oauth token",
    "error getting credentials",
    "executable file not found",
    "page not found",
    "failed to copy",
    "failed to extract layer",
    "content descriptor",
    "no such file",
    "snapshotter",
    "blob unknown",
    "blob_unknown",
];

/// Words of a missing image.
pub(crate) const NOT_FOUND: &[&str] = &[
    "manifest unknown",
    "manifest_unknown",
    "name unknown",
    "name_unknown",
    "not found",
    "no match for platform",
    "no matching manifest",
    "no image found in manifest list for architecture",
    "no image found in image index for architecture",
];

/// Returns whether a message tells more than that the kubelet waits.
pub(crate) fn names_a_cause(message: &str) -> bool {
    let rest = without_names(message).replace("Back-off pulling image", "");
    rest.chars().any(char::is_alphanumeric)
}

/// Returns the part of a message that tells the cause: the registry's answer at its end.
pub(crate) fn cause(message: &str) -> &str {
    const HEADS: [&str; 5] = [
        "failed to resolve image: ",
        "failed to do request: ",
        "failed to authorize: ",
        "rpc error: ",
        "ErrImagePull: ",
    ];
    let after = HEADS
        .iter()
        .find_map(|head| message.rfind(head).map(|at| &message[at + head.len()..]));
    let resolved = message
        .rfind("failed to resolve reference \"")
        .and_then(|at| message[at..].split_once("\": "));
    resolved
        .map(|(_, cause)| cause)
        .or(after)
        .unwrap_or(message)
        .trim()
}

/// Removes names: an image may be called `not-found-service:403`. Names are in quotes, or are
/// addresses.
pub(crate) fn without_names(message: &str) -> String {
    let unquoted = message.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let is_name = |word: &&str| word.contains('/') || word.contains("sha256:");
    unquoted
        .split_whitespace()
        .filter(|word| !is_name(word))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use contract::Reason;

    use super::*;
    use crate::{IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, rules};

    const IMAGE: &str = "ghcr.io/data-literate/dex:v9";

    fn classify(message: &str) -> Reason {
        let rule = rules::of_container("ErrImagePull", message);
        rule.unwrap().reason
    }

    fn containerd(cause: &str) -> String {
        format!(
            "failed to pull and unpack image \"{IMAGE}\": failed to resolve reference \"{IMAGE}\": {cause}"
        )
    }

    #[test]
    fn a_missing_image_is_recognised() {
        for words in [
            containerd(&format!("{IMAGE}: not found")),
            "reading manifest v9 in ghcr.io/data-literate/dex: manifest unknown".to_owned(),
            "no match for platform in manifest: not found".to_owned(),
            "choosing image instance: no image found in manifest list for architecture arm64, variant \"v8\", OS linux".to_owned(),
            format!("rpc error: code = NotFound desc = {}", containerd("not found")),
        ] {
            assert_eq!(classify(&words), IMAGE_NOT_FOUND, "{words}");
        }
    }

    #[test]
    fn denied_access_is_recognised() {
        for words in [
            containerd("failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 401 Unauthorized"),
            containerd("unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/v9: 403 Forbidden"),
            "Error response from daemon: pull access denied for dex, repository does not exist or may require 'docker login'".to_owned(),
            containerd("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"),
            "no basic auth credentials".to_owned(),
        ] {
            assert_eq!(classify(&words), IMAGE_PULL_DENIED, "{words}");
        }
    }

    #[test]
    fn other_failures_are_transient() {
        for words in [
            containerd(
                "unexpected status code https://registry-1.docker.io/v2/x: 429 Too Many Requests - Server message: toomanyrequests",
            ),
            containerd(
                "failed to do request: Head \"https://ghcr.io/v2/x\": dial tcp: lookup ghcr.io: no such host",
            ),
            containerd(
                "failed to do request: Head \"https://ghcr.io/v2/x\": dial tcp 1.2.3.4:443: i/o timeout",
            ),
            containerd(
                "failed to do request: Head \"https://ghcr.io/v2/x\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            ),
            containerd(
                "unexpected status from HEAD request to https://ghcr.io/v2/x: 503 Service Unavailable",
            ),
            format!("Back-off pulling image \"{IMAGE}\""),
            "something new".to_owned(),
        ] {
            assert_eq!(classify(&words), IMAGE_PULL, "{words}");
        }
    }

    #[test]
    fn the_name_of_an_image_is_no_cause() {
        assert_eq!(
            classify("Back-off pulling image \"ghcr.io/x/not found/denied:401\""),
            IMAGE_PULL
        );
        assert!(!names_a_cause(&format!(
            "Back-off pulling image \"{IMAGE}\""
        )));
        assert!(names_a_cause(&format!(
            "Back-off pulling image \"{IMAGE}\": ErrImagePull: not found"
        )));
    }

    #[test]
    fn the_cause_is_the_registrys_answer() {
        assert_eq!(cause(&containerd("not found")), "not found");
        assert_eq!(
            cause(&format!(
                "Back-off pulling image \"{IMAGE}\": ErrImagePull: pull QPS exceeded"
            )),
            "pull QPS exceeded"
        );
    }
}

//! What a kubelet says when an image cannot be pulled, and which of it is final.
//!
//! The words are those of containerd and CRI-O, which pass on what the registry answered; there is no
//! field for it. What is not recognised counts as something that may pass.

use contract::Reason;

use crate::{IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED};

/// What kept a node from pulling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The registry says that it is not there, or not for the node's platform. Final.
    NotFound,
    /// The registry said 401 or 403. Final.
    Denied,
    /// Network, limits, a registry that fails: it may pass.
    Passing,
}

/// Asked before [`DENIED`]: Docker Hub says "pull access denied … repository does not exist or may
/// require authorization", which is no proof that it is not there.
const PASSING: [&str; 13] = [
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
];

const DENIED: [&str; 9] = [
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

const NOT_FOUND: [&str; 9] = [
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

/// Returns what the words of a kubelet mean.
pub fn refusal(message: &str) -> Refusal {
    let words = without_names(message).to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    if says(&PASSING) {
        Refusal::Passing
    } else if says(&DENIED) {
        Refusal::Denied
    } else if says(&NOT_FOUND) {
        Refusal::NotFound
    } else {
        Refusal::Passing
    }
}

impl Refusal {
    /// Returns whether waiting is of no use.
    pub fn is_final(self) -> bool {
        self != Self::Passing
    }

    /// Returns the reason with its fault.
    pub fn reason(self) -> Reason {
        match self {
            Self::NotFound => IMAGE_NOT_FOUND,
            Self::Denied => IMAGE_PULL_DENIED,
            Self::Passing => IMAGE_PULL,
        }
    }
}

/// Returns whether the words say more than that it waits.
pub(crate) fn names_a_cause(message: &str) -> bool {
    let rest = without_names(message).replace("Back-off pulling image", "");
    rest.chars().any(char::is_alphanumeric)
}

/// Returns the part of the words that says why: what the registry said is at the end.
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

/// An image may be called `not-found-service:403`, so names do not count; they stand in quotes, or are
/// addresses.
fn without_names(message: &str) -> String {
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
    use super::*;

    const IMAGE: &str = "ghcr.io/data-literate/dex:v9";

    fn containerd(cause: &str) -> String {
        format!(
            "failed to pull and unpack image \"{IMAGE}\": failed to resolve reference \"{IMAGE}\": {cause}"
        )
    }

    #[test]
    fn what_the_registry_says_is_not_there_is_final_and_the_changes_fault() {
        for words in [
            containerd(&format!("{IMAGE}: not found")),
            "reading manifest v9 in ghcr.io/data-literate/dex: manifest unknown".to_owned(),
            "no match for platform in manifest: not found".to_owned(),
            "choosing image instance: no image found in manifest list for architecture arm64, variant \"v8\", OS linux".to_owned(),
            format!("rpc error: code = NotFound desc = {}", containerd("not found")),
        ] {
            assert_eq!(refusal(&words), Refusal::NotFound, "{words}");
        }
    }

    #[test]
    fn a_registry_that_does_not_let_it_in_is_a_matter_of_settings() {
        for words in [
            containerd("failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 401 Unauthorized"),
            containerd("unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/v9: 403 Forbidden"),
            "Error response from daemon: pull access denied for dex, repository does not exist or may require 'docker login'".to_owned(),
            containerd("pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"),
            "no basic auth credentials".to_owned(),
        ] {
            assert_eq!(refusal(&words), Refusal::Denied, "{words}");
        }
    }

    #[test]
    fn what_may_pass_is_waited_for() {
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
            assert_eq!(refusal(&words), Refusal::Passing, "{words}");
        }
    }

    #[test]
    fn the_name_of_an_image_is_no_cause() {
        assert_eq!(
            refusal("Back-off pulling image \"ghcr.io/x/not found/denied:401\""),
            Refusal::Passing
        );
        assert!(!names_a_cause(&format!(
            "Back-off pulling image \"{IMAGE}\""
        )));
        assert!(names_a_cause(&format!(
            "Back-off pulling image \"{IMAGE}\": ErrImagePull: not found"
        )));
    }

    #[test]
    fn the_cause_is_what_the_registry_said() {
        assert_eq!(cause(&containerd("not found")), "not found");
        assert_eq!(
            cause(&format!(
                "Back-off pulling image \"{IMAGE}\": ErrImagePull: pull QPS exceeded"
            )),
            "pull QPS exceeded"
        );
    }
}

//! Data: what programs read, and what a secret must not spoil.

use crate::{Commit, Digest, Reference};

/// Returns whether a word of the data is a digest, a commit or a reference, which is never masked:
/// a password that is also a part of an image's name would change the step's answer.
pub(crate) fn is_typed(word: &str) -> bool {
    word.parse::<Digest>().is_ok() || word.parse::<Commit>().is_ok() || is_reference(word)
}

/// Returns whether a word is a reference without doubt: nearly every word is one of Docker Hub.
fn is_reference(word: &str) -> bool {
    let Ok(reference) = word.parse::<Reference>() else {
        return false;
    };
    let has_host = word.starts_with(&format!("{}/", reference.registry()));
    has_host || reference.digest().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beyond_doubt_is_typed() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference = format!("acme/app@{digest}");
        let commit = "b".repeat(40);
        for word in [&digest, &reference, &commit, "ghcr.io/acme/app:v1"] {
            assert!(is_typed(word), "{word}");
        }
        for word in ["hunter2", "acme/app", "correct/horse", "sha256", "v1", ""] {
            assert!(!is_typed(word), "{word}");
        }
    }
}

//! Digests as registries write them.

use sha2::{Digest as _, Sha256};

/// Returns `sha256:…` of these bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}

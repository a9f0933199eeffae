//! How to reach a registry.

use std::path::Path;

use contract::{Failure, Secret, World};

/// How to reach and enter a registry.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Plain http (`--registry-plain-http`); loopback is tried without TLS by itself.
    pub plain_http: bool,
    /// PEM of a certificate authority (`--registry-ca-file`).
    pub authorities: Option<Vec<u8>>,
    /// User name (`--registry-username`); any will do where only the password counts.
    pub username: Option<String>,
    /// Password or token (`RUNBOOK_REGISTRY_PASSWORD`).
    pub password: Option<Secret>,
    /// GitHub's token, password of last resort for `ghcr.io`.
    pub github_token: Option<Secret>,
    /// A registry that neither says "not there" nor lets anybody in without credentials is taken to
    /// mean "not there" (`--assume-public`).
    pub assume_public: bool,
}

/// Reads the file of `--registry-ca-file`, if one is given.
///
/// # Errors
/// `usage` when the file cannot be read.
pub fn authorities(world: &World, file: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    fetch::authorities(world, file, "--registry-ca-file")
}

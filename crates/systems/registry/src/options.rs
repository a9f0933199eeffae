//! How to reach a registry.

use std::path::Path;

use contract::{Failure, Secret, World};

/// How to reach a registry, and how to log in to it.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Plain HTTP (`--registry-plain-http`); automatic on loopback.
    pub plain_http: bool,
    /// PEM text of certificate authorities (`--registry-ca-file`).
    pub authorities: Option<Vec<u8>>,
    /// User name (`--registry-username`); many registries check only the password.
    pub username: Option<String>,
    /// Password or token (`RUNBOOK_REGISTRY_PASSWORD`).
    pub password: Option<Secret>,
    /// GitHub's token, the last password to try for `ghcr.io`.
    pub github_token: Option<Secret>,
    /// Treat an answer that requires credentials as "not found" (`--assume-public`).
    pub assume_public: bool,
}

/// Reads the file of `--registry-ca-file`, if one is given.
///
/// # Errors
/// `usage` when the file cannot be read.
pub fn authorities(world: &World, file: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    fetch::authorities(world, file, "--registry-ca-file")
}

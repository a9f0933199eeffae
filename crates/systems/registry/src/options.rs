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
    pub password: Option<RegistryPassword>,
    /// GitHub's token, the last password to try for `ghcr.io`.
    pub github_token: Option<Secret>,
    /// Treat an answer that requires credentials as "not found" (`--assume-public`).
    pub assume_public: bool,
}

/// A password and the one registry that may get it.
#[derive(Debug, Clone)]
pub struct RegistryPassword {
    secret: Secret,
    registry: String,
}

impl RegistryPassword {
    /// Binds a password to a registry, as references name it (`registry.example.org:5000`).
    pub fn new(secret: Secret, registry: &str) -> Self {
        Self {
            secret,
            registry: registry.to_owned(),
        }
    }

    /// Returns the registry that may get the password.
    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the password for this registry, if it belongs to it.
    pub(crate) fn of(&self, registry: &str) -> Option<&Secret> {
        (self.registry == registry).then_some(&self.secret)
    }
}

/// Reads the file of `--registry-ca-file`, if one is given.
///
/// # Errors
/// `usage` when the file cannot be read.
pub fn authorities(world: &World, file: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    fetch::authorities(world, file, "--registry-ca-file")
}

//! The settings of a server's client.

use std::path::Path;

use contract::{Failure, Secret, World};

use crate::address::ServerAddress;

/// The server, and how to connect to it.
#[derive(Debug, Clone)]
pub struct ArgoOptions {
    /// The server's address (`--argocd-server`).
    pub server: ServerAddress,
    /// Certificate authorities as PEM (`--argocd-ca-file`).
    pub authorities: Option<Vec<u8>>,
    /// The server's own token (`RUNBOOK_ARGOCD_TOKEN`, else `ARGOCD_AUTH_TOKEN`).
    pub token: Option<Secret>,
}

/// Reads the file of `--argocd-ca-file`, if one is given.
///
/// # Errors
/// `usage` when the file cannot be read.
pub fn authorities(world: &World, file: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
    fetch::authorities(world, file, "--argocd-ca-file")
}

//! An OCI registry: manifests, configurations, and its ways of saying no.
//!
//! One question is one GET (OCI distribution specification, "Pulling manifests"): a HEAD has no body
//! and so no reason, and some registries answer it wrongly. "It is not there" ([`ManifestAnswer::Absent`]) is
//! only what a registry itself says in its own JSON; a 404 of a proxy is not an answer.

mod access;
mod challenge;
mod config;
mod credentials;
mod manifest;
mod options;
mod platform;
mod repository;

pub use self::{
    config::ImageConfig,
    manifest::{IndexEntry, ManifestKind, RegistryManifest},
    options::{RegistryOptions, authorities},
    platform::{InvalidPlatform, Platform},
    repository::{ImageRepository, ManifestAnswer},
};

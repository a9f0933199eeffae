//! An OCI registry: manifests, configurations, and the ways in which it refuses.
//!
//! Every request is a GET (OCI distribution specification, "Pulling manifests"): the answer to a
//! HEAD has no body and so no reason, and some registries answer it incorrectly. Only a registry's
//! own JSON means that something is absent ([`ManifestAnswer::Absent`]); the 404 of a proxy is no
//! answer.

mod access;
mod address;
mod auth_file;
mod challenge;
mod config;
mod credentials;
mod denial;
mod error;
mod manifest;
mod options;
mod provenance;
pub mod reasons;
mod refusal;
mod repository;
mod token;

pub use self::{
    config::ImageConfig,
    manifest::{IndexEntry, ManifestKind, RegistryManifest},
    options::{RegistryOptions, RegistryPassword, authorities},
    provenance::Attestation,
    repository::{ImageRepository, ManifestAnswer},
};

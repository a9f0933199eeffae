//! A small world on loopback for the demo and quick tests.
//!
//! It answers only what the steps ask, and as the real systems do: its tests put the same questions
//! to both.

mod application;
mod argocd;
mod branch;
mod delivery;
mod image;
mod kubernetes;
mod objects;
mod query;
mod registry;
mod rollout;
mod state;
mod stream;

pub use delivery::Delivery;
pub use image::{SandboxImage, SandboxManifest, sha256};
pub use registry::SandboxRegistry;
pub use state::SandboxApp;

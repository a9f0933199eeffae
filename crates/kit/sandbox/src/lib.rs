//! A small world on loopback for the demo and quick tests.
//!
//! It answers only what the steps ask, and as the real systems do: its tests put the same questions
//! to both.

mod argocd;
mod delivery;
mod image;
mod kubernetes;
mod objects;
mod registry;
mod rollout;
mod stream;

pub use delivery::{App, Delivery};
pub use image::{Image, Manifest, sha256};
pub use registry::Registry;

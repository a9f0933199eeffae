//! The binary, against a real Argo CD and a real Kubernetes API: what it is for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deployed;
mod recorded;
mod refused;
mod sick;
mod unanswered;
mod world;

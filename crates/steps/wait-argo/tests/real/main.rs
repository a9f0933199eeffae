//! The binary, against a real Argo CD and a real Kubernetes API.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deployed;
mod deployed_app;
mod driven;
mod failing;
mod recorded;
mod refused;
mod unanswered;

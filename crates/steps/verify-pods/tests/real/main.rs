//! The binary, against a real Kubernetes API server; the tests play the kubelet.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admitted;
mod failing;
mod fixture;
mod many;
mod recorded;
mod replaced;
mod running;
mod unanswered;

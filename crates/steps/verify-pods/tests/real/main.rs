//! The binary, against a real Kubernetes API whose kubelet is the test: what it is for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admitted;
mod fixture;
mod many;
mod recorded;
mod replaced;
mod running;
mod sick;
mod unanswered;

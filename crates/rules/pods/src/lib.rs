//! What dooms a pod, which image it runs, and what holds a rollout up. Values in, values out.
//!
//! Whoever watches pods makes a [`Pod`] of what it sees, be it an object of Kubernetes or a node of
//! Argo CD's tree ([`Pod::from_summary`]), lets a [`PodHistory`] observe it at every look, and asks [`unrecoverable`]:
//!
//! ```
//! use std::time::Duration;
//! use pods::{GracePeriods, Pod, PodHistory, Summary, unrecoverable};
//!
//! let pod = Pod::from_summary(Summary {
//!     namespace: "dex-prod".to_owned(),
//!     name: "dex-7f9".to_owned(),
//!     status: "ImagePullBackOff".to_owned(),
//!     message: "Back-off pulling image \"ghcr.io/data-literate/dex:v9\": not found".to_owned(),
//!     ..Summary::default()
//! });
//! let mut since = PodHistory::default();
//! since.observe(&pod, Duration::ZERO);
//! let failure = unrecoverable(&pod, &since, &GracePeriods::default()).expect("the registry's word is final");
//! assert_eq!(failure.reason, pods::IMAGE_NOT_FOUND);
//! ```
//!
//! A doom ends the waiting at once, since nothing but a change of the image, the settings or the
//! cluster helps. What may pass by itself is waited for within its grace ([`GracePeriods`]).

mod create;
mod history;
pub mod image;
mod log_lines;
mod pod;
mod pull;
mod reasons;
mod rollout;
mod unrecoverable;

pub use create::{failed_create, failed_mount};
pub use history::{GracePeriods, PodHistory};
pub use log_lines::LogLines;
pub use pod::{Container, Owner, Pod, PodCondition, PodPhase, RunState, Summary, Termination};
pub use pull::{Refusal, refusal};
pub use reasons::{
    ADMISSION, CONFIG_ERROR, CRASH_LOOP, IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED,
    INIT_FAILED, INVALID_IMAGE_NAME, MIXED_DIGESTS, NO_PODS, NOT_READY, OLD_PODS, ON_DELETE,
    OUT_OF_MEMORY, PARTITIONED, PAUSED, QUOTA, REASONS, RESTARTED, UNSCHEDULABLE, VOLUME,
};
pub use rollout::{Rollout, WorkloadKind};
pub use unrecoverable::{Unrecoverable, unrecoverable, warning};

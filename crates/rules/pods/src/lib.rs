//! Decides which failures of a pod are unrecoverable, which image a pod runs, and what blocks a
//! rollout. Values in, values out.
//!
//! A caller that watches pods makes a [`Pod`] from an object of Kubernetes, or from a node of
//! Argo CD's tree ([`Pod::from_summary`]), adds every observation to a [`PodHistory`], and asks
//! [`unrecoverable`]:
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
//! let mut history = PodHistory::default();
//! history.observe(&pod, Duration::ZERO);
//! let failure = unrecoverable(&pod, &history, &GracePeriods::default());
//! assert_eq!(failure.unwrap().reason, pods::IMAGE_NOT_FOUND);
//! ```
//!
//! An [`Unrecoverable`] failure ends the wait at once, since only a change of the image, the
//! settings or the cluster helps. A failure that may pass is tolerated for its grace period
//! ([`GracePeriods`]).

mod command_output;
mod crash;
mod create;
mod ends;
mod events;
mod failure;
mod flags;
mod given_up;
mod history;
pub mod image;
mod log_lines;
mod pod;
mod previous;
mod pull;
mod reasons;
mod rollout;
mod rules;
mod summary;
mod unrecoverable;

pub use command_output::without_command_output;
pub use crash::crash;
pub use create::failed_create;
pub use events::{ObjectEvent, failed_creation, no_new_node, waits_for_new_node};
pub use failure::Unrecoverable;
pub use flags::PodFlags;
pub use given_up::GivenUpPods;
pub use history::{GracePeriods, PodHistory};
pub use log_lines::LogLines;
pub use pod::{Container, Owner, Pod, PodCondition, PodPhase, RunState, Termination};
pub use previous::PreviousTemplate;
pub use reasons::{
    ADMISSION, CLUSTER_POLICY, CONFIG_ERROR, CRASH_LOOP, CRASHED_BEFORE, CREATE_FAILED, EVICTED,
    IMAGE_NOT_FOUND, IMAGE_PULL, IMAGE_PULL_DENIED, INIT_FAILED, INVALID_IMAGE_NAME, MIXED_DIGESTS,
    NAME_RESERVED, NO_PODS, NODE_LOST, NODE_POLICY, NODE_PRESSURE, NODE_RUNTIME, NOT_AVAILABLE,
    NOT_READY, OLD_PODS, ON_DELETE, OUT_OF_MEMORY, PARTITIONED, PAUSED, POD_REJECTED, QUOTA,
    REASONS, RESTARTED, SANDBOX, SETTINGS_MISSING, SIDECAR, START_FAILED, STUCK_POD,
    UNKNOWN_DIGEST, UNSCHEDULABLE, VOLUME,
};
pub use rollout::{Rollout, WorkloadKind};
pub use summary::Summary;
pub use unrecoverable::{suspicion, unrecoverable, warning};

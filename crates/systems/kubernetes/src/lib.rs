//! What runs in a cluster, through the `kube` crate: where the cluster is, lists and watches that
//! survive cuts, logs and events for the diagnosis, and which "no" an error is.
//!
//! Nothing is asked but through the [`World`](contract::World): a service of ours sits on top of kube's
//! stack, above authentication, so that a recording holds requests and answers and no credentials, and a
//! tape answers without a cluster. The world lives on one thread and kube's services may not, so questions
//! go through a channel to [`Cluster::serve`], which must run beside whatever asks.

mod ask;
mod config;
mod desk;
mod error;
mod health;
mod objects;
mod role;
mod watch;

pub use ask::Event;
pub use config::Options;
pub use desk::Cluster;
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
pub use objects::{
    Condition, Container, ContainerState, ContainerStatus, GENERATION, GENERATION_LABEL, Kind,
    Labels, Pod, PodSpec, PodStatus, Probe, REVISION, REVISION_LABEL, ReplicaSet, Template,
    Terminated, Waiting, Workload, WorkloadSpec, WorkloadStatus,
};
pub use role::{EVENTS, LOGS, PODS, RULES, Rule, WORKLOADS};
pub use watch::{Scope, View, Watch};

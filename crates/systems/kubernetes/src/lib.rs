//! A client for Kubernetes clusters on top of the `kube` crate: it finds the cluster, keeps lists
//! and watches alive across interruptions, reads logs and events for a diagnosis, and maps each
//! error to its verdict.
//!
//! Every request goes through the [`World`](contract::World): a service of this crate sits on top
//! of kube's stack, above authentication, so that a recording holds requests and answers but no
//! credentials, and a tape answers without a cluster. This crate also reads the credentials and
//! runs the plugins, so that the world knows every secret. The world lives on one thread and kube's
//! services need not, so requests go through a channel to [`Cluster::serve`], which must run next
//! to the work that sends them.

mod body_limit;
mod bridge;
mod config;
mod connect_error;
mod controller_kind;
mod credentials;
mod error;
mod error_body;
mod health;
mod kubeconfig_text;
mod list_pages;
mod objects;
mod plugin;
mod privacy;
mod requests;
mod role;
mod template;
mod watch;

pub use bridge::Cluster;
pub use config::ClusterOptions;
pub use controller_kind::ControllerKind;
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
pub use objects::{
    ContainerResources, ContainerSpec, ContainerState, ContainerStatus, ControllerStatus,
    GENERATION, GENERATION_LABEL, Labels, PodObject, PodSpec, PodStatus, PodTemplate, REVISION,
    REVISION_LABEL, ROLLOUT_LABEL, ReadinessProbe, ReplicaSet, ReplicaSetSpec, StatusCondition,
    TerminatedState, WaitingState, Workload, WorkloadSpec,
};
pub use requests::{ClusterEvent, InvolvedObject};
pub use role::{CLONE_SETS, EVENTS, LOGS, PODS, ROLLOUTS, RULES, RoleRule, WORKLOADS};
pub use template::{TemplateReference, TemplateSketch};
pub use watch::{ClusterWatch, NamespaceView, WatchScope};

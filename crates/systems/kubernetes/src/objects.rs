//! The objects of the API, as far as they are read: a thousand pods must not cost a thousand
//! specifications.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, core::DynamicResourceScope};
use serde::{Deserialize, Deserializer};

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// A pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Name, owner, deletion.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: PodSpec,
    /// What is.
    pub status: PodStatus,
}

/// `spec` of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// The node.
    pub node_name: Option<String>,
    /// The main containers.
    pub containers: Vec<Container>,
    /// The init containers.
    pub init_containers: Vec<Container>,
    /// The volumes, of which only claims are read.
    pub volumes: Vec<Volume>,
}

/// A container as it is wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `Always` for an init container that goes on.
    pub restart_policy: Option<String>,
    /// What it may take.
    pub resources: Resources,
    /// How it is found out whether it is ready.
    pub readiness_probe: Option<Probe>,
}

/// `resources` of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// `memory: 256Mi`.
    pub limits: Labels,
}

/// `readinessProbe` of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Probe {
    /// A request.
    pub http_get: Option<Get>,
    /// A connection.
    pub tcp_socket: Option<Get>,
    /// A health service.
    pub grpc: Option<Get>,
    /// A command.
    pub exec: Option<Command>,
}

/// Where a probe asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Get {
    /// `/readyz`.
    pub path: String,
    /// A number or a name.
    pub port: serde_json::Value,
}

/// What a probe runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Command {
    /// Its words.
    pub command: Vec<String>,
}

/// A volume.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Volume {
    /// The claim, if it is one.
    pub persistent_volume_claim: Option<Claim>,
}

/// A volume's claim.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Claim {
    /// Its name.
    pub claim_name: String,
}

/// `status` of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Running`.
    pub phase: String,
    /// `Evicted`.
    pub reason: String,
    /// The words for it.
    pub message: String,
    /// `Ready`, `PodScheduled`.
    pub conditions: Vec<Condition>,
    /// One for each main container.
    pub container_statuses: Vec<ContainerStatus>,
    /// One for each init container.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// A condition of a pod or a controller.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// The words for it.
    pub message: String,
}

/// What a container is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// What its node runs.
    #[serde(rename = "imageID")]
    pub image_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// What it does.
    pub state: ContainerState,
    /// What it did before.
    pub last_state: ContainerState,
}

/// One of three.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<serde::de::IgnoredAny>,
    /// It has ended.
    pub terminated: Option<Terminated>,
}

/// Why a container waits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// `ImagePullBackOff`.
    pub reason: String,
    /// The words for it.
    pub message: String,
}

/// How a container ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    /// Its exit code.
    pub exit_code: i32,
    /// `OOMKilled`.
    pub reason: String,
    /// The words for it.
    pub message: String,
}

/// The controller of a Deployment's pods.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplicaSet {
    /// Name and owner.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// What became of it.
    pub status: WorkloadStatus,
}

/// The kinds of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// With ReplicaSets in between.
    Deployment,
    /// With names that stay.
    StatefulSet,
    /// One on each node.
    DaemonSet,
}

/// A Deployment, StatefulSet or DaemonSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// Name and generation.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkloadSpec,
    /// What is.
    pub status: WorkloadStatus,
}

/// `spec` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// How many; 1 when it is not said. A DaemonSet has none.
    pub replicas: Option<u32>,
    /// Whether a Deployment is paused.
    pub paused: bool,
    /// How a StatefulSet or DaemonSet is updated.
    pub update_strategy: Strategy,
    /// The pods to be.
    pub template: Template,
}

/// `updateStrategy`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    /// `RollingUpdate` or `OnDelete`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its settings.
    pub rolling_update: Option<RollingUpdate>,
}

/// `rollingUpdate` of a StatefulSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RollingUpdate {
    /// How many of the first pods stay as they are.
    pub partition: Option<u32>,
}

/// `template` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    /// The pods to be.
    pub spec: PodSpec,
}

/// `status` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadStatus {
    /// The generation that the controller has seen.
    pub observed_generation: Option<i64>,
    /// How many pods of the template there are.
    pub updated_replicas: u32,
    /// The template that all pods are to be of: StatefulSets.
    pub update_revision: String,
    /// How many pods are wanted: DaemonSets.
    pub desired_number_scheduled: u32,
    /// How many pods of the template there are: DaemonSets.
    pub updated_number_scheduled: u32,
    /// `Progressing`, `ReplicaFailure`.
    pub conditions: Vec<Condition>,
}

/// What only logs are asked of: `Api::logs` is for k8s-openapi's pod alone otherwise.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Loggable {
    metadata: ObjectMeta,
}

impl kube::api::Log for Loggable {}

macro_rules! resource {
    ($type:ty, $kind:literal, $group:literal, $plural:literal) => {
        impl Resource for $type {
            type DynamicType = ();
            type Scope = DynamicResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(Pod, "Pod", "", "pods");
resource!(Loggable, "Pod", "", "pods");
resource!(ReplicaSet, "ReplicaSet", "apps", "replicasets");

impl Resource for Workload {
    type DynamicType = Kind;
    type Scope = DynamicResourceScope;

    fn kind(kind: &Kind) -> Cow<'_, str> {
        kind.name().into()
    }

    fn group(_: &Kind) -> Cow<'_, str> {
        "apps".into()
    }

    fn version(_: &Kind) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural(kind: &Kind) -> Cow<'_, str> {
        kind.plural().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// Returns the name that owners are given.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

/// Reads of the metadata what is needed: `managedFields` alone are as long as all the rest.
fn slim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Meta {
        labels: Labels,
        annotations: Labels,
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        generation: Option<i64>,
        deletion_timestamp: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
        finalizers: Option<Vec<String>>,
        owner_references: Option<Vec<OwnerReference>>,
    }
    let meta = Meta::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: meta.name,
        namespace: meta.namespace,
        uid: meta.uid,
        resource_version: meta.resource_version,
        generation: meta.generation,
        deletion_timestamp: meta.deletion_timestamp,
        finalizers: meta.finalizers,
        owner_references: meta.owner_references,
        labels: kept(meta.labels),
        annotations: kept(meta.annotations),
        ..ObjectMeta::default()
    })
}

/// The label of a StatefulSet's pod that names its template.
pub const REVISION_LABEL: &str = "controller-revision-hash";
/// The label of a DaemonSet's pod that counts its template.
pub const GENERATION_LABEL: &str = "pod-template-generation";
/// The annotation of a DaemonSet that counts its template.
pub const GENERATION: &str = "deprecated.daemonset.template.generation";
/// The annotation of a ReplicaSet that counts the templates of its Deployment.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// Keeps of labels or annotations only those that tell a template.
fn kept(mut marks: Labels) -> Option<Labels> {
    marks.retain(|name, _| {
        [REVISION_LABEL, GENERATION_LABEL, GENERATION, REVISION].contains(&name.as_str())
    });
    (!marks.is_empty()).then_some(marks)
}

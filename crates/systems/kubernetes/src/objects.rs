//! The objects of the API, reduced to the fields that steps read: a thousand pods must not cost
//! the memory of a thousand full specifications.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, core::DynamicResourceScope};
use serde::{Deserialize, Deserializer};

use crate::{ControllerKind, TemplateSketch};

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// A pod as the API returns it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodObject {
    /// Name, owner, deletion.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: PodSpec,
    /// The observed state.
    pub status: PodStatus,
}

/// `spec` of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// The node.
    pub node_name: Option<String>,
    /// The main containers.
    pub containers: Vec<ContainerSpec>,
    /// The init containers.
    pub init_containers: Vec<ContainerSpec>,
    /// The volumes; only their claims are kept.
    pub volumes: Vec<PodVolume>,
    /// The limits of the pod as a whole.
    pub resources: ContainerResources,
}

/// `spec.containers[]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerSpec {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `Always` for a sidecar among the init containers.
    pub restart_policy: Option<String>,
    /// Its limits.
    pub resources: ContainerResources,
    /// Its readiness probe.
    pub readiness_probe: Option<ReadinessProbe>,
}

/// `resources` of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerResources {
    /// `memory: 256Mi`.
    pub limits: Labels,
    /// `cpu: 100m`.
    pub requests: Labels,
}

/// `readinessProbe` of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReadinessProbe {
    /// An HTTP request.
    pub http_get: Option<ProbeTarget>,
    /// A TCP connection.
    pub tcp_socket: Option<ProbeTarget>,
    /// A gRPC health service.
    pub grpc: Option<ProbeTarget>,
    /// A command.
    pub exec: Option<ProbeCommand>,
}

/// The endpoint that a probe asks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProbeTarget {
    /// `/readyz`.
    pub path: String,
    /// A number or a name.
    pub port: serde_json::Value,
}

/// The command that a probe runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProbeCommand {
    /// The command and its arguments.
    pub command: Vec<String>,
}

/// A volume.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodVolume {
    /// The claim, if the volume has one.
    pub persistent_volume_claim: Option<VolumeClaim>,
}

/// A volume's claim.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeClaim {
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
    /// The explanation.
    pub message: String,
    /// `Ready`, `PodScheduled`.
    pub conditions: Vec<StatusCondition>,
    /// One for each main container.
    pub container_statuses: Vec<ContainerStatus>,
    /// One for each init container.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// A condition of a pod or a controller.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatusCondition {
    /// `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// One word, such as `Unschedulable`.
    pub reason: String,
    /// The explanation.
    pub message: String,
}

/// `status.containerStatuses[]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// Its name.
    pub name: String,
    /// The image that its node runs.
    #[serde(rename = "imageID")]
    pub image_id: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How many times it restarted.
    pub restart_count: u32,
    /// Its current state.
    pub state: ContainerState,
    /// Its previous state.
    pub last_state: ContainerState,
}

/// The state of a container; one of the fields is set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits.
    pub waiting: Option<WaitingState>,
    /// It runs.
    pub running: Option<serde::de::IgnoredAny>,
    /// It has ended.
    pub terminated: Option<TerminatedState>,
}

/// Why a container waits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WaitingState {
    /// `ImagePullBackOff`.
    pub reason: String,
    /// The explanation.
    pub message: String,
}

/// How a container ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TerminatedState {
    /// Its exit code.
    pub exit_code: i32,
    /// `OOMKilled`.
    pub reason: String,
    /// The explanation.
    pub message: String,
}

/// The controller of a Deployment's pods.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplicaSet {
    /// Name and owner.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: ReplicaSetSpec,
    /// The observed state.
    pub status: ControllerStatus,
}

/// `spec` of a ReplicaSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplicaSetSpec {
    /// The number of pods.
    pub replicas: Option<u32>,
    /// What tells its template from others.
    pub template: Option<TemplateSketch>,
}

/// A workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// Name and generation.
    #[serde(deserialize_with = "slim")]
    pub metadata: ObjectMeta,
    /// The desired state.
    pub spec: WorkloadSpec,
    /// The observed state.
    pub status: ControllerStatus,
}

/// `spec` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSpec {
    /// The number of pods, 1 by default. A DaemonSet has none.
    pub replicas: Option<u32>,
    /// Whether a Deployment is paused.
    pub paused: bool,
    /// For how long a pod must be ready until it counts as available.
    pub min_ready_seconds: u32,
    /// `OrderedReady` or `Parallel`: StatefulSets.
    pub pod_management_policy: String,
    /// How a StatefulSet or DaemonSet is updated.
    pub update_strategy: UpdateStrategy,
    /// The template of its pods.
    pub template: PodTemplate,
}

/// `updateStrategy`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// `RollingUpdate` or `OnDelete`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The number of pods that the update leaves unchanged, or a percentage: CloneSets.
    pub partition: serde_json::Value,
    /// Whether the update is paused: CloneSets.
    pub paused: bool,
    /// Its settings.
    pub rolling_update: Option<RollingUpdate>,
}

/// `rollingUpdate` of a StatefulSet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RollingUpdate {
    /// The number of pods, counted from the first, that the update leaves unchanged.
    pub partition: Option<u32>,
}

/// `template` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// The specification of the pods.
    pub spec: PodSpec,
}

/// `status` of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ControllerStatus {
    /// The generation that the controller has observed.
    #[serde(deserialize_with = "generation")]
    pub observed_generation: Option<i64>,
    /// The number of pods of the current template.
    pub updated_replicas: u32,
    /// The template that all pods will have: StatefulSets.
    pub update_revision: String,
    /// The desired number of pods: DaemonSets.
    pub desired_number_scheduled: u32,
    /// The number of pods of the current template: DaemonSets.
    pub updated_number_scheduled: u32,
    /// The number of all pods.
    pub replicas: u32,
    /// The number of ready pods.
    pub ready_replicas: u32,
    /// The number of all pods: DaemonSets.
    pub current_number_scheduled: u32,
    /// The number of available pods; the API leaves out a zero.
    pub available_replicas: Option<u32>,
    /// The number of pods that are not available; the API leaves out a zero.
    pub unavailable_replicas: Option<u32>,
    /// The number of available pods: DaemonSets.
    pub number_available: Option<u32>,
    /// The number of pods that are not available: DaemonSets.
    pub number_unavailable: Option<u32>,
    /// `Progressing`, `Available`, `ReplicaFailure`.
    pub conditions: Vec<StatusCondition>,
    /// `Healthy`, `Progressing`, `Paused`, `Degraded`: Rollouts.
    pub phase: String,
    /// The explanation of the phase.
    pub message: String,
    /// The template that all pods will have: Rollouts.
    pub current_pod_hash: String,
}

/// A pod whose log is read: `Api::logs` requires `Log`, which only k8s-openapi's pod has.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct LogTarget {
    metadata: ObjectMeta,
}

impl kube::api::Log for LogTarget {}

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

resource!(PodObject, "Pod", "", "pods");
resource!(LogTarget, "Pod", "", "pods");
resource!(ReplicaSet, "ReplicaSet", "apps", "replicasets");

impl Resource for Workload {
    type DynamicType = ControllerKind;
    type Scope = DynamicResourceScope;

    fn kind(kind: &ControllerKind) -> Cow<'_, str> {
        kind.name().into()
    }

    fn group(kind: &ControllerKind) -> Cow<'_, str> {
        kind.group().into()
    }

    fn version(kind: &ControllerKind) -> Cow<'_, str> {
        if kind.is_extension() {
            "v1alpha1"
        } else {
            "v1"
        }
        .into()
    }

    fn plural(kind: &ControllerKind) -> Cow<'_, str> {
        kind.plural().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Reads only the metadata that steps need: `managedFields` alone is as long as the rest.
fn slim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct SlimMetadata {
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
    let meta = SlimMetadata::deserialize(deserializer)?;
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

/// Reads a generation: a Rollout's is a text, and of old versions a hash.
fn generation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let of_text = |text: &str| text.parse().unwrap_or(i64::MAX);
    Ok(value.as_i64().or_else(|| value.as_str().map(of_text)))
}

/// The label of a StatefulSet's or a CloneSet's pod that names its template.
pub const REVISION_LABEL: &str = "controller-revision-hash";
/// The label of a Rollout's pod that names its template.
pub const ROLLOUT_LABEL: &str = "rollouts-pod-template-hash";
/// The label of a DaemonSet's pod that counts its template.
pub const GENERATION_LABEL: &str = "pod-template-generation";
/// The annotation of a DaemonSet that counts its template.
pub const GENERATION: &str = "deprecated.daemonset.template.generation";
/// The annotation of a ReplicaSet that counts the templates of its Deployment.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// Keeps only the labels or annotations that identify a template.
fn kept(mut marks: Labels) -> Option<Labels> {
    marks.retain(|name, _| {
        let known = [
            REVISION_LABEL,
            ROLLOUT_LABEL,
            GENERATION_LABEL,
            GENERATION,
            REVISION,
        ];
        known.contains(&name.as_str())
    });
    (!marks.is_empty()).then_some(marks)
}

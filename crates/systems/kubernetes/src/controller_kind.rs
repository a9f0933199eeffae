//! The kinds of workloads whose status is read.

/// The kinds of workloads whose status is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControllerKind {
    /// Owns its pods through ReplicaSets.
    Deployment,
    /// Gives its pods stable names.
    StatefulSet,
    /// Runs one pod on each node.
    DaemonSet,
    /// A `Rollout` of Argo Rollouts: owns its pods through ReplicaSets.
    Rollout,
    /// A `CloneSet` of OpenKruise.
    CloneSet,
}

impl ControllerKind {
    /// All kinds that every cluster has.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// Returns whether a cluster may lack the kind.
    pub fn is_extension(self) -> bool {
        !Self::ALL.contains(&self)
    }

    /// Returns whether its pods belong to ReplicaSets.
    pub fn has_replica_sets(self) -> bool {
        matches!(self, Self::Deployment | Self::Rollout)
    }

    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Rollout => "argoproj.io",
            Self::CloneSet => "apps.kruise.io",
        }
    }

    /// Returns the kind as an owner reference has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
            Self::CloneSet => "CloneSet",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Rollout => "rollouts",
            Self::CloneSet => "clonesets",
        }
    }
}

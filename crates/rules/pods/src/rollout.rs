//! A workload, and what blocks its rollout.

use std::{fmt, str::FromStr};

use crate::{
    NOT_READY, ON_DELETE, PARTITIONED, PAUSED, PreviousTemplate, Unrecoverable, failed_create,
};

/// The kinds of workloads whose pods keep running.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// `deployment`.
    Deployment,
    /// `statefulset`.
    StatefulSet,
    /// `daemonset`.
    DaemonSet,
    /// `rollout`, of Argo Rollouts.
    Rollout,
    /// `cloneset`, of OpenKruise.
    CloneSet,
    /// A kind of another extension: only its pods are known, by their owner. In lower case.
    Other(String),
}

/// Kinds whose pods end, or that are no workloads.
const NOT_WORKLOADS: [&str; 9] = [
    "pod", "pods", "po", "job", "jobs", "cronjob", "cronjobs", "cj", "service",
];

impl WorkloadKind {
    /// Returns whether an extension brings the kind.
    pub fn is_extension(&self) -> bool {
        !matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet)
    }

    /// Returns whether the owner of a pod is of this kind: `GameServerSet` is of `gameserverset`,
    /// `gameserversets` and `gameserverset.agones.dev`.
    pub fn is_of(&self, owner_kind: &str) -> bool {
        let owner_kind = owner_kind.to_ascii_lowercase();
        match self {
            Self::Other(word) => {
                let word = word.split('.').next().unwrap_or_default();
                word == owner_kind || word.strip_suffix('s') == Some(&owner_kind)
            }
            known => known.to_string() == owner_kind,
        }
    }
}

/// A workload, reduced to what decides about its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.uid`.
    pub id: String,
    /// The images of its template, init containers included.
    pub images: Vec<String>,
    /// Whether its controller has observed the last change: `observedGeneration`.
    pub observed: bool,
    /// The number of wanted pods.
    pub wanted: u32,
    /// The number of pods of the current template.
    pub updated: u32,
    /// Whether its rollout is paused.
    pub paused: bool,
    /// Whether its controller replaces a pod only after a manual deletion.
    pub on_delete: bool,
    /// The number of pods, counted from the first, that a StatefulSet leaves unchanged.
    pub partition: u32,
    /// The message of `ProgressDeadlineExceeded`.
    pub stalled: Option<String>,
    /// The message of `ReplicaFailure`.
    pub replica_failure: Option<String>,
    /// The number of pods that its controller counts as available, if it says so.
    pub available: Option<u32>,
    /// For how long a pod must be ready until it is available, in seconds.
    pub min_ready_seconds: u32,
    /// The message of the condition `Available`, while it is false.
    pub not_available: Option<String>,
    /// Whether its controller replaces a pod only when all others are ready: a StatefulSet with the
    /// policy `OrderedReady`.
    pub ordered: bool,
    /// The template that it had before.
    pub previous: PreviousTemplate,
}

impl Rollout {
    /// Returns which of its settings blocks the rollout. `old` is the number of its pods that do
    /// not run the wanted image.
    pub fn blocked(&self, old: usize) -> Option<Unrecoverable> {
        if self.paused {
            let kind = match self.kind {
                WorkloadKind::Rollout => "Rollout",
                WorkloadKind::CloneSet => "CloneSet",
                _ => "Deployment",
            };
            let text = format!("the {kind} is paused");
            return Some(Unrecoverable::of_pod(PAUSED, text));
        }
        if !self.observed || old == 0 {
            return None;
        }
        let old = pods(old);
        if self.on_delete {
            let text = format!("update strategy OnDelete: {old} will keep the old image");
            return Some(Unrecoverable::of_pod(ON_DELETE, text));
        }
        if self.partition > 0 && self.updated + self.partition >= self.wanted {
            let partition = self.partition;
            let text = format!("partition {partition}: {old} will keep the old image");
            return Some(Unrecoverable::of_pod(PARTITIONED, text));
        }
        None
    }

    /// Returns that its controller has given up; for when no pod tells why.
    pub fn stalled(&self) -> Option<Unrecoverable> {
        let message = self.stalled.as_ref().filter(|_| self.observed)?;
        let text = format!("the rollout is stuck: {message}");
        Some(Unrecoverable::of_pod(NOT_READY, text))
    }

    /// Returns why its controller cannot create pods. Ask when that has lasted for longer than
    /// [`GracePeriods::config`](crate::GracePeriods).
    pub fn failed_create(&self) -> Option<Unrecoverable> {
        self.replica_failure.as_deref().and_then(failed_create)
    }

    /// Returns why its controller does not count its pods as available, if so. Ask when they are
    /// ready: a pod counts once it has been ready for `minReadySeconds`.
    pub fn unavailable(&self) -> Option<String> {
        let few = self.available.filter(|available| *available < self.wanted);
        if few.is_none() && self.not_available.is_none() {
            return None;
        }
        let counted = few.map(|few| format!("counts {few} of {} as available", self.wanted));
        let said = || {
            let words = self.not_available.as_deref().unwrap_or_default();
            format!("says: {words}")
        };
        let mut text = format!("the {} {}", self.kind, counted.unwrap_or_else(said));
        if self.min_ready_seconds > 0 {
            text += &format!(" (`minReadySeconds` is {})", self.min_ready_seconds);
        }
        Some(text)
    }

    /// Returns why it has no pods to run, if so.
    pub fn why_empty(&self) -> Option<&'static str> {
        if !self.observed || self.wanted > 0 {
            return None;
        }
        Some(if self.kind == WorkloadKind::DaemonSet {
            "no node takes its pods (node selector, affinity, taints)"
        } else {
            "it is scaled to zero"
        })
    }

    /// Returns whether its controller replaces all of its pods.
    pub fn replaces_all(&self) -> bool {
        !self.on_delete && self.partition == 0
    }

    /// Returns `deployment/dex`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

fn pods(count: usize) -> String {
    if count == 1 {
        "1 pod".to_owned()
    } else {
        format!("{count} pods")
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::Rollout => "rollout",
            Self::CloneSet => "cloneset",
            Self::Other(word) => word,
        })
    }
}

impl FromStr for WorkloadKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "deployment" | "deployments" | "deploy" => Ok(Self::Deployment),
            "statefulset" | "statefulsets" | "sts" => Ok(Self::StatefulSet),
            "daemonset" | "daemonsets" | "ds" => Ok(Self::DaemonSet),
            "rollout" | "rollouts" | "ro" | "rollout.argoproj.io" | "rollouts.argoproj.io" => {
                Ok(Self::Rollout)
            }
            "cloneset" | "clonesets" | "cloneset.apps.kruise.io" | "clonesets.apps.kruise.io" => {
                Ok(Self::CloneSet)
            }
            word if NOT_WORKLOADS.contains(&word) || !is_kind(word) => Err(()),
            word => Ok(Self::Other(word.to_owned())),
        }
    }
}

fn is_kind(word: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout() -> Rollout {
        Rollout {
            kind: WorkloadKind::StatefulSet,
            namespace: "dex-prod".to_owned(),
            name: "dex".to_owned(),
            id: String::new(),
            images: Vec::new(),
            observed: true,
            wanted: 3,
            updated: 3,
            paused: false,
            on_delete: false,
            partition: 0,
            stalled: None,
            replica_failure: None,
            available: None,
            min_ready_seconds: 0,
            not_available: None,
            ordered: true,
            previous: PreviousTemplate::Unknown,
        }
    }

    #[test]
    fn an_on_delete_strategy_keeps_old_pods() {
        let on_delete = Rollout {
            on_delete: true,
            updated: 0,
            ..rollout()
        };
        let failure = on_delete.blocked(3).unwrap();
        assert_eq!(
            (failure.reason, failure.text.contains("OnDelete: 3 pods")),
            (ON_DELETE, true)
        );
        assert_eq!(
            on_delete.blocked(0),
            None,
            "without old pods, nothing is blocked"
        );
    }

    #[test]
    fn a_partition_blocks_once_the_others_are_updated() {
        let partitioned = Rollout {
            partition: 2,
            updated: 1,
            ..rollout()
        };
        assert_eq!(partitioned.blocked(2).unwrap().reason, PARTITIONED);
        assert_eq!(
            Rollout {
                updated: 0,
                ..partitioned
            }
            .blocked(3),
            None
        );
    }

    #[test]
    fn a_paused_deployment_is_always_blocked() {
        assert_eq!(
            Rollout {
                paused: true,
                observed: false,
                ..rollout()
            }
            .blocked(0)
            .unwrap()
            .reason,
            PAUSED
        );
    }

    #[test]
    fn a_workload_says_itself_whether_it_is_available() {
        let counting = |available| Rollout {
            available,
            min_ready_seconds: 120,
            ..rollout()
        };
        assert_eq!(counting(Some(3)).unavailable(), None);
        assert_eq!(counting(None).unavailable(), None, "it does not tell");
        assert_eq!(
            counting(Some(0)).unavailable().unwrap(),
            "the statefulset counts 0 of 3 as available (`minReadySeconds` is 120)"
        );
        let unavailable = Rollout {
            not_available: Some("no minimum availability".to_owned()),
            ..rollout()
        };
        let text = unavailable.unavailable().unwrap();
        assert!(text.ends_with("says: no minimum availability"), "{text}");
    }

    #[test]
    fn a_kind_of_an_extension_is_known_by_its_name() {
        let kind = |word: &str| word.parse::<WorkloadKind>().unwrap();
        for word in ["rollout", "Rollout", "rollouts", "rollouts.argoproj.io"] {
            assert_eq!(kind(word), WorkloadKind::Rollout, "{word}");
        }
        assert!(kind("rollout").is_of("Rollout") && !kind("cloneset").is_of("Rollout"));
        for word in [
            "gameserverset",
            "GameServerSets",
            "gameserversets.agones.dev",
        ] {
            assert!(kind(word).is_of("GameServerSet"), "{word}");
        }
        assert!(kind("deploy").is_of("Deployment"));
        for word in ["pod", "Job", "cronjobs", "", "1", "a/b"] {
            assert!(word.parse::<WorkloadKind>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_daemon_set_without_nodes_is_not_scaled() {
        let empty = |kind| {
            let none = Rollout {
                kind,
                wanted: 0,
                ..rollout()
            };
            none.why_empty().unwrap()
        };
        assert!(empty(WorkloadKind::DaemonSet).contains("no node"));
        assert!(empty(WorkloadKind::Deployment).contains("scaled to zero"));
        assert_eq!(rollout().why_empty(), None);
    }

    #[test]
    fn an_unobserved_change_is_not_stalled() {
        let stalled = Rollout {
            stalled: Some("timed out".to_owned()),
            ..rollout()
        };
        assert_eq!(stalled.stalled().unwrap().reason, NOT_READY);
        assert_eq!(
            Rollout {
                observed: false,
                ..stalled
            }
            .stalled(),
            None
        );
    }
}

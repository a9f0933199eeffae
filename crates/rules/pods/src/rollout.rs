//! A workload: what its controller has done of what was asked.

use std::{fmt, str::FromStr};

use crate::{NOT_READY, ON_DELETE, PARTITIONED, PAUSED, Unrecoverable, failed_create};

/// The kinds of workloads that run pods for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// `deployment`.
    Deployment,
    /// `statefulset`.
    StatefulSet,
    /// `daemonset`.
    DaemonSet,
}

/// A workload, as far as its pods' fate hangs on it.
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
    /// Whether its controller has seen what was asked last: `observedGeneration`.
    pub observed: bool,
    /// How many pods are wanted.
    pub wanted: u32,
    /// How many there are of the current template.
    pub updated: u32,
    /// Whether its controller is told to leave it alone.
    pub paused: bool,
    /// Whether its pods are only replaced when somebody deletes them.
    pub on_delete: bool,
    /// How many of the first pods a StatefulSet leaves as they are.
    pub partition: u32,
    /// `ProgressDeadlineExceeded`, in its controller's words.
    pub stalled: Option<String>,
    /// `ReplicaFailure`, in its controller's words.
    pub replica_failure: Option<String>,
}

impl Rollout {
    /// Returns which of its settings keeps it from its end. `old` of its pods do not run the wanted image.
    pub fn blocked(&self, old: usize) -> Option<Unrecoverable> {
        let doom = |reason, text| {
            Some(Unrecoverable {
                reason,
                container: None,
                text,
            })
        };
        if self.paused {
            return doom(PAUSED, "the Deployment is paused".to_owned());
        }
        if !self.observed {
            return None;
        }
        if self.on_delete && old > 0 {
            return doom(
                ON_DELETE,
                format!(
                    "update strategy OnDelete: {} will keep the old image",
                    pods(old)
                ),
            );
        }
        if self.partition > 0 && old > 0 && self.updated + self.partition >= self.wanted {
            let text = format!(
                "partition {}: {} will keep the old image",
                self.partition,
                pods(old)
            );
            return doom(PARTITIONED, text);
        }
        None
    }

    /// Returns that its controller has given up, for when nothing says why.
    pub fn stalled(&self) -> Option<Unrecoverable> {
        let words = self.stalled.as_ref().filter(|_| self.observed)?;
        Some(Unrecoverable {
            reason: NOT_READY,
            container: None,
            text: format!("the rollout is stuck: {words}"),
        })
    }

    /// Returns why its controller cannot make pods; ask when it has lasted longer than
    /// [`GracePeriods::config`](crate::GracePeriods).
    pub fn failed_create(&self) -> Option<Unrecoverable> {
        self.replica_failure.as_deref().and_then(failed_create)
    }

    /// Returns whether its pods are replaced by themselves, all of them.
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
            _ => Err(()),
        }
    }
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
        }
    }

    #[test]
    fn v9_old_pods_of_an_on_delete_strategy_stay_for_good() {
        let on_delete = Rollout {
            on_delete: true,
            updated: 0,
            ..rollout()
        };
        let doom = on_delete.blocked(3).unwrap();
        assert_eq!(
            (doom.reason, doom.text.contains("OnDelete: 3 pods")),
            (ON_DELETE, true)
        );
        assert_eq!(
            on_delete.blocked(0),
            None,
            "when nothing is old, nothing is held up"
        );
    }

    #[test]
    fn a_partition_dooms_once_what_it_lets_through_is_done() {
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
    fn a_paused_deployment_refuses_whatever_was_observed() {
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
    fn a_verdict_on_what_the_controller_has_not_seen_yet_does_not_count() {
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

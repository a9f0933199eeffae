//! How a workload is.

use contract::Reason;
use pods::Unrecoverable;

/// How a workload is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WorkloadStatus {
    /// All pods run the image and have been ready for long enough.
    Verified(String),
    /// All pods run the image and are ready, but not for long enough yet.
    Soaking(Reason, String),
    /// The workload may still become good.
    NotYet(Reason, String),
    /// The workload cannot become good without help.
    Failed(PodFailure),
}

/// A failure that does not pass, of a pod or of the workload itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodFailure {
    /// The name of the pod, if the failure is about one.
    pub(crate) pod: Option<String>,
    pub(crate) cause: Unrecoverable,
}

impl WorkloadStatus {
    /// Returns whether all pods run the image and are ready.
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::Verified(_) | Self::Soaking(..))
    }

    /// Returns why the workload is not verified.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Verified(_) => None,
            Self::Soaking(reason, _) | Self::NotYet(reason, _) => Some(*reason),
            Self::Failed(failure) => Some(failure.cause.reason),
        }
    }
}

impl PodFailure {
    /// Makes a failure of the workload itself.
    pub(crate) fn of_workload(reason: Reason, text: String) -> Self {
        Self {
            pod: None,
            cause: Unrecoverable {
                reason,
                container: None,
                text,
            },
        }
    }
}

impl From<PodFailure> for WorkloadStatus {
    fn from(failure: PodFailure) -> Self {
        Self::Failed(failure)
    }
}

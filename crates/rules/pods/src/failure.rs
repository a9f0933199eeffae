//! A failure that does not pass.

use contract::Reason;

/// Why a pod, or a workload, will not become ready without help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecoverable {
    /// The reason, which fixes the fault.
    pub reason: Reason,
    /// The container that failed, if the failure is about one whose name is known.
    pub container: Option<String>,
    /// The observed failure in words, without the pod's name:
    /// `container dex: crashed 2 times (exit code 1)`.
    pub text: String,
}

impl Unrecoverable {
    /// Makes a failure of a whole pod or workload.
    pub(crate) fn of_pod(reason: Reason, text: String) -> Self {
        Self {
            reason,
            container: None,
            text,
        }
    }
}

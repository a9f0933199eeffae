//! The requests that a judgement may want next.

use std::time::Duration;

use crate::observe::pods::PodDetail;

/// A request that would help the next judgement. Whether it is due, the schedule knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FollowUp {
    /// Have Argo CD compare the application with the current state of the branch.
    Refresh,
    /// The same, without the manifests that it rendered before.
    HardRefresh,
    /// Ask git how a revision relates to the commit.
    Ancestry {
        /// The repository to ask.
        remote: String,
        /// The branch that the application tracks; `None` for the default branch.
        branch: Option<String>,
        revision: String,
    },
    /// Get the whole state, with its resources.
    WholeState,
    /// Read the pods, those that fail in detail.
    FailingPods,
    /// Read the pods for the proof that they run the image.
    LivePods {
        detail: PodDetail,
        /// Pods that were read before this time do not count.
        since: Duration,
    },
    /// Get the images of the manifests that Argo CD rendered.
    RenderedImages,
    /// Get the sync windows.
    Windows,
    /// Start a sync.
    Sync,
}

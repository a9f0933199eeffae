//! The requests that a judgement may want next.

use std::time::Duration;

use argocd::ResourceNode;
use contract::Commit;

use crate::observe::pods::PodDetail;

/// A request that would help the next judgement. Whether it is due, the schedule knows.
#[derive(Debug, Clone, PartialEq)]
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
        /// The commit that it has to contain, if that is not the one of the request.
        hydrated: Option<Commit>,
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
    /// Get the events of a pod.
    Events(Box<ResourceNode>),
    /// Get the ApplicationSet with this name.
    ApplicationSet(String),
    /// Get the images of the manifests that Argo CD rendered.
    RenderedImages,
    /// Get the sync windows.
    Windows,
    /// Start a sync.
    Sync,
}

//! A deployment to an environment, as GitHub keeps it.

/// A deployment, as GitHub keeps it.
#[derive(Clone, Debug)]
pub(super) struct StoredDeployment {
    pub(super) environment: String,
    /// As it was given, as JSON: a text is a string in there.
    pub(super) payload: String,
    pub(super) created: String,
    /// Newest first.
    pub(super) statuses: Vec<StoredStatus>,
}

/// What was said of a deployment at some time.
#[derive(Clone, Debug)]
pub(super) struct StoredStatus {
    pub(super) state: String,
    pub(super) created: String,
}

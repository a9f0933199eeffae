//! A deployment to an environment, as GitHub keeps it.

/// A deployment, as GitHub keeps it.
#[derive(Clone, Debug)]
pub(super) struct StoredDeployment {
    pub(super) environment: String,
    /// The payload as JSON; a text is a JSON string.
    pub(super) payload: String,
    pub(super) created: String,
    /// The login of the account that made it.
    pub(super) creator: String,
    /// Newest first.
    pub(super) statuses: Vec<StoredStatus>,
}

/// A status of a deployment.
#[derive(Clone, Debug)]
pub(super) struct StoredStatus {
    pub(super) state: String,
    pub(super) created: String,
    pub(super) creator: String,
}

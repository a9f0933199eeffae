//! The name of an application on a server.

/// Names an application: its name, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationId {
    /// The application's name.
    pub name: String,
    /// Its project, if it is known.
    pub project: Option<String>,
    /// Its namespace, if that is not Argo CD's own.
    pub namespace: Option<String>,
}

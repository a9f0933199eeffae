//! Argo CD's own answers, which are no failures: "absent" and "not now".

/// The answer to a request for something of an application.
#[derive(Debug, Clone)]
pub enum Presence<T> {
    /// It exists.
    Present(T),
    /// It does not exist, or the application cannot have it; with the server's message.
    Absent(String),
}

/// The answer to a request for a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncAnswer {
    /// The sync is accepted and begins.
    Accepted,
    /// No sync can begin now: another operation runs, or a sync window is closed. With the server's
    /// message.
    Refused(String),
}

//! Reads the log of a pod that fails.

use std::time::Duration;

use argocd::{ApplicationId, ArgoCd};
use contract::asking;

/// How long the log of a failed pod may take: the verdict is known without it.
const LOG_TIMEOUT: Duration = Duration::from_secs(5);

/// The container whose log tells why its pod fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogPlace {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    /// Whether the container has restarted, so that the log before the restart tells more.
    pub(crate) has_restarted: bool,
}

/// The log of a pod that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogAnswer {
    /// Its last lines, which may be none.
    Lines(Vec<String>),
    /// The token may not read it; with the hints for that.
    Denied(Vec<String>),
    /// It could not be read.
    Unavailable,
}

/// Reads the last lines of a log.
pub(crate) async fn read(
    argocd: &ArgoCd<'_>,
    app: &ApplicationId,
    place: &LogPlace,
    lines: usize,
) -> LogAnswer {
    let container = [&*place.namespace, &*place.pod, &*place.container];
    let log = argocd.log(app, container, lines, place.has_restarted);
    let Ok(answer) = tokio::time::timeout(LOG_TIMEOUT, log).await else {
        return LogAnswer::Unavailable;
    };
    match answer {
        Ok(lines) => LogAnswer::Lines(lines),
        Err(failure) if failure.reason == asking::PERMISSION_MISSING => {
            LogAnswer::Denied(failure.hints)
        }
        Err(_) => LogAnswer::Unavailable,
    }
}

//! The stream of an application's states, as server-sent events.

use contract::{Failure, asking, world::JsonWeight};
use fetch::{FetchError, HttpStream};
use serde::Deserialize;

use crate::{
    answer::Presence, application::Application, event_lines::EventLines, id::ApplicationId,
    server::ArgoCd,
};

/// The fields of each state that a decision needs. A whole state is tens of kilobytes, with every
/// resource and every result. The list has `error` because the server filters its errors as well.
const FIELDS: [&str; 29] = [
    "error",
    "result.type",
    "result.application.metadata.name",
    "result.application.metadata.resourceVersion",
    "result.application.metadata.deletionTimestamp",
    "result.application.metadata.annotations.argocd.argoproj.io/refresh",
    "result.application.metadata.annotations.argocd.argoproj.io/skip-reconcile",
    "result.application.operation",
    "result.application.spec.project",
    "result.application.spec.source.repoURL",
    "result.application.spec.source.path",
    "result.application.spec.source.targetRevision",
    "result.application.spec.source.chart",
    "result.application.spec.sources",
    "result.application.spec.syncPolicy.automated",
    "result.application.status.sync.status",
    "result.application.status.sync.revision",
    "result.application.status.sync.revisions",
    "result.application.status.health",
    "result.application.status.operationState.phase",
    "result.application.status.operationState.message",
    "result.application.status.operationState.startedAt",
    "result.application.status.operationState.finishedAt",
    "result.application.status.operationState.retryCount",
    "result.application.status.operationState.operation.sync",
    "result.application.status.operationState.syncResult.revision",
    "result.application.status.operationState.syncResult.revisions",
    "result.application.status.conditions",
    "result.application.status.reconciledAt",
];

/// More fields, of an application whose manifests Argo CD renders into a branch.
const HYDRATOR_FIELDS: [&str; 4] = [
    "result.application.spec.sourceHydrator",
    "result.application.status.sourceHydrator.lastSuccessfulOperation.drySHA",
    "result.application.status.sourceHydrator.lastSuccessfulOperation.hydratedSHA",
    "result.application.status.sourceHydrator.currentOperation",
];

/// The size limit of a frame.
const MAX_FRAME: usize = 4 << 20;
/// The most memory that a state may need.
const MAX_FRAME_MEMORY: usize = 64 << 20;

/// A state of an application, or its deletion.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationEvent {
    /// Whether the application was deleted; then `application` is its last state.
    pub deleted: bool,
    /// The state.
    pub application: Application,
}

/// An open stream.
pub struct ApplicationEvents {
    stream: HttpStream,
    lines: EventLines,
}

#[derive(Deserialize)]
struct EventFrame {
    result: Option<ApplicationChange>,
    error: Option<FrameError>,
}

#[derive(Deserialize)]
struct ApplicationChange {
    #[serde(rename = "type", default)]
    kind: String,
    application: Application,
}

/// grpc-gateway's error within a stream.
#[derive(Deserialize)]
struct FrameError {
    #[serde(default)]
    http_code: u16,
    #[serde(default)]
    message: String,
}

impl ArgoCd<'_> {
    /// Opens the stream of an application's states. The first is the present one; for an unknown or
    /// a hidden application the server sends nothing at all. `is_hydrated` adds what Argo CD
    /// renders into a branch.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn events(
        &self,
        app: &ApplicationId,
        is_hydrated: bool,
    ) -> Result<Presence<ApplicationEvents>, Failure> {
        let hydrator = HYDRATOR_FIELDS.iter().filter(|_| is_hydrated);
        let fields: Vec<&str> = FIELDS.iter().chain(hydrator).copied().collect();
        let fields = fields.join(",");
        let query = [("name", app.name.as_str()), ("fields", fields.as_str())];
        Ok(match self.client.stream(app, &query).await? {
            Presence::Present(stream) => Presence::Present(ApplicationEvents {
                stream,
                lines: EventLines::default(),
            }),
            Presence::Absent(message) => Presence::Absent(message),
        })
    }

    /// Returns the next state; `None` when the server ended the stream.
    ///
    /// # Errors
    /// `unavailable` when the stream breaks or falls silent; otherwise the failure of its error
    /// frame.
    pub async fn next(
        &self,
        app: &ApplicationId,
        events: &mut ApplicationEvents,
    ) -> Result<Option<ApplicationEvent>, Failure> {
        loop {
            while let Some(line) = events.lines.take() {
                if let Some(data) = line.strip_prefix(b"data:")
                    && let Some(event) = self.frame(app, data)?
                {
                    return Ok(Some(event));
                }
            }
            let chunk = events.stream.next().await;
            let Some(chunk) = chunk.map_err(|error| self.client.explain(error))? else {
                return Ok(None);
            };
            if events.lines.len() + chunk.len() > MAX_FRAME {
                return Err(self.not_the_api("the stream sent a line without an end"));
            }
            events.lines.push(&chunk);
        }
    }

    fn frame(&self, app: &ApplicationId, data: &[u8]) -> Result<Option<ApplicationEvent>, Failure> {
        if JsonWeight::of(data).bytes() > MAX_FRAME_MEMORY {
            return Err(self.not_the_api("the stream sent a state with too many objects"));
        }
        let frame: EventFrame = serde_json::from_slice(data).map_err(|error| {
            // The parser quotes the whole text that it did not expect.
            let error = self.excerpt(&error.to_string());
            self.not_the_api(&format!(
                "the stream sent something other than states: {error}"
            ))
        })?;
        if let Some(error) = frame.error {
            let message = self.excerpt(&error.message);
            return Err(self.client.frame_error(app, error.http_code, message));
        }
        // A server may send the states of other applications, too.
        let change = frame
            .result
            .filter(|change| change.application.metadata.name == app.name);
        Ok(change.map(|change| ApplicationEvent {
            deleted: change.kind == "DELETED",
            application: self.redacted(change.application),
        }))
    }

    fn not_the_api(&self, text: &str) -> Failure {
        self.client
            .explain(FetchError::new(asking::NOT_THE_API, text))
    }
}

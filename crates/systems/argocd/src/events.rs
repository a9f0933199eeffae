//! The stream of an application's states, as server-sent events.

use contract::Failure;
use fetch::{FetchError, HttpStream as Stream};
use serde::Deserialize;

use crate::{App, Application, ArgoCd, Found};

/// What is asked for of each state: what somebody decides on. The whole is tens of kilobytes, with
/// every resource and every result. `error` is in it because the server filters its errors as well.
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

/// What a frame may weigh.
const LIMIT: usize = 4 << 20;

/// A state of an application, or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Whether it was deleted; then the application is its last state.
    pub deleted: bool,
    /// The state.
    pub application: Application,
}

/// An open stream.
pub struct Events {
    stream: Stream,
    buffer: Vec<u8>,
}

#[derive(Deserialize)]
struct Frame {
    result: Option<Change>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "type", default)]
    kind: String,
    application: Application,
}

/// grpc-gateway's error within a stream.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    http_code: u16,
    #[serde(default)]
    message: String,
}

impl ArgoCd<'_> {
    /// Opens the stream of an application's states. The first is the present one; a server that does
    /// not know the application, or does not show it, says nothing at all.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn events(&self, app: &App) -> Result<Found<Events>, Failure> {
        let fields = FIELDS.join(",");
        let query = [("name", app.name.as_str()), ("fields", fields.as_str())];
        Ok(match self.client.stream(app, &query).await? {
            Found::Here(stream) => Found::Here(Events {
                stream,
                buffer: Vec::new(),
            }),
            Found::Absent(said) => Found::Absent(said),
        })
    }

    /// Returns the next state; `None` when the server ended the stream.
    ///
    /// # Errors
    /// When the stream broke, was silent, or carried an error.
    pub async fn next(&self, app: &App, events: &mut Events) -> Result<Option<Event>, Failure> {
        loop {
            while let Some(line) = events.line() {
                if let Some(data) = line.strip_prefix(b"data:")
                    && let Some(event) = self.frame(app, data)?
                {
                    return Ok(Some(event));
                }
            }
            match events
                .stream
                .next()
                .await
                .map_err(|error| self.client.explain(error))?
            {
                Some(chunk) if events.buffer.len() + chunk.len() > LIMIT => {
                    let text = "the stream carried a line without end";
                    return Err(self
                        .client
                        .explain(FetchError::new(contract::asking::NOT_THE_API, text)));
                }
                Some(chunk) => events.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    fn frame(&self, app: &App, data: &[u8]) -> Result<Option<Event>, Failure> {
        let frame: Frame = serde_json::from_slice(data).map_err(|error| {
            let text = format!("the stream carried something else than states: {error}");
            self.client
                .explain(FetchError::new(contract::asking::NOT_THE_API, text))
        })?;
        if let Some(error) = frame.error {
            return Err(self.client.frame_error(app, error.http_code, error.message));
        }
        let mine = |change: &Change| change.application.metadata.name == app.name;
        Ok(frame.result.filter(mine).map(|change| Event {
            deleted: change.kind == "DELETED",
            application: change.application,
        }))
    }
}

impl Events {
    /// Takes the next whole line out of what has come.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

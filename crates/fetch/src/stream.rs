//! An answer without an end: events as they come.

use std::time::Duration;

use contract::{asking, world::Body};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{Answer, FetchError, Request};

/// What a request for a stream got.
pub enum Opened {
    /// 2xx: what comes, comes in chunks.
    Stream(Stream),
    /// Any other status that is an answer, whole.
    Answer(Answer),
}

/// A body that is read as it comes.
pub struct Stream {
    body: Body,
    idle: Duration,
    shown: String,
}

impl Request<'_> {
    /// Opens a stream: sent once and never again by itself, since whoever reads it knows from where
    /// to go on. `idle` is how long it may be silent, before the head and between chunks: a connection
    /// without a byte for longer is dead, whatever the machines in between pretend.
    ///
    /// # Errors
    /// A [`FetchError`] when there was no answer.
    pub async fn stream(self, idle: Duration) -> Result<Opened, FetchError> {
        let response = self.head_of(&self.url, idle).await?;
        if (200..300).contains(&response.status) {
            return Ok(Opened::Stream(Stream {
                body: response.body,
                idle,
                shown: self.shown(),
            }));
        }
        let url: Url = self.url.clone();
        let end = Instant::now() + self.fetch.world.deadline().exchange();
        let answer = self.read(response, &url, end).await;
        self.finish(answer, 1).map(Opened::Answer)
    }
}

impl Stream {
    /// Returns the next bytes, cut anywhere; `None` when the server ended it.
    ///
    /// # Errors
    /// When the connection broke, or was silent for too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let chunk = timeout(self.idle, self.body.next()).await.map_err(|_| {
            let seconds = self.idle.as_secs();
            FetchError::new(
                asking::TIMED_OUT,
                format!("`{}` was silent for {seconds} s", self.shown),
            )
        })?;
        let chunk = chunk.map_err(|error| FetchError::transport(&error, &self.shown))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }
}

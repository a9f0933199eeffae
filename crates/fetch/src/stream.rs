//! Answers without an end, such as events.

use std::time::Duration;

use contract::{asking, world::Body};
use tokio::time::timeout;

use crate::{FetchError, HttpAnswer};

/// The answer to a request for a stream.
pub enum StreamAnswer {
    /// 2xx: the body, chunk by chunk.
    Stream(HttpStream),
    /// Any other status that is an answer.
    Answer(HttpAnswer),
}

/// A body that is read as it arrives.
pub struct HttpStream {
    body: Body,
    idle: Duration,
    shown: String,
}

impl HttpStream {
    pub(crate) fn new(body: Body, idle: Duration, shown: String) -> Self {
        Self { body, idle, shown }
    }

    /// Returns the next bytes, which may end anywhere; `None` when the server ended the stream.
    ///
    /// # Errors
    /// `unreachable` when the connection broke, `timed-out` when it was silent for too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        let chunk = timeout(self.idle, self.body.next())
            .await
            .map_err(|_| self.silent())?;
        let chunk = chunk.map_err(|error| FetchError::transport(&error, &self.shown))?;
        Ok(chunk.map(|bytes| bytes.to_vec()))
    }

    fn silent(&self) -> FetchError {
        let (shown, seconds) = (&self.shown, self.idle.as_secs());
        let text = format!("`{shown}` was silent for {seconds} s");
        FetchError::new(asking::TIMED_OUT, text)
    }
}

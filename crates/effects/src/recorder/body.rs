//! Records the body of an answer while the step reads it.

use std::rc::Rc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    headers,
    log::{PendingEntry, TapeLog},
};
use crate::{
    Body, BodyStream, HttpResponse, LocalFuture, TransportError, secret_answer,
    tape_entry::bytes_to_json,
};

/// Chunks that arrive within this time are joined.
const JOIN_MS: u64 = 50;

/// Wraps the body, so that the entry is complete when the body ends or the step stops reading it.
pub(super) fn recorded(
    response: HttpResponse,
    pending: PendingEntry,
    is_secret: bool,
    log: &Rc<TapeLog>,
) -> HttpResponse {
    let headers = headers::kept(&response.headers);
    let head = json!({ "status": response.status, "headers": headers });
    let body = RecordedBody {
        inner: response.body,
        log: Rc::clone(log),
        head_ms: log.elapsed_ms(),
        pending: Some((pending, head)),
        chunks: Vec::new(),
        // The message of a refusal contains no token, and the report quotes it.
        is_secret: is_secret && response.status < 400,
        broken: None,
        ended: false,
    };
    HttpResponse {
        status: response.status,
        headers: response.headers,
        body: Box::new(body),
    }
}

struct RecordedBody {
    inner: Body,
    log: Rc<TapeLog>,
    head_ms: u64,
    pending: Option<(PendingEntry, Value)>,
    /// Milliseconds after the head, and the bytes.
    chunks: Vec<(u64, Bytes)>,
    /// Whether only the shape of the body is recorded.
    is_secret: bool,
    broken: Option<TransportError>,
    /// Whether the server ended the body; a step leaves a stream before its end.
    ended: bool,
}

impl BodyStream for RecordedBody {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            let result = self.inner.next().await;
            match &result {
                Ok(Some(chunk)) => {
                    let ms = self.log.elapsed_ms() - self.head_ms;
                    self.chunks.push((ms, chunk.clone()));
                }
                Ok(None) => self.ended = true,
                Err(error) => self.broken = Some(error.clone()),
            }
            result
        })
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let Some((pending, mut answer)) = self.pending.take() else {
            return;
        };
        answer["chunks"] = if self.is_secret {
            concealed_to_json(&self.chunks)
        } else {
            chunks_to_json(&self.chunks)
        };
        if let Some(error) = &self.broken {
            answer["broken"] = json!(error);
        } else if !self.ended {
            answer["left"] = Value::Bool(true);
        }
        self.log.answer_with_body(pending, self.head_ms, answer);
    }
}

fn chunks_to_json(chunks: &[(u64, Bytes)]) -> Value {
    let joined = joined(chunks);
    joined
        .iter()
        .map(|(ms, bytes)| json!([ms, bytes_to_json(bytes)]))
        .collect()
}

/// Returns the body as one chunk that contains only its shape, at the time of its end.
fn concealed_to_json(chunks: &[(u64, Bytes)]) -> Value {
    let Some((ms, _)) = chunks.last() else {
        return json!([]);
    };
    let body: Vec<u8> = chunks
        .iter()
        .flat_map(|(_, bytes)| bytes.to_vec())
        .collect();
    json!([[ms, secret_answer::concealed(&body)]])
}

/// Joins chunks that arrived within [`JOIN_MS`]: the cut between them means nothing. A line of a
/// stream is an event and keeps its own time.
fn joined(chunks: &[(u64, Bytes)]) -> Vec<(u64, Vec<u8>)> {
    let mut joined: Vec<(u64, Vec<u8>)> = Vec::new();
    for (ms, bytes) in chunks {
        match joined.last_mut() {
            Some((last, content)) if ms - *last < JOIN_MS && !content.ends_with(b"\n") => {
                content.extend_from_slice(bytes);
            }
            _ => joined.push((*ms, bytes.to_vec())),
        }
    }
    joined
}

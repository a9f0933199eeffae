//! A recorded HTTP response.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use serde_json::Value;

use crate::{
    BodyStream, HttpResponse, LocalFuture, TransportError, TransportErrorKind, secret_answer,
    tape_entry::json_to_bytes,
};

/// Returns the recorded response, whose body arrives in the recorded chunks; a secret answer gets
/// placeholders.
pub(super) fn response(answer: &Value, is_secret: bool) -> HttpResponse {
    let status = answer.get("status").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let headers = answer.get("headers").cloned();
    let headers = headers.and_then(|headers| serde_json::from_value(headers).ok());
    let chunks = answer.get("chunks").and_then(Value::as_array);
    let mut chunks = chunks.into_iter().flatten().filter_map(chunk).collect();
    if is_secret {
        chunks = revealed(&chunks);
    }
    let body = ReplayedBody {
        chunks,
        broken: answer.get("broken").map(transport_error),
        left: was_left(answer),
        elapsed_ms: 0,
    };
    HttpResponse {
        status: status.unwrap_or(0),
        headers: headers.unwrap_or_default(),
        body: Box::new(body),
    }
}

fn chunk(value: &Value) -> Option<(u64, Vec<u8>)> {
    Some((value.get(0)?.as_u64()?, json_to_bytes(value.get(1)?)?))
}

fn revealed(chunks: &VecDeque<(u64, Vec<u8>)>) -> VecDeque<(u64, Vec<u8>)> {
    let body: Vec<u8> = chunks.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let end = chunks.back().map(|(ms, _)| *ms);
    end.map(|ms| (ms, secret_answer::revealed(&body)))
        .into_iter()
        .collect()
}

/// Returns whether the step stopped waiting for the answer, or for its end: the recording does not
/// know how it would have continued.
pub(super) fn was_left(answer: &Value) -> bool {
    answer.get("left").is_some()
}

pub(super) fn transport_error(value: &Value) -> TransportError {
    serde_json::from_value(value.clone())
        .unwrap_or_else(|error| TransportError::new(TransportErrorKind::NotRecorded, error))
}

struct ReplayedBody {
    /// Milliseconds after the head, and the bytes.
    chunks: VecDeque<(u64, Vec<u8>)>,
    broken: Option<TransportError>,
    left: bool,
    elapsed_ms: u64,
}

impl BodyStream for ReplayedBody {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            let Some((ms, bytes)) = self.chunks.pop_front() else {
                if self.left {
                    return std::future::pending().await;
                }
                return self.broken.take().map_or(Ok(None), Err);
            };
            tokio::time::sleep(Duration::from_millis(ms.saturating_sub(self.elapsed_ms))).await;
            self.elapsed_ms = ms;
            Ok(Some(bytes.into()))
        })
    }
}

//! Answers from a recording.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    path::Path,
    rc::Rc,
    time::{Duration, SystemTime},
};

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    BodyStream, Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output,
    Spawn, TransportError, TransportErrorKind,
    recorder::{Entry, TAPE_FILE, http_request, key, spawn_request, write_request},
};
use crate::Vars;

/// Plays a recording: the same question, asked for the n-th time, gets the n-th answer, after the
/// same time. It needs tokio's paused clock, under which that time costs nothing.
pub struct Tape {
    entries: HashMap<(String, usize), Entry>,
    asked: RefCell<HashMap<String, usize>>,
    /// Wall clock and monotonic clock at the first question about the time.
    origin: RefCell<Option<(SystemTime, Instant)>>,
}

impl Tape {
    /// Reads `tape.jsonl` of a recording.
    ///
    /// # Errors
    /// When the file is not there or a line is not an entry.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(directory.join(TAPE_FILE))?;
        let entries = text
            .lines()
            .map(serde_json::from_str::<Entry>)
            .collect::<Result<Vec<_>, _>>()?;
        let entries = entries
            .into_iter()
            .map(|entry| ((key(&entry.kind, &entry.request), entry.ordinal), entry));
        Ok(Self {
            entries: entries.collect(),
            asked: RefCell::default(),
            origin: RefCell::default(),
        })
    }

    /// Returns the recorded answer to the next question of this kind.
    fn next(&self, kind: &str, request: &Value) -> Option<&Entry> {
        let key = key(kind, request);
        let mut asked = self.asked.borrow_mut();
        let count = asked.entry(key.clone()).or_default();
        let ordinal = *count;
        *count += 1;
        self.entries.get(&(key, ordinal))
    }

    /// Returns the recorded head, whose body comes in the recorded chunks.
    async fn respond(&self, kind: &str, request: &Value) -> Result<HttpResponse, TransportError> {
        let Some(entry) = self.next(kind, request) else {
            return Err(TransportError::new(
                TransportErrorKind::NotRecorded,
                not_recorded(kind, request),
            ));
        };
        if entry.answer.get("status").is_none() && was_left(&entry.answer) {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(entry.took_ms)).await;
        match entry.answer.get("error") {
            Some(error) => Err(transport_error(error)),
            None => Ok(response(&entry.answer)),
        }
    }

    fn answer<T>(
        &self,
        kind: &str,
        request: Value,
        read: impl Fn(&Value) -> Option<T>,
    ) -> io::Result<T> {
        let entry = self
            .next(kind, &request)
            .ok_or_else(|| not_recorded(kind, &request))?;
        read_answer(entry, read)
    }
}

impl Effects for Tape {
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>> {
        Box::pin(async move { self.respond("http", &http_request(&request)).await })
    }

    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        _: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move { self.respond(kind, &request).await })
    }

    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>> {
        Box::pin(async move {
            let request = spawn_request(&spawn);
            let entry = self
                .next("spawn", &request)
                .ok_or_else(|| not_recorded("spawn", &request))?;
            tokio::time::sleep(Duration::from_millis(entry.took_ms)).await;
            read_answer(entry, |value| serde_json::from_value(value.clone()).ok())
        })
    }

    fn exchange<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        _: Live<'a>,
    ) -> LocalFuture<'a, io::Result<Value>> {
        Box::pin(async move {
            let entry = self
                .next(kind, &request)
                .ok_or_else(|| not_recorded(kind, &request))?;
            tokio::time::sleep(Duration::from_millis(entry.took_ms)).await;
            read_answer(entry, |value| Some(value.clone()))
        })
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        self.answer("read", json!(path), json_to_bytes)
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        self.answer("kind", json!(path), |value| {
            serde_json::from_value(value.clone()).ok()
        })
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        // The content is part of the question: a replay that would write other bytes is not the same.
        self.answer("write", write_request(path, content), |_| Some(()))
    }

    fn now(&self) -> SystemTime {
        let mut origin = self.origin.borrow_mut();
        let (wall, since) = origin.get_or_insert_with(|| {
            let recorded = self
                .answer("now", Value::Null, Value::as_u64)
                .unwrap_or_default();
            (
                SystemTime::UNIX_EPOCH + Duration::from_millis(recorded),
                Instant::now(),
            )
        });
        *wall + since.elapsed()
    }

    fn random(&self, bytes: &mut [u8]) {
        let recorded = self
            .answer("random", json!(bytes.len()), json_to_bytes)
            .unwrap_or_default();
        bytes
            .iter_mut()
            .zip(recorded)
            .for_each(|(byte, recorded)| *byte = recorded);
    }

    fn var(&self, _: &Vars, name: &str, _secret: bool) -> Option<String> {
        self.answer("var", json!(name), |value| {
            Some(value.as_str().map(str::to_owned))
        })
        .ok()
        .flatten()
    }
}

/// Nobody waited for the answer, or for its end: nobody knows how it would have gone on.
fn was_left(answer: &Value) -> bool {
    answer.get("left").is_some()
}

fn not_recorded(kind: &str, request: &Value) -> io::Error {
    io::Error::other(format!(
        "the recording has no answer to this {kind} request: {request}"
    ))
}

fn read_answer<T>(entry: &Entry, read: impl Fn(&Value) -> Option<T>) -> io::Result<T> {
    if let Some(error) = entry.answer.get("error").and_then(Value::as_str) {
        return Err(io::Error::new(error_kind(&entry.answer), error.to_owned()));
    }
    let malformed = || {
        io::Error::other(format!(
            "the recording's answer is malformed: {}",
            entry.answer
        ))
    };
    entry.answer.get("ok").and_then(read).ok_or_else(malformed)
}

/// The kinds that decide something; the others are "other".
fn error_kind(answer: &Value) -> io::ErrorKind {
    let known = [
        io::ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::FileTooLarge,
        io::ErrorKind::TimedOut,
        io::ErrorKind::StorageFull,
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::IsADirectory,
        io::ErrorKind::NotADirectory,
    ];
    let word = answer
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    known
        .into_iter()
        .find(|kind| format!("{kind:?}") == word)
        .unwrap_or(io::ErrorKind::Other)
}

fn transport_error(value: &Value) -> TransportError {
    serde_json::from_value(value.clone())
        .unwrap_or_else(|error| TransportError::new(TransportErrorKind::NotRecorded, error))
}

fn response(answer: &Value) -> HttpResponse {
    let headers = answer
        .get("headers")
        .and_then(|headers| serde_json::from_value(headers.clone()).ok());
    let status = answer
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    let chunks = answer
        .get("chunks")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let chunks = chunks
        .iter()
        .filter_map(|chunk| Some((chunk.get(0)?.as_u64()?, json_to_bytes(chunk.get(1)?)?)));
    let body = RecordedChunks {
        chunks: chunks.collect(),
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

struct RecordedChunks {
    chunks: std::collections::VecDeque<(u64, Vec<u8>)>,
    broken: Option<TransportError>,
    left: bool,
    elapsed_ms: u64,
}

impl BodyStream for RecordedChunks {
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

fn json_to_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(map) => base64::engine::general_purpose::STANDARD
            .decode(map.get("base64")?.as_str()?)
            .ok(),
        _ => None,
    }
}

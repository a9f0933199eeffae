//! Answers from a recording.

mod response;

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    path::Path,
    rc::Rc,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output, Spawn,
    TAPE_FILE, TransportError, TransportErrorKind, Vars,
    tape_entry::{
        TapeEntry, http_request, json_to_bytes, json_to_output, key, spawn_request, write_request,
    },
};

/// Replays a recording: a request that is made for the n-th time gets its n-th recorded answer,
/// after the same time. It needs tokio's paused clock, under which that time costs nothing.
pub struct Tape {
    entries: HashMap<(String, usize), TapeEntry>,
    /// How many times each request was made.
    counts: RefCell<HashMap<String, usize>>,
    /// Wall clock and monotonic clock when the time was first read.
    origin: RefCell<Option<(SystemTime, Instant)>>,
}

impl Tape {
    /// Reads `tape.jsonl` of a recording.
    ///
    /// # Errors
    /// When the file is missing or a line is not an entry.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(directory.join(TAPE_FILE))?;
        let mut entries = HashMap::new();
        for line in text.lines() {
            let entry: TapeEntry = serde_json::from_str(line)?;
            entries.insert((key(&entry.kind, &entry.request), entry.ordinal), entry);
        }
        Ok(Self {
            entries,
            counts: RefCell::default(),
            origin: RefCell::default(),
        })
    }

    /// Returns the entry of the next request of this kind.
    fn next(&self, kind: &str, request: &Value) -> Option<&TapeEntry> {
        let key = key(kind, request);
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry(key.clone()).or_default();
        let ordinal = *count;
        *count += 1;
        self.entries.get(&(key, ordinal))
    }

    /// Returns the recorded head, whose body arrives in the recorded chunks.
    async fn respond(
        &self,
        kind: &str,
        request: &Value,
        is_secret: bool,
    ) -> Result<HttpResponse, TransportError> {
        let Some(entry) = self.next(kind, request) else {
            return Err(TransportError::new(
                TransportErrorKind::NotRecorded,
                not_recorded(kind, request),
            ));
        };
        // The step stopped waiting for the head, so this answer never arrives either.
        if entry.answer.get("status").is_none() && response::was_left(&entry.answer) {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(entry.took_ms)).await;
        match entry.answer.get("error") {
            Some(error) => Err(response::transport_error(error)),
            None => Ok(response::response(&entry.answer, is_secret)),
        }
    }

    /// Returns the request as the recording has it: those of earlier versions have the query of a
    /// redirect.
    fn recorded_request(&self, request: &HttpRequest) -> Value {
        let shown = http_request(request);
        let mut whole = shown.clone();
        whole["url"] = request.url.as_str().into();
        if self.entries.contains_key(&(key("http", &whole), 0)) {
            whole
        } else {
            shown
        }
    }

    fn answer<T>(
        &self,
        kind: &str,
        request: Value,
        read: impl Fn(&Value) -> Option<T>,
    ) -> io::Result<T> {
        read_answer(self.entry(kind, &request)?, read)
    }

    fn entry(&self, kind: &str, request: &Value) -> io::Result<&TapeEntry> {
        self.next(kind, request)
            .ok_or_else(|| not_recorded(kind, request))
    }
}

impl Effects for Tape {
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let asked = self.recorded_request(&request);
            self.respond("http", &asked, request.has_secret_answer)
                .await
        })
    }

    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        _: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move { self.respond(kind, &request, false).await })
    }

    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>> {
        Box::pin(async move {
            let request = spawn_request(&spawn);
            let entry = self.entry("spawn", &request)?;
            tokio::time::sleep(Duration::from_millis(entry.took_ms)).await;
            read_answer(entry, json_to_output)
        })
    }

    fn exchange<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        _: Live<'a>,
    ) -> LocalFuture<'a, io::Result<Value>> {
        Box::pin(async move {
            let entry = self.entry(kind, &request)?;
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
        // The content is part of the request: a replay that writes other bytes has no answer.
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

fn not_recorded(kind: &str, request: &Value) -> io::Error {
    io::Error::other(format!(
        "the recording has no answer to this {kind} request: {request}"
    ))
}

fn read_answer<T>(entry: &TapeEntry, read: impl Fn(&Value) -> Option<T>) -> io::Result<T> {
    if let Some(error) = entry.answer.get("error").and_then(Value::as_str) {
        return Err(io::Error::new(error_kind(&entry.answer), error.to_owned()));
    }
    entry.answer.get("ok").and_then(read).ok_or_else(|| {
        io::Error::other(format!(
            "the recording's answer is malformed: {}",
            entry.answer
        ))
    })
}

/// The kinds of errors on which a step branches; all others become `Other`.
const ERROR_KINDS: [io::ErrorKind; 8] = [
    io::ErrorKind::NotFound,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::FileTooLarge,
    io::ErrorKind::TimedOut,
    io::ErrorKind::StorageFull,
    io::ErrorKind::ReadOnlyFilesystem,
    io::ErrorKind::IsADirectory,
    io::ErrorKind::NotADirectory,
];

fn error_kind(answer: &Value) -> io::ErrorKind {
    let word = answer.get("kind").and_then(Value::as_str);
    let word = word.unwrap_or_default();
    ERROR_KINDS
        .into_iter()
        .find(|kind| format!("{kind:?}") == word)
        .unwrap_or(io::ErrorKind::Other)
}

#[cfg(test)]
mod tests;

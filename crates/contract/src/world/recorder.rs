//! Writes down what a run asked and what was answered.

use std::{cell::RefCell, collections::HashMap, io, path::Path, rc::Rc, time::SystemTime};

use base64::Engine as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    BodyStream, Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output,
    Spawn, TransportError,
};
use crate::{Redactor, Vars};

/// The file of a recording that holds the exchanges, one JSON document a line.
pub const TAPE_FILE: &str = "tape.jsonl";

/// One question and its answer, a line of `tape.jsonl`.
///
/// It is found again by kind, request and ordinal: the third time that the same is asked gets the
/// third answer. Times are milliseconds since the start of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// `http`, `spawn`, `read`, `kind`, `write`, `random`, `var`, or the name of a system.
    pub(crate) kind: String,
    /// What was asked, without anything secret.
    pub(crate) request: Value,
    /// How often the same had been asked before.
    pub(crate) ordinal: usize,
    /// When it was asked.
    pub(crate) at_ms: u64,
    /// How long the answer took.
    pub(crate) took_ms: u64,
    /// What was answered.
    pub(crate) answer: Value,
}

/// Passes everything on to the effects that it wraps, and remembers it until [`finish`](Self::finish).
pub struct Recorder {
    inner: Rc<dyn Effects>,
    log: Rc<Log>,
}

/// The entries so far. They are kept in memory until the end, since a token that an answer carries
/// is known to be a secret only after the answer was read.
struct Log {
    started: Instant,
    entries: RefCell<Vec<Entry>>,
    seen: RefCell<HashMap<String, usize>>,
}

/// A question whose answer is still to come.
struct Asked {
    kind: String,
    request: Value,
    ordinal: usize,
    at_ms: u64,
}

impl Recorder {
    /// Wraps effects.
    pub fn new(inner: Rc<dyn Effects>) -> Self {
        let (entries, seen) = (RefCell::default(), RefCell::default());
        let log = Log {
            started: Instant::now(),
            entries,
            seen,
        };
        Self {
            inner,
            log: Rc::new(log),
        }
    }

    /// Writes `tape.jsonl` into the directory, redacted, in the order the answers came.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn finish(&self, directory: &Path, redactor: &Redactor) -> io::Result<()> {
        let mut text = String::new();
        for entry in self.log.entries.borrow().iter() {
            let mut line = serde_json::to_value(entry)?;
            redactor.apply_json(&mut line);
            text.push_str(&line.to_string());
            text.push('\n');
        }
        std::fs::create_dir_all(directory)?;
        std::fs::write(directory.join(TAPE_FILE), text)
    }

    fn remember<T>(
        &self,
        kind: &str,
        request: Value,
        result: io::Result<T>,
        show: impl Fn(&T) -> Value,
    ) -> io::Result<T> {
        let asked = self.log.ask(kind, request);
        self.log.answer(asked, answer_of(&result, show));
        result
    }
}

impl Log {
    fn ask(&self, kind: &str, request: Value) -> Asked {
        let mut seen = self.seen.borrow_mut();
        let count = seen.entry(key(kind, &request)).or_default();
        let ordinal = *count;
        *count += 1;
        Asked {
            kind: kind.to_owned(),
            request,
            ordinal,
            at_ms: self.elapsed(),
        }
    }

    fn answer(&self, asked: Asked, answer: Value) {
        let Asked {
            kind,
            request,
            ordinal,
            at_ms,
        } = asked;
        let took_ms = self.elapsed().saturating_sub(at_ms);
        self.entries.borrow_mut().push(Entry {
            kind,
            request,
            ordinal,
            at_ms,
            took_ms,
            answer,
        });
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Effects for Recorder {
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let asked = self.log.ask("http", http_request(&request));
            recorded_answer(&self.log, asked, Rc::clone(&self.inner).http(request)).await
        })
    }

    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let asked = self.log.ask(kind, request.clone());
            let answer = Rc::clone(&self.inner).exchange_http(kind, request, live);
            recorded_answer(&self.log, asked, answer).await
        })
    }

    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>> {
        Box::pin(async move {
            let asked = self.log.ask("spawn", spawn_request(&spawn));
            let result = Rc::clone(&self.inner).spawn(spawn).await;
            self.log
                .answer(asked, answer_of(&result, |output| json!(output)));
            result
        })
    }

    fn exchange<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: Live<'a>,
    ) -> LocalFuture<'a, io::Result<Value>> {
        Box::pin(async move {
            let asked = self.log.ask(kind, request.clone());
            let result = Rc::clone(&self.inner).exchange(kind, request, live).await;
            self.log.answer(asked, answer_of(&result, Clone::clone));
            result
        })
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let result = self.inner.read(path, limit);
        self.remember("read", json!(path), result, |content| {
            bytes_to_json(content)
        })
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        let result = self.inner.kind(path);
        self.remember("kind", json!(path), result, |kind| json!(kind))
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let result = self.inner.write(path, content);
        self.remember("write", write_request(path, content), result, |()| {
            Value::Null
        })
    }

    fn now(&self) -> SystemTime {
        let now = self.inner.now();
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let asked = self.log.ask("now", Value::Null);
        self.log.answer(
            asked,
            json!({ "ok": u64::try_from(since.as_millis()).unwrap_or_default() }),
        );
        now
    }

    fn random(&self, bytes: &mut [u8]) {
        self.inner.random(bytes);
        let asked = self.log.ask("random", json!(bytes.len()));
        self.log
            .answer(asked, json!({ "ok": bytes_to_json(bytes) }));
    }

    fn var(&self, vars: &Vars, name: &str, secret: bool) -> Option<String> {
        let value = self.inner.var(vars, name, secret);
        let shown = if secret {
            value.as_ref().map(|_| "***")
        } else {
            value.as_deref()
        };
        let asked = self.log.ask("var", json!(name));
        self.log.answer(asked, json!({ "ok": shown }));
        value
    }
}

/// Waits for the answer, and writes down what became of it.
async fn recorded_answer(
    log: &Rc<Log>,
    asked: Asked,
    answer: LocalFuture<'_, Result<HttpResponse, TransportError>>,
) -> Result<HttpResponse, TransportError> {
    let mut open = Open {
        log: Rc::clone(log),
        asked: Some(asked),
    };
    let result = answer.await;
    let Some(asked) = open.asked.take() else {
        return result;
    };
    match result {
        Ok(response) => Ok(recorded(response, asked, log)),
        Err(error) => {
            log.answer(asked, json!({ "error": error }));
            Err(error)
        }
    }
}

/// A request without an answer yet. When nobody waits for it any more, the recording says so: on a
/// tape it stays unanswered, too.
struct Open {
    log: Rc<Log>,
    asked: Option<Asked>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.log.answer(asked, json!({ "left": true }));
        }
    }
}

/// Wraps the body, so that the entry is complete when the body ends or nobody reads it any more.
fn recorded(response: HttpResponse, asked: Asked, log: &Rc<Log>) -> HttpResponse {
    let head = json!({ "status": response.status, "headers": response.headers });
    let body = RecordedBody {
        inner: response.body,
        log: Rc::clone(log),
        head_ms: log.elapsed(),
        pending: Some((asked, head)),
        chunks: Vec::new(),
        end: Value::Null,
        ended: false,
    };
    HttpResponse {
        status: response.status,
        headers: response.headers,
        body: Box::new(body),
    }
}

struct RecordedBody {
    inner: super::Body,
    log: Rc<Log>,
    head_ms: u64,
    pending: Option<(Asked, Value)>,
    /// Milliseconds after the head, and the bytes.
    chunks: Vec<(u64, Bytes)>,
    end: Value,
    /// Whether the server ended it; a stream is left before its end.
    ended: bool,
}

impl BodyStream for RecordedBody {
    fn next(&mut self) -> LocalFuture<'_, Result<Option<Bytes>, TransportError>> {
        Box::pin(async {
            let result = self.inner.next().await;
            match &result {
                Ok(Some(chunk)) => self
                    .chunks
                    .push((self.log.elapsed() - self.head_ms, chunk.clone())),
                Ok(None) => self.ended = true,
                Err(error) => self.end = json!(error),
            }
            result
        })
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let Some((mut asked, mut answer)) = self.pending.take() else {
            return;
        };
        let chunks: Vec<Value> = coalesced(&self.chunks)
            .iter()
            .map(|(ms, bytes)| json!([ms, bytes_to_json(bytes)]))
            .collect();
        answer["chunks"] = Value::from(chunks);
        if !self.end.is_null() {
            answer["broken"] = self.end.take();
        } else if !self.ended {
            answer["left"] = Value::Bool(true);
        }
        // `took_ms` is the time to the head; the chunks have times of their own.
        let body_ms = self.log.elapsed() - self.head_ms;
        let asked_ms = asked.at_ms;
        asked.at_ms += body_ms;
        self.log.answer(asked, answer);
        if let Some(entry) = self.log.entries.borrow_mut().last_mut() {
            entry.at_ms = asked_ms;
        }
    }
}

/// Joins what came within the same 50 ms: the cut between two chunks says nothing, and a secret
/// that is cut in two would not be found. A line of a stream is an event, and keeps its own time.
fn coalesced(chunks: &[(u64, Bytes)]) -> Vec<(u64, Vec<u8>)> {
    let mut joined: Vec<(u64, Vec<u8>)> = Vec::new();
    for (ms, bytes) in chunks {
        match joined.last_mut() {
            Some((last, content)) if ms - *last < 50 && !content.ends_with(b"\n") => {
                content.extend_from_slice(bytes);
            }
            _ => joined.push((*ms, bytes.to_vec())),
        }
    }
    joined
}

/// The key under which the same question is counted and found again.
pub(crate) fn key(kind: &str, request: &Value) -> String {
    format!("{kind} {request}")
}

/// A request as it is recorded: sensitive headers show only that they were there.
pub(crate) fn http_request(request: &HttpRequest) -> Value {
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .map(|header| {
            (
                header.name,
                if header.sensitive {
                    "***"
                } else {
                    header.value.as_str()
                },
            )
        })
        .collect();
    // The body may carry a token (an identity token's exchange), so only its presence is kept.
    json!({ "method": request.method, "url": request.url.as_str(), "headers": headers, "body": !request.body.is_empty() })
}

pub(crate) fn spawn_request(spawn: &Spawn) -> Value {
    let arguments: Vec<_> = spawn
        .arguments
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    json!({ "program": spawn.program.to_string_lossy(), "arguments": arguments })
}

pub(crate) fn write_request(path: &Path, content: &[u8]) -> Value {
    json!({ "path": path, "content": bytes_to_json(content) })
}

fn answer_of<T>(result: &io::Result<T>, show: impl Fn(&T) -> Value) -> Value {
    match result {
        Ok(value) => json!({ "ok": show(value) }),
        Err(error) => json!({ "error": error.to_string(), "kind": format!("{:?}", error.kind()) }),
    }
}

/// Text as text, so that a recording can be read; other bytes as base64.
fn bytes_to_json(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(bytes) }),
    }
}

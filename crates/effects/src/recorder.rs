//! Records requests and their answers.

mod body;
mod headers;
mod log;
mod redacted;

use std::{io, path::Path, rc::Rc, time::SystemTime};

use serde_json::{Value, json};

use self::log::{PendingEntry, TapeLog};
use crate::{
    Effects, FileKind, HttpRequest, HttpResponse, Live, LiveHttp, LocalFuture, Output,
    RecordingFolder, Redactor, Secret, Spawn, TAPE_FILE, TransportError, Vars,
    tape_entry::{bytes_to_json, http_request, output_to_json, spawn_request, write_request},
};

/// Passes every request to the effects that it wraps, and remembers it until
/// [`finish`](Self::finish).
pub struct Recorder {
    inner: Rc<dyn Effects>,
    log: Rc<TapeLog>,
}

impl Recorder {
    /// Wraps effects.
    pub fn new(inner: Rc<dyn Effects>) -> Self {
        let log = Rc::new(TapeLog::start());
        Self { inner, log }
    }

    /// Writes `tape.jsonl` into the folder, redacted, in the order in which the answers came.
    ///
    /// # Errors
    /// The error of the operating system.
    pub fn finish(&self, folder: &RecordingFolder, redactor: &Redactor) -> io::Result<()> {
        let mut text = String::new();
        for entry in self.log.entries().iter() {
            let entry = redacted::redacted(entry.clone(), redactor);
            text.push_str(&serde_json::to_string(&entry)?);
            text.push('\n');
        }
        folder.write(TAPE_FILE, text.as_bytes())
    }

    fn remember<T>(
        &self,
        kind: &str,
        request: Value,
        result: io::Result<T>,
        show: impl Fn(&T) -> Value,
    ) -> io::Result<T> {
        let pending = self.log.ask(kind, request);
        self.log.answer(pending, answer_of(&result, show));
        result
    }
}

impl Effects for Recorder {
    fn http(
        self: Rc<Self>,
        request: HttpRequest,
    ) -> LocalFuture<'static, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let pending = self.log.ask("http", http_request(&request));
            let is_secret = request.has_secret_answer;
            let answer = Rc::clone(&self.inner).http(request);
            recorded_answer(&self.log, pending, is_secret, answer).await
        })
    }

    fn exchange_http<'a>(
        self: Rc<Self>,
        kind: &'static str,
        request: Value,
        live: LiveHttp<'a>,
    ) -> LocalFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let pending = self.log.ask(kind, request.clone());
            let answer = Rc::clone(&self.inner).exchange_http(kind, request, live);
            recorded_answer(&self.log, pending, false, answer).await
        })
    }

    fn spawn(self: Rc<Self>, spawn: Spawn) -> LocalFuture<'static, io::Result<Output>> {
        Box::pin(async move {
            let pending = self.log.ask("spawn", spawn_request(&spawn));
            let result = Rc::clone(&self.inner).spawn(spawn).await;
            let answer = answer_of(&result, output_to_json);
            self.log.answer(pending, answer);
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
            let pending = self.log.ask(kind, request.clone());
            let result = Rc::clone(&self.inner).exchange(kind, request, live).await;
            self.log.answer(pending, answer_of(&result, Value::clone));
            result
        })
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let result = self.inner.read(path, limit);
        self.remember("read", json!(path), result, |bytes| bytes_to_json(bytes))
    }

    fn kind(&self, path: &Path) -> io::Result<Option<FileKind>> {
        let result = self.inner.kind(path);
        self.remember("kind", json!(path), result, |kind| json!(kind))
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let result = self.inner.write(path, content);
        let request = write_request(path, content);
        self.remember("write", request, result, |()| Value::Null)
    }

    fn now(&self) -> SystemTime {
        let now = self.inner.now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let ms = u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or_default();
        let pending = self.log.ask("now", Value::Null);
        self.log.answer(pending, json!({ "ok": ms }));
        now
    }

    fn random(&self, bytes: &mut [u8]) {
        self.inner.random(bytes);
        let pending = self.log.ask("random", json!(bytes.len()));
        self.log
            .answer(pending, json!({ "ok": bytes_to_json(bytes) }));
    }

    fn var(&self, vars: &Vars, name: &str, secret: bool) -> Option<String> {
        let value = self.inner.var(vars, name, secret);
        let shown = value
            .as_deref()
            .map(|value| if secret { concealed(value) } else { value });
        let pending = self.log.ask("var", json!(name));
        self.log.answer(pending, json!({ "ok": shown }));
        value
    }
}

/// Waits for the answer and records it.
async fn recorded_answer(
    log: &Rc<TapeLog>,
    pending: PendingEntry,
    is_secret: bool,
    answer: LocalFuture<'_, Result<HttpResponse, TransportError>>,
) -> Result<HttpResponse, TransportError> {
    let mut unanswered = UnansweredRequest {
        log: Rc::clone(log),
        pending: Some(pending),
    };
    let result = answer.await;
    let Some(pending) = unanswered.pending.take() else {
        return result;
    };
    match result {
        Ok(response) => Ok(body::recorded(response, pending, is_secret, log)),
        Err(error) => {
            log.answer(pending, json!({ "error": error }));
            Err(error)
        }
    }
}

/// A request without an answer yet. When the step stops waiting for the answer, this value is
/// dropped, and the recording says so: the request stays unanswered on a tape, too.
struct UnansweredRequest {
    log: Rc<TapeLog>,
    pending: Option<PendingEntry>,
}

impl Drop for UnansweredRequest {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.log.answer(pending, json!({ "left": true }));
        }
    }
}

/// Returns what a recording keeps of a secret: whether it was too short, which a step reports.
fn concealed(secret: &str) -> &str {
    if Secret::is_short(secret) {
        "**"
    } else {
        "***"
    }
}

fn answer_of<T>(result: &io::Result<T>, show: impl Fn(&T) -> Value) -> Value {
    match result {
        Ok(value) => json!({ "ok": show(value) }),
        Err(error) => json!({ "error": error.to_string(), "kind": format!("{:?}", error.kind()) }),
    }
}

#[cfg(test)]
mod tests;

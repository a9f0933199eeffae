//! The format of a recording: one entry a line, shared by recorder and tape.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Header, HttpRequest, Output, Spawn};

/// The file of a recording that contains the exchanges, one JSON document a line.
pub const TAPE_FILE: &str = "tape.jsonl";

/// One request and its answer, a line of `tape.jsonl`.
///
/// An entry is found by kind, request and ordinal: when the same request is made for the third
/// time, it gets the third answer. Times are milliseconds since the start of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TapeEntry {
    /// `http`, `spawn`, `read`, `kind`, `write`, `now`, `random`, `var`, or the name of a system.
    pub(crate) kind: String,
    /// The request, without secrets.
    pub(crate) request: Value,
    /// How many times the same request had been made before.
    pub(crate) ordinal: usize,
    /// When the request was made.
    pub(crate) at_ms: u64,
    /// How long the answer took.
    pub(crate) took_ms: u64,
    /// The answer.
    pub(crate) answer: Value,
}

/// Returns the key under which equal requests are counted and found.
pub(crate) fn key(kind: &str, request: &Value) -> String {
    format!("{kind} {request}")
}

/// Returns an HTTP request as it is recorded: of a sensitive header only that it was there.
pub(crate) fn http_request(request: &HttpRequest) -> Value {
    let headers: Vec<(&str, &str)> = request.headers.iter().map(shown).collect();
    // The body may contain a token (an identity token's exchange), so only its presence is kept.
    json!({
        "method": request.method,
        "url": request.shown_url(),
        "headers": headers,
        "body": !request.body.is_empty(),
    })
}

fn shown(header: &Header) -> (&str, &str) {
    let value = if header.sensitive {
        "***"
    } else {
        &header.value
    };
    (header.name, value)
}

/// Returns a program's start as it is recorded: without its input and its variables.
pub(crate) fn spawn_request(spawn: &Spawn) -> Value {
    let arguments = spawn.arguments.iter();
    let arguments: Vec<_> = arguments
        .map(|argument| argument.to_string_lossy())
        .collect();
    json!({ "program": spawn.program.to_string_lossy(), "arguments": arguments })
}

/// Returns the result of a program as it is recorded.
pub(crate) fn output_to_json(output: &Output) -> Value {
    json!({
        "code": output.code,
        "stdout": bytes_to_json(&output.stdout),
        "stderr": bytes_to_json(&output.stderr),
    })
}

/// The reverse of [`output_to_json`].
pub(crate) fn json_to_output(value: &Value) -> Option<Output> {
    let code = value.get("code")?.as_i64();
    Some(Output {
        code: code.and_then(|code| i32::try_from(code).ok()),
        stdout: json_to_bytes(value.get("stdout")?)?,
        stderr: json_to_bytes(value.get("stderr")?)?,
    })
}

/// Returns the replacement of a file as it is recorded.
pub(crate) fn write_request(path: &Path, content: &[u8]) -> Value {
    json!({ "path": path, "content": bytes_to_json(content) })
}

/// Keeps text as text, so that people can read a recording; other bytes become base64.
pub(crate) fn bytes_to_json(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// The reverse of [`bytes_to_json`]. Recordings of earlier versions have the output of programs as
/// a list of numbers.
pub(crate) fn json_to_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Array(_) => serde_json::from_value(value.clone()).ok(),
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(map) => STANDARD.decode(map.get("base64")?.as_str()?).ok(),
        _ => None,
    }
}

//! Takes the secrets out of an entry of a recording.

use serde_json::Value;

use crate::{
    Redactor,
    tape_entry::{TapeEntry, bytes_to_json, json_to_bytes},
};

/// Returns the entry without secrets. The keys of request and answer are those of the format, all
/// keys below them may be of a server.
pub(super) fn redacted(mut entry: TapeEntry, redactor: &Redactor) -> TapeEntry {
    let chunks = entry.answer.get_mut("chunks").map(Value::take);
    redact_fields(&mut entry.request, redactor);
    redact_fields(&mut entry.answer, redactor);
    if let Some(chunks) = chunks {
        entry.answer["chunks"] = redacted_chunks(chunks, redactor);
    }
    entry
}

fn redact_fields(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|item| redact(item, redactor)),
        other => redact(other, redactor),
    }
}

/// Redacts the texts of a value, and bytes in each form in which a recording has them.
fn redact(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::Array(items) if is_bytes(items) => {
            let bytes = json_to_bytes(value).unwrap_or_default();
            *value = redactor.apply_bytes(&bytes).into();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, redactor)),
        Value::Object(map) if map.len() == 1 && map.contains_key("base64") => {
            if let Some(bytes) = json_to_bytes(value) {
                *value = bytes_to_json(&redactor.apply_bytes(&bytes));
            }
        }
        Value::Object(map) => {
            for (key, mut item) in std::mem::take(map) {
                redact(&mut item, redactor);
                map.insert(redactor.apply(&key), item);
            }
        }
        other => redactor.apply_json(other),
    }
}

/// Returns whether a list is one of bytes, as another library's answer has a file's content.
fn is_bytes(items: &[Value]) -> bool {
    let mut numbers = items.iter().map(Value::as_u64);
    !items.is_empty() && numbers.all(|number| number.is_some_and(|number| number < 256))
}

/// Redacts a body as a whole and cuts it into its chunks again, so that each keeps its time.
fn redacted_chunks(chunks: Value, redactor: &Redactor) -> Value {
    let Value::Array(mut chunks) = chunks else {
        return chunks;
    };
    let bodies = chunks.iter().map(|chunk| json_to_bytes(&chunk[1]));
    let bodies: Vec<Vec<u8>> = bodies.map(Option::unwrap_or_default).collect();
    for (chunk, body) in chunks.iter_mut().zip(redactor.apply_chunks(&bodies)) {
        chunk[1] = bytes_to_json(&body);
    }
    chunks.into()
}

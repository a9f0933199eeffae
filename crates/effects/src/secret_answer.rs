//! Answers that contain a secret, such as those of token servers: a recording keeps their shape.

use serde_json::Value;

/// Stands in a recording for each text of such an answer.
const CONCEALED: &str = "***";

/// Stands for such a text when a recording is replayed; long enough to pass for a token.
const PLACEHOLDER: &str = "a-secret-that-is-not-recorded";

/// Returns the shape of a body: JSON without its texts, or nothing but `***`.
pub(crate) fn concealed(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(mut shape @ Value::Object(_)) => {
            replace_texts(&mut shape, |text| !text.is_empty(), CONCEALED);
            shape.to_string()
        }
        _ => CONCEALED.to_owned(),
    }
}

/// Returns a body with a placeholder for each secret that is not recorded.
pub(crate) fn revealed(body: &[u8]) -> Vec<u8> {
    let Ok(mut shape) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    replace_texts(&mut shape, |text| text == CONCEALED, PLACEHOLDER);
    shape.to_string().into_bytes()
}

/// Returns whether a name is one that a specification would choose, not one that may be a secret.
fn is_word(name: &str) -> bool {
    name.len() <= 32 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn replace_texts(value: &mut Value, is_replaced: fn(&str) -> bool, by: &str) {
    match value {
        Value::String(text) if is_replaced(text) => by.clone_into(text),
        Value::Array(items) => {
            for item in items {
                replace_texts(item, is_replaced, by);
            }
        }
        Value::Object(fields) => {
            fields.retain(|name, _| is_word(name));
            for item in fields.values_mut() {
                replace_texts(item, is_replaced, by);
            }
        }
        _ => {}
    }
}

//! An error in Argo CD's own JSON.

use fetch::HttpAnswer;
use serde::Deserialize;
use serde_json::Value;

/// The largest number of characters of an error to show.
pub(crate) const MAX_MESSAGE: usize = 1000;
/// The largest code of gRPC (`google.golang.org/grpc/codes`): `Unauthenticated`.
const MAX_CODE: u32 = 16;

/// An error in Argo CD's own JSON, as grpc-gateway writes it.
#[derive(Debug)]
pub(super) struct ArgoError {
    pub(super) message: String,
    pub(super) code: u32,
}

#[derive(Deserialize)]
struct ErrorFrame {
    message: String,
    #[serde(alias = "grpc_code")]
    code: u32,
}

impl ArgoError {
    /// Reads an error; `None` for anything without its form, such as the JSON of a proxy. For a
    /// stream, such as a log, it is one level deeper.
    pub(super) fn read(answer: &HttpAnswer) -> Option<Self> {
        let mut error = frame(answer.body())?;
        error.message = answer.excerpt(&error.message, MAX_MESSAGE);
        Some(error)
    }
}

fn frame(body: &[u8]) -> Option<ArgoError> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let frame: ErrorFrame = match value.get_mut("error")? {
        error @ Value::Object(_) => serde_json::from_value(error.take()).ok()?,
        Value::String(_) => serde_json::from_value(value).ok()?,
        _ => return None,
    };
    (frame.code <= MAX_CODE).then_some(ArgoError {
        message: frame.message,
        code: frame.code,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_form_of_grpc_gateway_is_argocds() {
        let reads = |value: &Value| frame(value.to_string().as_bytes()).map(|error| error.code);
        let own = json!({ "error": "no", "code": 5, "message": "no" });
        let stream = json!({ "error": { "grpc_code": 7, "http_code": 403, "message": "no" } });
        assert_eq!((reads(&own), reads(&stream)), (Some(5), Some(7)));
        for foreign in [
            json!({ "message": "no Route matched with those values" }),
            json!({ "message": "Forbidden", "code": 7 }),
            json!({ "status": 404, "error": "Not Found", "path": "/api" }),
            json!({ "error": { "code": 403, "message": "denied", "status": "PERMISSION_DENIED" } }),
            json!({ "error": "denied", "code": 403, "message": "denied" }),
            json!([]),
        ] {
            assert_eq!(reads(&foreign), None, "{foreign}");
        }
        assert!(frame(b"<html>").is_none() && frame(b"").is_none());
    }
}

//! The body of an error: whether it has the form of the API.

use bytes::Bytes;
use contract::world::Body;
use tokio::sync::mpsc;
use tower::BoxError;

use crate::body_limit::{BodyChunk, BodyLimit};

/// Forwards the body of an error. kube takes any JSON object for a `Status`, and the numbers in it
/// for the status of the answer, so an object of another kind is marked: it is the answer of another
/// server.
pub(crate) async fn pump(body: Body, limit: BodyLimit, chunks: mpsc::Sender<BodyChunk>) {
    let content = read(body, limit).await;
    let content = content.map(|content| Bytes::from(marked(content)));
    drop(chunks.send(content).await);
}

async fn read(mut body: Body, mut limit: BodyLimit) -> Result<Vec<u8>, BoxError> {
    let mut content = Vec::new();
    while let Some(chunk) = body.next().await? {
        limit.count(&chunk)?;
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

/// Marks JSON that is no `Status`, so that kube takes it for text.
fn marked(content: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Value>(&content) {
        Ok(object) if object["kind"] != "Status" => {
            [b"not a Status: ".as_slice(), &content].concat()
        }
        _ => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_is_an_error_of_the_api() {
        for (body, is_marked) in [
            (
                r#"{"kind":"Status","code":403,"reason":"Forbidden"}"#,
                false,
            ),
            (r#"{"code":403,"message":"blocked"}"#, true),
            (r#"{"errors":[{"code":"DENIED"}]}"#, true),
            (r#"[]"#, true),
            ("<html>", false),
            ("", false),
        ] {
            let shown = marked(body.as_bytes().to_vec());
            assert_eq!(shown != body.as_bytes(), is_marked, "{body}");
        }
    }
}

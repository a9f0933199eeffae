//! Bodies that go on for as long as somebody listens.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::watch;

/// Returns a body that starts with what `next` gives and goes on with what it gives after each change;
/// `next` gives the text for what is new since its last call.
pub(crate) fn after_each_change(
    changes: watch::Receiver<u64>,
    next: impl FnMut() -> String + Send + 'static,
) -> Body {
    let start = (changes, next, false);
    Body::from_stream(futures_util::stream::unfold(
        start,
        |(mut changes, mut next, mut wait)| async move {
            loop {
                if std::mem::replace(&mut wait, true) {
                    changes.changed().await.ok()?;
                }
                let text = next();
                if !text.is_empty() {
                    return Some((
                        Ok::<_, Infallible>(Bytes::from(text)),
                        (changes, next, wait),
                    ));
                }
            }
        },
    ))
}

//! Bodies that go on for as long as the client listens.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::watch;

/// Returns a body of the texts that `next` returns, now and after each change.
///
/// `next` returns the text for everything that is new since its last call.
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

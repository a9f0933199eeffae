//! The signals that interrupt a run.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// Returns a future that ends with the name of a signal when SIGINT or SIGTERM arrives. The
/// handlers are installed before this returns, not when the future is first polled: nothing may be
/// printed before they are.
pub(crate) fn stopped() -> impl Future<Output = &'static str> {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            // Without handlers a signal ends the process, as is the default.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    }
}

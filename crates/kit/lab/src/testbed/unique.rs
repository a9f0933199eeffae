//! Names that no other test uses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns a name that no other test uses and that every kind of Kubernetes object may have.
pub(super) fn unique(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    format!(
        "{prefix}-{:x}-{:x}-{count}",
        std::process::id(),
        now.as_micros() & 0xff_ffff
    )
}

//! Waiting for a condition: checked often, never longer than a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// The pause between two checks.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

/// How long a server of this kit may take to be ready.
const DEADLINE: Duration = Duration::from_secs(20);

/// Returns once `ready` is true.
///
/// # Panics
///
/// Naming `what`, if that takes longer than 20 seconds.
#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    found(what, || ready().then_some(()));
}

/// Returns the first value that `look` finds.
///
/// # Panics
///
/// Naming `what`, if that takes longer than 20 seconds.
#[track_caller]
pub fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        thread::sleep(PAUSE);
    }
}

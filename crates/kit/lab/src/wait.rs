//! Waiting for something to be so: often a look, never longer than a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

/// How long anything of ours may take to be ready.
const DEADLINE: Duration = Duration::from_secs(20);

/// Returns once `ready` is true.
///
/// # Panics
///
/// Naming `what`, if it is not so within 20 seconds.
#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    found(what, || ready().then_some(()));
}

/// Returns what `look` finds, as soon as it finds something.
///
/// # Panics
///
/// Naming `what`, if it finds nothing within 20 seconds.
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

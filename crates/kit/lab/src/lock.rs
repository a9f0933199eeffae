//! Locks that outlive a panic: a test that fails elsewhere must not hide its own message.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex, whether or not another thread has panicked while holding it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

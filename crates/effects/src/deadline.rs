//! The deadline of a run.

use std::time::Duration;

use tokio::time::Instant;

/// Time limit of one exchange, retries included.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Returned as the time left when the step does not wait: then only exchanges are limited.
const UNLIMITED: Duration = Duration::from_secs(3600);

/// The run's deadline, from `--timeout`.
///
/// With `--timeout 0` a step asks once, and each exchange may take 30 s, retries included.
/// Otherwise an exchange may take 30 s or the time left, whichever is less.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    start: Instant,
    timeout: Duration,
}

impl Deadline {
    /// Starts a deadline that ends after `timeout`.
    pub fn after(timeout: Duration) -> Self {
        Self {
            start: Instant::now(),
            timeout,
        }
    }

    /// Returns whether the step waits for an answer that may still become yes.
    pub fn waits(&self) -> bool {
        !self.timeout.is_zero()
    }

    /// Returns the whole time, as given by `--timeout`.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the time left to wait; an hour with `--timeout 0`, which limits only exchanges.
    pub fn left(&self) -> Duration {
        if self.waits() {
            self.timeout.saturating_sub(self.elapsed())
        } else {
            UNLIMITED
        }
    }

    /// Returns whether waiting is over.
    pub fn is_over(&self) -> bool {
        !self.waits() || self.left().is_zero()
    }

    /// Returns how long the next exchange may take.
    pub fn exchange(&self) -> Duration {
        // An exchange that starts just before the deadline would always be cut off, and the verdict
        // would be "unavailable" instead of "not yet": it gets a second.
        if self.waits() {
            EXCHANGE_TIMEOUT.min(self.left().max(Duration::from_secs(1)))
        } else {
            EXCHANGE_TIMEOUT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn without_a_timeout_every_exchange_has_thirty_seconds() {
        let deadline = Deadline::after(Duration::ZERO);
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(deadline.exchange(), EXCHANGE_TIMEOUT);
        assert!(deadline.is_over() && !deadline.waits());
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_timeout_an_exchange_has_the_rest() {
        let deadline = Deadline::after(Duration::from_secs(60));
        tokio::time::sleep(Duration::from_secs(55)).await;
        assert_eq!(deadline.exchange(), Duration::from_secs(5));
        assert!(!deadline.is_over());
    }
}

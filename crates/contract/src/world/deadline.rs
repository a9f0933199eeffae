//! One deadline per run.

use std::time::Duration;

use tokio::time::Instant;

/// How long one question may take when nobody waits for the answer, retries included.
const EXCHANGE: Duration = Duration::from_secs(30);

/// The run's deadline, from `--timeout`.
///
/// With 0 every question is put once and has 30 s, retries included (product.md, "The contract of a
/// step"); otherwise a question has 30 s or what is left, whichever is less.
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

    /// Returns the whole time, as given.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns what has passed.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns what is left to wait; an hour when nobody waits, since then only exchanges are limited.
    pub fn left(&self) -> Duration {
        if self.waits() {
            self.timeout.saturating_sub(self.elapsed())
        } else {
            Duration::from_secs(3600)
        }
    }

    /// Returns whether waiting is over.
    pub fn is_over(&self) -> bool {
        !self.waits() || self.left().is_zero()
    }

    /// Returns how long the next exchange may take.
    pub fn exchange(&self) -> Duration {
        // An exchange that starts just before the deadline would always be cut, and "not yet" would
        // read as "unavailable": give it a second.
        if self.waits() {
            EXCHANGE.min(self.left().max(Duration::from_secs(1)))
        } else {
            EXCHANGE
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
        assert_eq!(deadline.exchange(), EXCHANGE);
        assert!(deadline.is_over() && !deadline.waits());
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_timeout_an_exchange_has_what_is_left() {
        let deadline = Deadline::after(Duration::from_secs(60));
        tokio::time::sleep(Duration::from_secs(55)).await;
        assert_eq!(deadline.exchange(), Duration::from_secs(5));
        assert!(!deadline.is_over());
    }
}

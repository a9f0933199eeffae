//! The timeline of a run that waited.

use std::time::Duration;

/// One thing that a run waited for, and when it began to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Time since the start of the run.
    pub at: Duration,
    /// A noun phrase ("the tag to appear").
    pub text: String,
}

//! The reason that only GitHub gives.

use contract::{Fault, Reason};

/// GitHub stops at a question that takes it too long, however often it is asked.
pub const TOO_LARGE: Reason = Reason::new(
    "question-too-large",
    Fault::Environment,
    "GitHub's limits do not allow an answer of this size",
);

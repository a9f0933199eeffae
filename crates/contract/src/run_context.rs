//! The context of a run, which becomes part of its final report.

use crate::{Verdict, known::KnownSoFar, timeline::Moment};

/// The context of a run: the final report is made of this and of the way the run ended.
#[derive(Debug, Default)]
pub(crate) struct RunContext {
    pub(crate) step: String,
    pub(crate) accept: Vec<Verdict>,
    /// The findings before a failure or an interruption.
    pub(crate) known: KnownSoFar,
    pub(crate) timeline: Vec<Moment>,
    pub(crate) requests: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) reproduce: String,
}

impl RunContext {
    /// Makes the context of a run that has not started.
    pub(crate) fn of_step(name: &str) -> Self {
        Self {
            step: name.to_owned(),
            ..Self::default()
        }
    }
}

//! How a run ended.

use crate::{Failure, Report};

/// How a run ended.
#[derive(Debug)]
pub(crate) enum RunEnd {
    Reported(Report),
    Failed(Failure),
    /// Interrupted by a signal; carries its name.
    Interrupted(&'static str),
}

impl From<Result<Report, Failure>> for RunEnd {
    fn from(result: Result<Report, Failure>) -> Self {
        match result {
            Ok(report) => Self::Reported(report),
            Err(failure) => Self::Failed(failure),
        }
    }
}

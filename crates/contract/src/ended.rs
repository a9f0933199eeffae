//! How a run ended.

use crate::{Failure, Report};

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Reported(Report),
    Failed(Failure),
    /// Interrupted by a signal; carries its name.
    Interrupted(&'static str),
}

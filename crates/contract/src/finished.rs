//! The result of a call.

use crate::FinalReport;

/// The result of a call.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub exit: u8,
    /// The report; `None` after `--help` and `--version`.
    pub report: Option<FinalReport>,
}

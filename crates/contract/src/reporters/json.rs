//! Exactly one JSON document on standard output, in every case.

use std::io::{self, Write};

use crate::FinalReport;

/// Writes the document and a line break.
pub(crate) fn document(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    let text = serde_json::to_string(report)?;
    writeln!(sink, "{text}")
}

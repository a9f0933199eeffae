//! Exactly one JSON document on standard output, in every case.

use std::io::{self, Write};

use crate::Document;

/// Writes the document and a line break.
///
/// # Errors
/// As the sink says.
pub fn document(sink: &mut dyn Write, document: &Document) -> io::Result<()> {
    let text = serde_json::to_string(document)?;
    writeln!(sink, "{text}")
}

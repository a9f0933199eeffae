//! The JSON Schema of the file, for editors.

use serde_json::Value;

use crate::file::RunbookFile;

/// Returns the JSON Schema of `.github/runbook.yaml` (draft 2020-12).
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(RunbookFile);
    schema.insert("title".to_owned(), crate::PATH.into());
    schema.to_value()
}

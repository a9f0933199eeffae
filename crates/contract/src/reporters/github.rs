//! Outputs, annotations and summary for a runner of GitHub Actions.
//!
//! The grammar is that of `actions/runner` (`FileCommandManager.cs`, `ActionCommand.cs`,
//! `CreateStepSummaryCommand.cs`). Text from outside (registry errors, check names, logs) must
//! never become a command, break a table, or turn into a link.

mod annotations;
mod markdown;
mod summary;

use std::io::{self, Write};

use serde_json::Value;

use crate::{Fault, FinalReport};

pub(crate) use self::{annotations::log, summary::summary};

/// Writes every fact, and `verdict`, `reason`, `fault`, `exit` and `summary`, as the outputs of the
/// step, in the format of the file that `GITHUB_OUTPUT` names.
///
/// `delimiter` is random per run, so that no value can end its own heredoc. A value that contains
/// the delimiter is refused.
pub(crate) fn outputs(
    sink: &mut dyn Write,
    report: &FinalReport,
    delimiter: &str,
) -> io::Result<()> {
    let own = [
        ("verdict", report.verdict.word().to_owned()),
        ("reason", report.reason.unwrap_or_default().to_owned()),
        ("fault", report.fault.map_or("", Fault::word).to_owned()),
        ("exit", report.exit.to_string()),
        ("summary", report.summary.clone()),
    ];
    for (name, value) in own {
        output(sink, name, &value, delimiter)?;
    }
    for (name, value) in &report.facts {
        output(sink, name, &as_output(value), delimiter)?;
    }
    Ok(())
}

fn output(sink: &mut dyn Write, name: &str, value: &str, delimiter: &str) -> io::Result<()> {
    if value.contains(delimiter) {
        return Err(io::Error::other(format!(
            "the output `{name}` contains its own delimiter"
        )));
    }
    writeln!(sink, "{name}<<{delimiter}\n{value}\n{delimiter}")
}

/// Returns a text as it is, a list of texts joined by commas (as flags take it), the rest as JSON.
fn as_output(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;

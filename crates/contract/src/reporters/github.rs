//! Outputs, annotations and summary for a runner of GitHub Actions.
//!
//! The grammar is that of `actions/runner` (`FileCommandManager.cs`, `ActionCommand.cs`,
//! `CreateStepSummaryCommand.cs`). Text from outside (registry errors, check names, logs) must never
//! become a command, break a table, or turn into a link.

use std::io::{self, Write};

use serde_json::Value;

use crate::{Document, Verdict, document::SubjectDocument, progress::Moment};

/// A runner shows ten annotations of a type for a step.
const ANNOTATIONS: usize = 10;
/// It cuts the message of one at 4096 characters.
const MESSAGE: usize = 4000;
/// It drops a summary above 1 MiB; stay below, with room for what masks add.
const SUMMARY: usize = 900_000;

/// Writes every fact, and `verdict`, `reason`, `fault`, `exit` and `summary`, as the outputs of the
/// step, in the format of the file that `GITHUB_OUTPUT` names.
///
/// `delimiter` is random per run, so that no value can end its own heredoc.
///
/// # Errors
/// As the sink says; a value that contains the delimiter is refused.
pub fn outputs(sink: &mut dyn Write, document: &Document, delimiter: &str) -> io::Result<()> {
    let own = [
        ("verdict", document.verdict.word().to_owned()),
        ("reason", document.reason.unwrap_or_default().to_owned()),
        (
            "fault",
            document.fault.map_or("", crate::Fault::word).to_owned(),
        ),
        ("exit", document.exit.to_string()),
        ("summary", document.summary.clone()),
    ];
    for (name, value) in own {
        output(sink, name, &value, delimiter)?;
    }
    for (name, value) in &document.facts {
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

/// Texts as they are, lists of texts joined by commas (as flags take them), the rest as JSON.
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

/// Writes the report for people and at most ten annotations of a type.
///
/// The plain words come first and are complete: some runners show no annotations.
///
/// # Errors
/// As the sink says.
pub fn log(sink: &mut dyn Write, document: &Document) -> io::Result<()> {
    for line in super::plain::text(document, false).lines() {
        writeln!(sink, "{}", harmless(line))?;
    }
    if !document.verdict.is_good() {
        bad(sink, document)?;
    }
    for (index, notice) in document.notices.iter().take(ANNOTATIONS).enumerate() {
        let more = document.notices.len().saturating_sub(ANNOTATIONS);
        let text = if index == ANNOTATIONS - 1 && more > 0 {
            format!("{notice} (and {more} more)")
        } else {
            notice.clone()
        };
        annotation(sink, "notice", &document.step, &text)?;
    }
    Ok(())
}

fn bad(sink: &mut dyn Write, document: &Document) -> io::Result<()> {
    let kind = if document.is_good() {
        "warning"
    } else {
        "error"
    };
    let bad: Vec<&SubjectDocument> = document
        .subjects
        .iter()
        .filter(|subject| !subject.verdict.is_good())
        .collect();
    if bad.len() < 2 {
        let hints: Vec<String> = document
            .hints
            .iter()
            .map(|hint| format!("\nhint: {hint}"))
            .collect();
        let text = format!("{}{}", document.summary, hints.concat());
        return annotation(
            sink,
            kind,
            &title(&document.step, document.verdict, document.reason),
            &text,
        );
    }
    for (index, subject) in bad.iter().take(ANNOTATIONS).enumerate() {
        let more = bad.len().saturating_sub(ANNOTATIONS);
        let more = if index == ANNOTATIONS - 1 && more > 0 {
            format!(" (and {more} more)")
        } else {
            String::new()
        };
        let text = format!("{}: {}{more}", subject.name, subject.summary);
        annotation(
            sink,
            kind,
            &title(&document.step, subject.verdict, subject.reason),
            &text,
        )?;
    }
    Ok(())
}

fn title(step: &str, verdict: Verdict, reason: Option<&str>) -> String {
    reason.map_or_else(
        || format!("{step}: {verdict}"),
        |reason| format!("{step}: {verdict}, {reason}"),
    )
}

fn annotation(sink: &mut dyn Write, kind: &str, title: &str, text: &str) -> io::Result<()> {
    let text: Vec<String> = text.lines().map(super::plain::one_line).collect();
    let text: String = text.join("\n").chars().take(MESSAGE).collect();
    writeln!(
        sink,
        "::{kind} title={}::{}",
        escape_property(title),
        escape_data(&text)
    )
}

/// Returns the data of a workflow command (`toolkit`, `escapeData`).
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns a line that no runner takes for a command: `::x` counts at the start of a line, `##[x`
/// anywhere in it. A zero-width space breaks them and is not seen.
pub fn harmless(text: &str) -> String {
    let line = super::plain::one_line(text).replace("##[", "##\u{200b}[");
    if line.trim_start().starts_with("::") {
        line.replacen("::", ":\u{200b}:", 1)
    } else {
        line
    }
}

/// Writes the step summary: what came out, about whom, the facts, and how long what took.
///
/// # Errors
/// As the sink says.
pub fn summary(sink: &mut dyn Write, document: &Document) -> io::Result<()> {
    let mut text = format!(
        "### {} {}: {}\n\n",
        mark(document),
        document.step,
        document.verdict
    );
    text.push_str(&format!("{}\n\n", code(&document.summary)));
    for hint in &document.hints {
        text.push_str(&format!("- hint: {}\n", code(hint)));
    }
    for notice in &document.notices {
        text.push_str(&format!("- note: {}\n", code(notice)));
    }
    if !document.verdict.is_good() && !document.reproduce.is_empty() {
        text.push_str(&format!("- reproduce: {}\n", code(&document.reproduce)));
    }
    text.push_str(&timeline(document));
    text.push_str(&subjects(document));
    text.push_str(&facts(document));
    // The detail goes last, and only what is left of the room is its own: a cut inside a fence
    // would swallow whatever follows.
    if let Some(detail) = document.detail.as_deref().filter(|_| text.len() < SUMMARY) {
        text.push_str(&format!(
            "\n{}\n",
            block(&cut(detail, SUMMARY - text.len()))
        ));
    }
    sink.write_all(cut(&text, SUMMARY + MESSAGE).as_bytes())
}

fn mark(document: &Document) -> &'static str {
    if document.is_good() { "✅" } else { "❌" }
}

fn subjects(document: &Document) -> String {
    if document.subjects.is_empty() {
        return String::new();
    }
    let rows = document.subjects.iter().map(|subject| {
        let why = subject.reason.unwrap_or_default();
        format!(
            "| {} | {} | {why} | {} |\n",
            code(&subject.name),
            subject.verdict,
            code(&subject.summary)
        )
    });
    format!(
        "\n| what | verdict | reason | |\n|---|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn facts(document: &Document) -> String {
    // What has several lines, such as a diff, is shown as the detail.
    let short = document
        .facts
        .iter()
        .filter(|(_, value)| !as_output(value).contains('\n'));
    let rows: String = short
        .map(|(name, value)| format!("| {name} | {} |\n", code(&as_output(value))))
        .collect();
    if rows.is_empty() {
        rows
    } else {
        format!("\n| fact | value |\n|---|---|\n{rows}")
    }
}

/// Mermaid reads `:` and `#` and `;` as its own, so a moment keeps letters, digits and a few signs.
fn timeline(document: &Document) -> String {
    if document.timeline.is_empty() {
        return String::new();
    }
    let line =
        |moment: &Moment| format!("  {} s : {}\n", moment.at.as_secs(), mermaid(&moment.text));
    let moments: String = document.timeline.iter().map(line).collect();
    let end = format!(
        "  {} s : {}\n",
        document.elapsed_ms / 1000,
        document.verdict
    );
    format!("\n```mermaid\ntimeline\n{moments}{end}```\n")
}

fn mermaid(text: &str) -> String {
    let kept = text.chars().map(|c| {
        if c.is_alphanumeric() || " .,-_/()".contains(c) {
            c
        } else {
            ' '
        }
    });
    kept.take(120).collect()
}

/// Returns an inline code span that shows the text literally, whatever it contains: no Markdown, no
/// HTML, no link, no mention works in it. Its fence is longer than any run of backticks inside, and
/// a bar is escaped since a table would end its cell there.
pub fn code(text: &str) -> String {
    let line = super::plain::one_line(text).replace('|', "\\|");
    if line.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{line}{pad}{fence}")
}

fn block(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let clean: Vec<String> = text.lines().map(super::plain::one_line).collect();
    format!("{fence}\n{}\n{fence}", clean.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Keeps whole lines up to a number of bytes, and says what was left out.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let kept: usize = text
        .split_inclusive('\n')
        .map(str::len)
        .scan(0, |sum, length| {
            *sum += length;
            (*sum <= bytes).then_some(*sum)
        })
        .last()
        .unwrap_or(0);
    format!(
        "{}\nThe rest was left out, {} of {} bytes are shown; the log has all of it.\n",
        &text[..kept],
        kept,
        text.len()
    )
}

#[cfg(test)]
mod tests;

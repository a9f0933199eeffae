//! Words for people on standard error, and the one value that people pipe on standard output.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use crate::{Document, Verdict};

/// Writes the value, if the run was good: who pipes it must not get half an answer.
///
/// # Errors
/// As the sink says.
pub fn value(sink: &mut dyn Write, document: &Document) -> io::Result<()> {
    match &document.value {
        Some(value) if document.verdict.is_good() => writeln!(sink, "{value}"),
        _ => Ok(()),
    }
}

/// Writes the report for people: the verdict and its reason first, then what to do next.
///
/// # Errors
/// As the sink says.
pub fn words(sink: &mut dyn Write, document: &Document, colour: bool) -> io::Result<()> {
    sink.write_all(text(document, colour).as_bytes())
}

/// Returns the report for people as a text.
pub(crate) fn text(document: &Document, colour: bool) -> String {
    let paint = |verdict: Verdict| if colour { style(verdict) } else { Style::new() };
    let mut text = String::new();
    let head = paint(document.verdict);
    let why = document
        .reason
        .map(|reason| format!(" [{reason}]"))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "{head}{}{head:#}: {}{why}",
        document.verdict,
        one_line(&document.summary)
    );
    if document.subjects.len() > 1 {
        subjects(&mut text, document, paint);
    }
    if let Some(detail) = &document.detail {
        lines(&mut text, detail);
    }
    for notice in &document.notices {
        let _ = writeln!(text, "note: {}", one_line(notice));
    }
    for hint in &document.hints {
        let _ = writeln!(text, "hint: {}", one_line(hint));
    }
    if document.exit == 0 && !document.verdict.is_good() {
        let _ = writeln!(
            text,
            "note: exit code 0, since `--accept` names what is not good here"
        );
    }
    if !document.verdict.is_good() && !document.reproduce.is_empty() {
        let _ = writeln!(text, "reproduce: {}", one_line(&document.reproduce));
    }
    text
}

fn subjects(text: &mut String, document: &Document, paint: impl Fn(Verdict) -> Style) {
    let width = document
        .subjects
        .iter()
        .map(|subject| subject.name.chars().count())
        .max()
        .unwrap_or(0);
    for subject in &document.subjects {
        let style = paint(subject.verdict);
        let why = subject
            .reason
            .map(|reason| format!(" [{reason}]"))
            .unwrap_or_default();
        let (name, summary) = (one_line(&subject.name), one_line(&subject.summary));
        let _ = writeln!(
            text,
            "  {name:width$}  {style}{}{style:#}: {summary}{why}",
            subject.verdict
        );
    }
}

fn lines(text: &mut String, detail: &str) {
    for line in detail.lines() {
        let _ = writeln!(text, "{}", one_line(line));
    }
}

/// Returns a text that stays in its line and cannot steer a terminal: control characters, those of
/// ANSI sequences included, become spaces.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}

fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Passed | Verdict::Unchanged => AnsiColor::Green,
        Verdict::NotYet | Verdict::Superseded | Verdict::Interrupted => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

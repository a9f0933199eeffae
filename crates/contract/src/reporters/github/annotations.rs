//! The log of the step, with its annotations.

use std::io::{self, Write};

use crate::{
    FinalReport, FinalSubject, Verdict,
    reporters::plain,
    text::{escape_data, escape_property, for_any_agent, harmless, one_line},
};

/// A runner shows at most ten annotations of a type for a step.
const MAX_ANNOTATIONS: usize = 10;
/// A runner cuts the message of an annotation at 4096 characters.
const MAX_MESSAGE: usize = 4000;

/// Writes the report for people and at most ten annotations of a type.
///
/// The plain messages come first and are complete: some runners show no annotations.
pub(crate) fn log(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    for line in plain::text(report, false).lines() {
        writeln!(sink, "{}", harmless(line))?;
    }
    if !report.verdict.is_good() {
        problems(sink, report)?;
    }
    for text in at_most(MAX_ANNOTATIONS, report.notices.clone()) {
        annotation(sink, "notice", &report.step, &text)?;
    }
    Ok(())
}

/// Writes an annotation for each bad subject, or one for the whole run.
fn problems(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    let kind = if report.is_good() { "warning" } else { "error" };
    let subjects = report.subjects.iter();
    let bad: Vec<&FinalSubject> = subjects.filter(|s| !s.verdict.is_good()).collect();
    if bad.len() < 2 {
        let mut text = report.summary.clone();
        for hint in &report.hints {
            text.push_str(&format!("\nhint: {hint}"));
        }
        let title = title(&report.step, report.verdict, report.reason);
        return annotation(sink, kind, &title, &text);
    }
    let texts = bad.iter().map(|s| format!("{}: {}", s.name, s.summary));
    for (subject, text) in bad.iter().zip(at_most(MAX_ANNOTATIONS, texts.collect())) {
        let title = title(&report.step, subject.verdict, subject.reason);
        annotation(sink, kind, &title, &text)?;
    }
    Ok(())
}

/// Keeps the first texts; the last one of them says how many were left out.
fn at_most(limit: usize, mut texts: Vec<String>) -> Vec<String> {
    let more = texts.len().saturating_sub(limit);
    texts.truncate(limit);
    if let Some(last) = texts.last_mut().filter(|_| more > 0) {
        last.push_str(&format!(" (and {more} more)"));
    }
    texts
}

fn title(step: &str, verdict: Verdict, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{step}: {verdict}, {reason}"),
        None => format!("{step}: {verdict}"),
    }
}

fn annotation(sink: &mut dyn Write, kind: &str, title: &str, text: &str) -> io::Result<()> {
    let lines: Vec<String> = text.lines().map(one_line).collect();
    let text = for_any_agent(&lines.join("\n"));
    let text: String = text.chars().take(MAX_MESSAGE).collect();
    let (title, text) = (escape_property(title), escape_data(&text));
    writeln!(sink, "::{kind} title={title}::{text}")
}

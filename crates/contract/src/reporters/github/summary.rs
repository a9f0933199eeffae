//! The step summary.

use std::io::{self, Write};

use super::{
    as_output,
    markdown::{block, code, cut},
};
use crate::FinalReport;

/// A runner drops a summary above 1 MiB; this leaves room for what masks add.
const MAX_SUMMARY: usize = 900_000;
/// Room for the fences and the note of a detail that was cut.
const SLACK: usize = 4000;

/// Writes the step summary: the verdict, the next steps, the timeline, the subjects, the facts.
pub(crate) fn summary(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    let mut text = head(report);
    text.push_str(&timeline(report));
    text.push_str(&subjects(report));
    text.push_str(&facts(report));
    // The detail comes last and gets the room that is left: a cut inside a fence would swallow
    // everything below it.
    let detail = report.detail.as_deref();
    if let Some(detail) = detail.filter(|_| text.len() < MAX_SUMMARY) {
        let detail = block(&cut(detail, MAX_SUMMARY - text.len()));
        text.push_str(&format!("\n{detail}\n"));
    }
    sink.write_all(cut(&text, MAX_SUMMARY + SLACK).as_bytes())
}

fn head(report: &FinalReport) -> String {
    let mark = if report.is_good() { "✅" } else { "❌" };
    let (step, verdict) = (&report.step, report.verdict);
    let mut text = format!("### {mark} {step}: {verdict}\n\n");
    text.push_str(&format!("{}\n\n", code(&report.summary)));
    for hint in &report.hints {
        text.push_str(&format!("- hint: {}\n", code(hint)));
    }
    for notice in &report.notices {
        text.push_str(&format!("- note: {}\n", code(notice)));
    }
    if !verdict.is_good() && !report.reproduce.is_empty() {
        text.push_str(&format!("- reproduce: {}\n", code(&report.reproduce)));
    }
    text
}

fn timeline(report: &FinalReport) -> String {
    if report.timeline.is_empty() {
        return String::new();
    }
    let mut text = "\n```mermaid\ntimeline\n".to_owned();
    for moment in &report.timeline {
        let seconds = moment.at.as_secs();
        text.push_str(&format!("  {seconds} s : {}\n", mermaid(&moment.text)));
    }
    let (seconds, verdict) = (report.elapsed_ms / 1000, report.verdict);
    text.push_str(&format!("  {seconds} s : {verdict}\n```\n"));
    text
}

/// Keeps letters, digits and a few signs: `:`, `#` and `;` mean something to Mermaid.
fn mermaid(text: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || " .,-_/()".contains(c);
    let safe = text.chars().map(|c| if is_safe(c) { c } else { ' ' });
    safe.take(120).collect()
}

fn subjects(report: &FinalReport) -> String {
    if report.subjects.is_empty() {
        return String::new();
    }
    let mut text = "\n| what | verdict | reason | |\n|---|---|---|---|\n".to_owned();
    for subject in &report.subjects {
        let (name, summary) = (code(&subject.name), code(&subject.summary));
        let (verdict, reason) = (subject.verdict, subject.reason.unwrap_or_default());
        text.push_str(&format!("| {name} | {verdict} | {reason} | {summary} |\n"));
    }
    text
}

fn facts(report: &FinalReport) -> String {
    let mut rows = String::new();
    for (name, value) in &report.facts {
        let value = as_output(value);
        // A fact of several lines, such as a diff, is shown as the detail.
        if !value.contains('\n') {
            rows.push_str(&format!("| {name} | {} |\n", code(&value)));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!("\n| fact | value |\n|---|---|\n{rows}")
}

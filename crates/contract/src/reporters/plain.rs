//! Messages for people on standard error, and the one value for a pipe on standard output.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use crate::{
    FinalReport, Verdict,
    text::{for_any_agent, inert, one_line},
};

/// Writes the value, but only of a good run, so that a pipe never gets a partial answer.
pub(crate) fn value(sink: &mut dyn Write, report: &FinalReport) -> io::Result<()> {
    match &report.value {
        Some(value) if report.verdict.is_good() => writeln!(sink, "{value}"),
        _ => Ok(()),
    }
}

/// Writes the report for people: first the verdict and its reason, then the next steps. A runner,
/// or the agent of another system, reads standard error in every format, so there no line may be a
/// command.
pub(crate) fn words(
    sink: &mut dyn Write,
    report: &FinalReport,
    colour: bool,
    is_runner: bool,
) -> io::Result<()> {
    let text = text(report, colour);
    let without_commands = if is_runner { inert } else { for_any_agent };
    text.lines()
        .try_for_each(|line| writeln!(sink, "{}", without_commands(line)))
}

/// Returns the report for people as a text.
pub(crate) fn text(report: &FinalReport, colour: bool) -> String {
    // Writing into a string cannot fail.
    let mut text = String::new();
    let style = style(report.verdict, colour);
    let (summary, reason) = (one_line(&report.summary), bracketed(report.reason));
    let verdict = report.verdict;
    let _ = writeln!(text, "{style}{verdict}{style:#}: {summary}{reason}");
    if report.subjects.len() > 1 {
        subjects(&mut text, report, colour);
    }
    for line in report.detail.iter().flat_map(|detail| detail.lines()) {
        let _ = writeln!(text, "{}", one_line(line));
    }
    for notice in &report.notices {
        let _ = writeln!(text, "note: {}", one_line(notice));
    }
    for hint in &report.hints {
        let _ = writeln!(text, "hint: {}", one_line(hint));
    }
    if report.is_good() && !verdict.is_good() {
        text.push_str("note: exit code 0, since `--accept` names this verdict\n");
    }
    if !verdict.is_good() && !report.reproduce.is_empty() {
        let _ = writeln!(text, "reproduce: {}", one_line(&report.reproduce));
    }
    text
}

fn subjects(text: &mut String, report: &FinalReport, colour: bool) {
    let names = report.subjects.iter().map(|subject| &subject.name);
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for subject in &report.subjects {
        let style = style(subject.verdict, colour);
        let (name, verdict) = (one_line(&subject.name), subject.verdict);
        let (summary, reason) = (one_line(&subject.summary), bracketed(subject.reason));
        let line = format_args!("  {name:width$}  {style}{verdict}{style:#}: {summary}{reason}");
        let _ = writeln!(text, "{line}");
    }
}

fn bracketed(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" [{reason}]"))
}

fn style(verdict: Verdict, colour: bool) -> Style {
    if !colour {
        return Style::new();
    }
    let colour = match verdict {
        Verdict::Passed | Verdict::Unchanged => AnsiColor::Green,
        Verdict::NotYet | Verdict::Superseded | Verdict::Interrupted => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

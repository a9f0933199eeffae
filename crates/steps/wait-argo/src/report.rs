//! What people and programs read at the end.

use std::time::Duration;

use argocd::ApplicationId;
use contract::{Commit, Facts as _, Failure, Report, Subject, Verdict};
use serde_json::{Map, Value, json};

use crate::{
    Facts,
    judge::{Conclusion, first_revision},
    observe::{LogAnswer, Observation},
    request::Request,
};

/// The end of the wait for one application.
pub(crate) struct ApplicationOutcome {
    /// The observation that decided.
    pub(crate) observation: Observation,
    pub(crate) conclusion: Conclusion,
    /// The log of the pod that fails, if it was to be read.
    pub(crate) log: Option<LogAnswer>,
}

/// One application's part of the report.
pub(crate) struct ApplicationReport {
    pub(crate) subject: Subject,
    facts: Value,
    hints: Vec<String>,
    notice: Option<String>,
    detail: Option<String>,
}

/// Reports on one application. A failure is its verdict, too: that of one application does not hide
/// the verdicts on the others.
///
/// # Errors
/// A `usage` or an `internal` failure, which is about the whole run.
pub(crate) fn application(
    request: &Request,
    app: &ApplicationId,
    outcome: Result<ApplicationOutcome, Failure>,
) -> Result<ApplicationReport, Failure> {
    match outcome {
        Ok(outcome) => Ok(concluded(request, app, outcome)),
        Err(failure) if matches!(failure.verdict, Verdict::Internal | Verdict::Usage) => {
            Err(failure)
        }
        Err(failure) => Ok(failed(app, failure)),
    }
}

fn failed(app: &ApplicationId, failure: Failure) -> ApplicationReport {
    let summary = format!("{}: {}", app.name, failure.summary());
    ApplicationReport {
        subject: Subject::new(&app.name, failure.verdict, Some(failure.reason), summary),
        facts: json!({ "name": app.name }),
        hints: failure.hints,
        notice: None,
        detail: None,
    }
}

fn concluded(
    request: &Request,
    app: &ApplicationId,
    outcome: ApplicationOutcome,
) -> ApplicationReport {
    let conclusion = outcome.conclusion;
    let facts = facts(request, app, &outcome.observation, &conclusion);
    let mut summary = format!("{} {}", app.name, conclusion.text);
    if conclusion.verdict.is_good()
        && let Some(image) = &conclusion.live_image
    {
        summary = format!("{summary}, live {image}");
    }
    let mut subject = Subject::new(&app.name, conclusion.verdict, conclusion.reason, summary);
    subject.facts = facts.clone();
    let mut hints = conclusion.hints;
    let mut detail = None;
    match (outcome.log, conclusion.log) {
        (Some(LogAnswer::Lines(lines)), Some(place)) if !lines.is_empty() => {
            let (pod, container) = (place.pod, place.container);
            let lines = lines.join("\n");
            detail = Some(format!("log of {pod}, container {container}:\n{lines}"));
        }
        (Some(LogAnswer::Denied(how)), _) => hints.extend(how),
        _ => {}
    }
    ApplicationReport {
        subject,
        facts: facts.into(),
        hints,
        notice: conclusion.notice,
        detail,
    }
}

/// Returns the facts of one application, without those that are empty.
fn facts(
    request: &Request,
    app: &ApplicationId,
    observation: &Observation,
    conclusion: &Conclusion,
) -> Map<String, Value> {
    let status = &observation.app.status;
    let revision = first_revision(request, &observation.app);
    let values = [
        ("name", app.name.clone()),
        ("revision", revision.unwrap_or_default()),
        ("sync", status.sync.status.clone()),
        ("health", status.health.status.clone()),
        ("image", conclusion.live_image.clone().unwrap_or_default()),
    ];
    values
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

/// Reports on all applications: the worst verdict decides.
///
/// # Errors
/// `usage` without an application.
pub(crate) fn report(
    request: &Request,
    applications: Vec<ApplicationReport>,
    waited: Duration,
) -> Result<Report, Failure> {
    let waited = waited.as_secs();
    let facts = Facts {
        apps: Some(applications.iter().map(|app| app.facts.clone()).collect()),
        commit: Some(request.commit.to_string()),
        waited: Some(waited),
    };
    let subjects: Vec<Subject> = applications.iter().map(|app| app.subject.clone()).collect();
    let mut report = Report::about(subjects)
        .ok_or_else(|| Failure::usage(anyhow::anyhow!("no application is named")))?;
    report.facts = facts.to_map();
    report.summary = summary(&report, &request.commit, waited);
    let mut details = Vec::new();
    for app in applications {
        add_new(&mut report.hints, app.hints);
        add_new(&mut report.notices, app.notice);
        details.extend(app.detail);
    }
    report.detail = Some(details.join("\n")).filter(|detail| !detail.is_empty());
    Ok(report)
}

fn summary(report: &Report, commit: &Commit, waited: u64) -> String {
    let worst = &report.summary;
    if report.verdict == Verdict::NotYet && waited > 0 {
        return format!("after {waited} s: {worst}");
    }
    if !report.verdict.is_good() {
        return worst.clone();
    }
    match report.subjects.as_slice() {
        [_] => format!("{worst}, after {waited} s"),
        several => {
            let names: Vec<&str> = several.iter().map(|app| app.name.as_str()).collect();
            let (names, commit) = (names.join(", "), commit.short());
            format!("{names} deployed {commit}, after {waited} s")
        }
    }
}

/// Adds lines that are not there yet: applications often have the same hints.
fn add_new(lines: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for line in more {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
}

//! The finished report: what all three reporters print, and the JSON itself.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Failure, Fault, Reason, Redactor, Report, Subject, Verdict, progress::Moment, reason::asking,
};

/// The report with everything that is known only at the end, redacted.
///
/// Its JSON is an interface (`"schema":1`): fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// Version of this shape.
    pub schema: u8,
    /// The step's name.
    pub step: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The process's exit code: the verdict's, unless `--accept` changed it.
    pub exit: u8,
    /// Why; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who or what has to change; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// One line for people.
    pub summary: String,
    /// What to do next.
    pub hints: Vec<String>,
    /// What was noticed and does not change the verdict.
    pub notices: Vec<String>,
    /// Whom it is about.
    pub subjects: Vec<SubjectDocument>,
    /// The facts.
    pub facts: Map<String, Value>,
    /// HTTP requests sent, redirects and retries included.
    pub requests: u64,
    /// Wall time of the run.
    pub elapsed_ms: u64,
    /// The exact command for a laptop, secrets as `$NAME`.
    pub reproduce: String,
    /// Printed on stdout by `--format plain`.
    #[serde(skip)]
    pub value: Option<String>,
    /// Several lines for people.
    #[serde(skip)]
    pub detail: Option<String>,
    /// What the run waited for, and since when.
    #[serde(skip)]
    pub timeline: Vec<Moment>,
}

/// A subject within a [`Document`].
#[derive(Debug, Clone, Serialize)]
pub struct SubjectDocument {
    /// What it is called.
    pub name: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who or what has to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// One line for people.
    pub summary: String,
    /// What is known about it.
    pub facts: Map<String, Value>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reported(Report),
    Failed(Failure),
    /// By a signal; carries its name.
    Interrupted(&'static str),
}

/// What is added to an outcome at the end.
#[derive(Debug, Default)]
pub(crate) struct Circumstances {
    pub(crate) step: String,
    pub(crate) accept: Vec<Verdict>,
    /// What was known before a failure or an interruption.
    pub(crate) known: Map<String, Value>,
    pub(crate) known_subjects: Vec<Subject>,
    pub(crate) notices: Vec<String>,
    pub(crate) timeline: Vec<Moment>,
    pub(crate) requests: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) reproduce: String,
}

impl Document {
    pub(crate) fn new(outcome: Outcome, around: Circumstances, redactor: &Redactor) -> Self {
        let report = match outcome {
            Outcome::Reported(report) => report,
            Outcome::Failed(failure) => failed(failure, &around),
            Outcome::Interrupted(signal) => interrupted(signal, &around),
        };
        let exit = exit_code(&report, &around.accept);
        let mut document = Self {
            schema: 1,
            step: around.step,
            verdict: report.verdict,
            exit,
            reason: report.reason.map(|reason| reason.word),
            fault: report.reason.map(|reason| reason.fault),
            summary: report.summary,
            hints: report.hints,
            notices: around.notices.into_iter().chain(report.notices).collect(),
            subjects: report
                .subjects
                .into_iter()
                .map(SubjectDocument::from)
                .collect(),
            facts: report.facts,
            requests: around.requests,
            elapsed_ms: around.elapsed_ms,
            reproduce: around.reproduce,
            value: report.value,
            detail: report.detail,
            timeline: around.timeline,
        };
        document.redact(redactor);
        document
    }

    /// Returns whether the process fails although the verdict was not accepted.
    pub(crate) fn is_good(&self) -> bool {
        self.exit == 0
    }

    fn redact(&mut self, redactor: &Redactor) {
        let texts = [&mut self.summary, &mut self.reproduce].into_iter();
        let lists = self.hints.iter_mut().chain(&mut self.notices);
        let optional = self.value.iter_mut().chain(&mut self.detail);
        let moments = self.timeline.iter_mut().map(|moment| &mut moment.text);
        for text in texts.chain(lists).chain(optional).chain(moments) {
            *text = redactor.apply(text);
        }
        for subject in &mut self.subjects {
            subject.name = redactor.apply(&subject.name);
            subject.summary = redactor.apply(&subject.summary);
            subject
                .facts
                .values_mut()
                .for_each(|value| redactor.apply_json(value));
        }
        self.facts
            .values_mut()
            .for_each(|value| redactor.apply_json(value));
    }
}

impl From<Subject> for SubjectDocument {
    fn from(subject: Subject) -> Self {
        Self {
            name: subject.name,
            verdict: subject.verdict,
            reason: subject.reason.map(|reason| reason.word),
            fault: subject.reason.map(|reason| reason.fault),
            summary: subject.summary,
            facts: subject.facts,
        }
    }
}

/// Subjects whose verdict is accepted are left out; the worst of the others decides, 0 if none is
/// left. What is known of the whole run counts beside its subjects, unless it is theirs.
fn exit_code(report: &Report, accept: &[Verdict]) -> u8 {
    let subjects = report.subjects.iter().map(|subject| subject.verdict);
    let own =
        (!report.subjects.iter().any(|s| s.verdict == report.verdict)).then_some(report.verdict);
    let left = subjects
        .chain(own)
        .filter(|verdict| !accept.contains(verdict));
    Verdict::worst(left).map_or(0, Verdict::exit)
}

fn failed(failure: Failure, around: &Circumstances) -> Report {
    let mut report = bare(failure.verdict, failure.reason, failure.summary(), around);
    report.hints = failure.hints;
    report
}

fn interrupted(signal: &str, around: &Circumstances) -> Report {
    let doing = around
        .timeline
        .last()
        .map(|moment| format!(", while waiting for {}", moment.text));
    let summary = format!("stopped by {signal}{}", doing.unwrap_or_default());
    bare(Verdict::Interrupted, asking::INTERRUPTED, summary, around)
}

fn bare(verdict: Verdict, reason: Reason, summary: String, around: &Circumstances) -> Report {
    let mut report = Report::refused(reason, summary);
    report.verdict = verdict;
    report.facts = around.known.clone();
    report.subjects = around.known_subjects.clone();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Reason = Reason::new("bad", Fault::Change, "bad");
    const OLD: Reason = Reason::new("old", Fault::Nobody, "old");

    fn exit(outcome: Outcome, accept: &[Verdict]) -> u8 {
        let around = Circumstances {
            accept: accept.to_vec(),
            ..Circumstances::default()
        };
        Document::new(outcome, around, &Redactor::default()).exit
    }

    fn two() -> Report {
        Report::about(vec![
            Subject::refused("a", BAD, "bad"),
            Subject::new("b", Verdict::Superseded, Some(OLD), "old"),
        ])
        .unwrap()
    }

    #[test]
    fn accepted_subjects_are_left_out_and_the_worst_of_the_others_decides() {
        assert_eq!(exit(Outcome::Reported(two()), &[]), 10);
        assert_eq!(exit(Outcome::Reported(two()), &[Verdict::Refused]), 12);
        assert_eq!(
            exit(
                Outcome::Reported(two()),
                &[Verdict::Refused, Verdict::Superseded]
            ),
            0
        );
    }

    #[test]
    fn an_accepted_verdict_stays_in_the_report() {
        let report = Report::superseded(OLD, "newer");
        let around = Circumstances {
            accept: vec![Verdict::Superseded],
            ..Circumstances::default()
        };
        let document = Document::new(Outcome::Reported(report), around, &Redactor::default());
        assert_eq!(
            (document.verdict, document.reason, document.exit),
            (Verdict::Superseded, Some("old"), 0)
        );
    }

    #[test]
    fn a_failure_is_not_hidden_by_subjects_that_passed() {
        let around = Circumstances {
            known_subjects: vec![Subject::passed("a", "fine")],
            ..Circumstances::default()
        };
        let failure = Failure::unavailable(asking::UNREACHABLE, anyhow::anyhow!("no route"));
        let document = Document::new(Outcome::Failed(failure), around, &Redactor::default());
        assert_eq!((document.exit, document.subjects.len()), (20, 1));
    }

    #[test]
    fn an_interrupted_run_is_130_whatever_its_subjects() {
        let around = Circumstances {
            known_subjects: vec![Subject::refused("a", BAD, "bad")],
            ..Circumstances::default()
        };
        let document = Document::new(
            Outcome::Interrupted("SIGTERM"),
            around,
            &Redactor::default(),
        );
        assert_eq!(
            (document.exit, document.verdict),
            (130, Verdict::Interrupted)
        );
    }

    #[test]
    fn no_secret_survives_in_any_field() {
        let redactor = Redactor::default();
        redactor.add("hunter2");
        let mut report = two()
            .hinted("hunter2")
            .noticed("hunter2")
            .with_value("hunter2")
            .with_detail("hunter2");
        report.summary = "hunter2".to_owned();
        report.subjects[0].summary = "hunter2".to_owned();
        report.facts.insert(
            "x".to_owned(),
            serde_json::json!(["hunter2", {"y": "hunter2"}]),
        );
        let document = Document::new(
            Outcome::Reported(report),
            Circumstances::default(),
            &redactor,
        );
        assert!(!format!("{document:?}").contains("hunter2"));
    }
}

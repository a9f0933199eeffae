//! The final report: all three reporters print it, and its JSON is an interface.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Failure, Fault, Reason, Redactor, Report, Subject, Verdict, asking, data::is_typed,
    known::KnownSoFar, run_context::RunContext, run_end::RunEnd, timeline::Moment,
};

/// The report, completed at the end of the run and redacted.
///
/// Its JSON is an interface (`"schema":1`): fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
pub struct FinalReport {
    /// Version of this shape.
    pub schema: u8,
    /// The step's name.
    pub step: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The process's exit code: the verdict's, unless `--accept` changed it.
    pub exit: u8,
    /// The reason; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who or what has to change; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// One line for people.
    pub summary: String,
    /// The next steps for a user, in the imperative.
    pub hints: Vec<String>,
    /// Observations that do not change the verdict.
    pub notices: Vec<String>,
    /// The subjects: apps, overlays, platforms.
    pub subjects: Vec<FinalSubject>,
    /// The facts.
    pub facts: Map<String, Value>,
    /// Number of HTTP requests sent, redirects and retries included.
    pub requests: u64,
    /// Wall time of the run.
    pub elapsed_ms: u64,
    /// The exact command that runs the step again on a laptop, secrets as `$NAME`.
    pub reproduce: String,
    /// Printed on stdout by `--format plain`.
    #[serde(skip)]
    pub value: Option<String>,
    /// Several lines for people, below the summary.
    #[serde(skip)]
    pub detail: Option<String>,
    /// The things for which the run waited, in order.
    #[serde(skip)]
    pub timeline: Vec<Moment>,
}

/// A subject of a [`FinalReport`].
#[derive(Debug, Clone, Serialize)]
pub struct FinalSubject {
    /// Its name.
    pub name: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The reason; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who or what has to change; absent for `passed` and `unchanged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// One line for people.
    pub summary: String,
    /// Its facts.
    pub facts: Map<String, Value>,
}

impl FinalReport {
    pub(crate) fn new(ended: RunEnd, context: RunContext, redactor: &Redactor) -> Self {
        let report = report(ended, &context);
        let notices = context.known.notices.into_iter().chain(report.notices);
        let mut report = Self {
            schema: 1,
            step: context.step,
            verdict: report.verdict,
            exit: exit_code(report.verdict, &report.subjects, &context.accept),
            reason: report.reason.map(|reason| reason.word),
            fault: report.reason.map(|reason| reason.fault),
            summary: report.summary,
            hints: report.hints,
            notices: notices.collect(),
            subjects: report.subjects.into_iter().map(Into::into).collect(),
            facts: report.facts,
            requests: context.requests,
            elapsed_ms: context.elapsed_ms,
            reproduce: context.reproduce,
            value: report.value,
            detail: report.detail,
            timeline: context.timeline,
        };
        report.redact(redactor);
        report
    }

    /// Returns whether the process exits with 0, because of its verdict or because of `--accept`.
    pub(crate) fn is_good(&self) -> bool {
        self.exit == 0
    }

    fn redact(&mut self, redactor: &Redactor) {
        let texts = [&mut self.summary, &mut self.reproduce].into_iter();
        let lists = self.hints.iter_mut().chain(&mut self.notices);
        let detail = self.detail.iter_mut();
        let moments = self.timeline.iter_mut().map(|moment| &mut moment.text);
        for text in texts.chain(lists).chain(detail).chain(moments) {
            *text = redactor.apply(text);
        }
        for subject in &mut self.subjects {
            subject.name = redactor.apply_data(&subject.name, is_typed);
            subject.summary = redactor.apply(&subject.summary);
        }
        let masked = self.redact_data(redactor);
        if self.is_good() && !masked.is_empty() {
            self.spoiled(&masked);
        }
    }

    /// Redacts what later steps read, and returns the names of what a secret was a word of.
    fn redact_data(&mut self, redactor: &Redactor) -> BTreeSet<String> {
        let mut masked = BTreeSet::new();
        if let Some(value) = &mut self.value {
            let shown = redactor.apply_data(value, is_typed);
            if *value != shown {
                masked.insert("stdout".to_owned());
            }
            *value = shown;
        }
        let subjects = self.subjects.iter_mut().map(|subject| &mut subject.facts);
        for facts in subjects.chain([&mut self.facts]) {
            for (name, value) in facts {
                let before = value.clone();
                redactor.apply_data_json(value, is_typed);
                if *value != before {
                    masked.insert(name.clone());
                }
            }
        }
        masked
    }

    /// Makes the run an error: later steps cannot use its outputs.
    fn spoiled(&mut self, masked: &BTreeSet<String>) {
        let names: Vec<&str> = masked.iter().map(String::as_str).collect();
        let reason = asking::INVALID_USAGE;
        self.verdict = Verdict::Usage;
        self.exit = Verdict::Usage.exit();
        (self.reason, self.fault) = (Some(reason.word), Some(reason.fault));
        self.summary = format!(
            "{}; but a secret is a word of `{}`, and later steps would get `***`",
            self.summary,
            names.join("`, `")
        );
        self.hints.push(SECRET_IS_A_NAME.to_owned());
    }
}

/// The hint of a run whose outputs a secret spoils.
const SECRET_IS_A_NAME: &str = "choose a secret that is no name, branch or version";

impl From<Subject> for FinalSubject {
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

/// Returns the exit code of the worst verdict that is not accepted, 0 if none is left. The verdict
/// of the run counts as well, unless it is that of a subject.
fn exit_code(verdict: Verdict, subjects: &[Subject], accept: &[Verdict]) -> u8 {
    let mut verdicts: Vec<Verdict> = subjects.iter().map(|subject| subject.verdict).collect();
    if !verdicts.contains(&verdict) {
        verdicts.push(verdict);
    }
    verdicts.retain(|verdict| !accept.contains(verdict));
    Verdict::worst(verdicts).map_or(0, Verdict::exit)
}

fn report(ended: RunEnd, context: &RunContext) -> Report {
    match ended {
        RunEnd::Reported(report) => report,
        RunEnd::Failed(failure) => failed(failure, &context.known),
        RunEnd::Interrupted(signal) => interrupted(signal, context),
    }
}

fn failed(failure: Failure, known: &KnownSoFar) -> Report {
    let summary = failure.summary();
    let mut report = without_answer(failure.verdict, failure.reason, summary, known);
    report.hints = failure.hints;
    report
}

fn interrupted(signal: &str, context: &RunContext) -> Report {
    let mut summary = format!("stopped by {signal}");
    if let Some(moment) = context.timeline.last() {
        summary.push_str(&format!(", while waiting for {}", moment.text));
    }
    let (verdict, reason) = (Verdict::Interrupted, asking::INTERRUPTED);
    without_answer(verdict, reason, summary, &context.known)
}

/// Makes the report of a run without an answer, with what it had found out until then.
fn without_answer(verdict: Verdict, reason: Reason, summary: String, known: &KnownSoFar) -> Report {
    let mut report = Report::refused(reason, summary);
    report.verdict = verdict;
    report.facts = known.facts.clone();
    report.subjects = known.subjects.clone();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Reason = Reason::new("bad", Fault::Change, "bad");
    const OLD: Reason = Reason::new("old", Fault::Nobody, "old");

    fn exit(ended: RunEnd, accept: &[Verdict]) -> u8 {
        let context = RunContext {
            accept: accept.to_vec(),
            ..RunContext::default()
        };
        FinalReport::new(ended, context, &Redactor::default()).exit
    }

    fn two() -> Report {
        Report::about(vec![
            Subject::refused("a", BAD, "bad"),
            Subject::new("b", Verdict::Superseded, Some(OLD), "old"),
        ])
        .unwrap()
    }

    fn known(subject: Subject) -> KnownSoFar {
        KnownSoFar {
            subjects: vec![subject],
            ..KnownSoFar::default()
        }
    }

    #[test]
    fn the_worst_subject_that_is_not_accepted_decides() {
        assert_eq!(exit(RunEnd::Reported(two()), &[]), 10);
        assert_eq!(exit(RunEnd::Reported(two()), &[Verdict::Refused]), 12);
        assert_eq!(
            exit(
                RunEnd::Reported(two()),
                &[Verdict::Refused, Verdict::Superseded]
            ),
            0
        );
    }

    #[test]
    fn an_accepted_verdict_stays_in_the_report() {
        let report = Report::superseded(OLD, "newer");
        let context = RunContext {
            accept: vec![Verdict::Superseded],
            ..RunContext::default()
        };
        let report = FinalReport::new(RunEnd::Reported(report), context, &Redactor::default());
        assert_eq!(
            (report.verdict, report.reason, report.exit),
            (Verdict::Superseded, Some("old"), 0)
        );
    }

    #[test]
    fn subjects_that_passed_do_not_hide_a_failure() {
        let context = RunContext {
            known: known(Subject::passed("a", "fine")),
            ..RunContext::default()
        };
        let failure = Failure::unavailable(asking::UNREACHABLE, anyhow::anyhow!("no route"));
        let report = FinalReport::new(RunEnd::Failed(failure), context, &Redactor::default());
        assert_eq!((report.exit, report.subjects.len()), (20, 1));
    }

    #[test]
    fn an_interrupted_run_always_exits_with_130() {
        let context = RunContext {
            known: known(Subject::refused("a", BAD, "bad")),
            ..RunContext::default()
        };
        let report = FinalReport::new(
            RunEnd::Interrupted("SIGTERM"),
            context,
            &Redactor::default(),
        );
        assert_eq!((report.exit, report.verdict), (130, Verdict::Interrupted));
    }

    #[test]
    fn no_secret_survives_in_any_field() {
        let redactor = Redactor::default();
        redactor.add("hunter2");
        let mut report = two()
            .hinted("hunter2")
            .with_value("hunter2")
            .with_detail("hunter2");
        report.notices.push("hunter2".to_owned());
        report.summary = "hunter2".to_owned();
        report.subjects[0].summary = "hunter2".to_owned();
        report.facts.insert(
            "x".to_owned(),
            serde_json::json!(["hunter2", {"y": "hunter2"}]),
        );
        let report = FinalReport::new(RunEnd::Reported(report), RunContext::default(), &redactor);
        assert!(!format!("{report:?}").contains("hunter2"));
    }

    #[test]
    fn no_run_passes_with_a_masked_output() {
        let redactor = Redactor::default();
        redactor.add("linux");
        redactor.add("main");
        let mut report = Report::passed("linux is there");
        let facts = serde_json::json!({ "platforms": ["linux/amd64"], "branch": "main" });
        report.facts = facts.as_object().unwrap().clone();
        let report = FinalReport::new(RunEnd::Reported(report), RunContext::default(), &redactor);
        assert_eq!(report.facts["platforms"], facts["platforms"]);
        assert_eq!(report.facts["branch"], "***");
        assert_eq!((report.verdict, report.exit), (Verdict::Usage, 2));
        assert_eq!(
            report.summary,
            "*** is there; but a secret is a word of `branch`, and later steps would get `***`"
        );
    }

    #[test]
    fn digests_and_references_are_never_masked() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = format!("ghcr.io/acme/app:v1@{digest}");
        let redactor = Redactor::default();
        redactor.add("acme");
        for chosen_by_a_server in ["sha256", &digest, &image] {
            redactor.add_foreign(chosen_by_a_server);
        }
        let mut report = Report::passed(format!("{image} by acme")).with_value(&image);
        let facts = serde_json::json!({ "image": image, "digests": [{ "digest": digest }] });
        report.facts = facts.as_object().unwrap().clone();
        let (facts, value) = (report.facts.clone(), report.value.clone());
        let report = FinalReport::new(RunEnd::Reported(report), RunContext::default(), &redactor);
        assert_eq!((report.facts, report.value), (facts, value));
        assert!(report.summary.ends_with(" by ***"), "{}", report.summary);
    }
}

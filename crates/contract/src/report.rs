//! The answer of a step: a verdict, its reason, and the subjects.

use serde_json::{Map, Value};

use crate::{Facts, Reason, Verdict};

/// The answer of a step. "No" is an answer; a step without an answer returns a
/// [`Failure`](crate::Failure).
#[derive(Debug, Clone)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, for every verdict except `passed` and `unchanged`.
    pub reason: Option<Reason>,
    /// One line for people: the finding and its place.
    pub summary: String,
    /// The next steps for a user, in the imperative, with the exact flag, permission or setting.
    pub hints: Vec<String>,
    /// Observations that do not change the verdict.
    pub notices: Vec<String>,
    /// The subjects, when there are several: apps, overlays, platforms.
    pub subjects: Vec<Subject>,
    /// The facts, as they go into outputs and JSON.
    pub facts: Map<String, Value>,
    /// The one value that people pipe; printed on stdout by `--format plain`.
    pub value: Option<String>,
    /// Several lines for people, such as a diff; shown below the summary.
    pub detail: Option<String>,
}

/// One of several things that a step checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The name of an app, an overlay, a platform.
    pub name: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The reason, for every verdict except `passed` and `unchanged`.
    pub reason: Option<Reason>,
    /// One line for people.
    pub summary: String,
    /// Its facts.
    pub facts: Map<String, Value>,
}

impl Report {
    /// The verdict `passed`, which needs no reason.
    pub fn passed(summary: impl Into<String>) -> Self {
        Self::new(Verdict::Passed, None, summary)
    }

    /// The verdict `unchanged`, which needs no reason.
    pub fn unchanged(summary: impl Into<String>) -> Self {
        Self::new(Verdict::Unchanged, None, summary)
    }

    /// The answer is no.
    pub fn refused(reason: Reason, summary: impl Into<String>) -> Self {
        Self::new(Verdict::Refused, Some(reason), summary)
    }

    /// The timeout came first; the summary tells the last state.
    pub fn not_yet(reason: Reason, summary: impl Into<String>) -> Self {
        Self::new(Verdict::NotYet, Some(reason), summary)
    }

    /// Something newer took over.
    pub fn superseded(reason: Reason, summary: impl Into<String>) -> Self {
        Self::new(Verdict::Superseded, Some(reason), summary)
    }

    fn new(verdict: Verdict, reason: Option<Reason>, summary: impl Into<String>) -> Self {
        Self {
            verdict,
            reason,
            summary: summary.into(),
            hints: Vec::new(),
            notices: Vec::new(),
            subjects: Vec::new(),
            facts: Map::new(),
            value: None,
            detail: None,
        }
    }

    /// A report about several subjects, with verdict and reason of the worst; the first of several
    /// counts. `None` without subjects, since an empty list is not a pass.
    pub fn about(subjects: Vec<Subject>) -> Option<Self> {
        let verdict = Verdict::worst(subjects.iter().map(|subject| subject.verdict))?;
        let worst = subjects.iter().find(|subject| subject.verdict == verdict)?;
        let mut report = Self::new(verdict, worst.reason, worst.summary.clone());
        report.subjects = subjects;
        Some(report)
    }

    /// Adds a hint.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets the facts.
    #[must_use]
    pub fn with_facts<F: Facts>(mut self, facts: &F) -> Self {
        self.facts = facts.to_map();
        self
    }

    /// Sets the value for stdout.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Sets the lines below the summary.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl Subject {
    /// A subject for which the answer is yes.
    pub fn passed(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(name, Verdict::Passed, None, summary)
    }

    /// A subject on which there was nothing to do.
    pub fn unchanged(name: impl Into<String>, summary: impl Into<String>) -> Self {
        Self::new(name, Verdict::Unchanged, None, summary)
    }

    /// A subject for which the answer is no.
    pub fn refused(name: impl Into<String>, reason: Reason, summary: impl Into<String>) -> Self {
        Self::new(name, Verdict::Refused, Some(reason), summary)
    }

    /// A subject with any verdict; every verdict except `passed` and `unchanged` needs a reason.
    pub fn new(
        name: impl Into<String>,
        verdict: Verdict,
        reason: Option<Reason>,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            verdict,
            reason,
            summary: summary.into(),
            facts: Map::new(),
        }
    }

    /// Adds one fact.
    #[must_use]
    pub fn with_fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    const BAD: Reason = Reason::new("bad", Fault::Change, "bad");
    const OLD: Reason = Reason::new("old", Fault::Nobody, "old");

    #[test]
    fn the_first_worst_subject_gives_verdict_and_reason() {
        let report = Report::about(vec![
            Subject::passed("a", "fine"),
            Subject::new("b", Verdict::Superseded, Some(OLD), "newer"),
            Subject::refused("c", BAD, "c is bad"),
            Subject::refused("d", OLD, "d is bad"),
        ])
        .unwrap();
        assert_eq!(
            (report.verdict, report.reason),
            (Verdict::Refused, Some(BAD))
        );
        assert_eq!(report.summary, "c is bad");
    }

    #[test]
    fn no_subjects_make_no_report() {
        assert!(Report::about(Vec::new()).is_none());
    }
}

//! What people and programs get to read.

use std::{cell::RefCell, collections::BTreeMap};

use argocd::ApplicationId;
use contract::{Facts as _, Failure, Reason, Report, Subject, Verdict, World};
use serde_json::{Map, Value, json};

use crate::{Facts, follow::Followed, judge::short, wanted::Wanted};

/// How it stands with each application: those that wait in one line, all of them for a run that ends early.
pub(crate) struct Progress<'w> {
    world: &'w World,
    subjects: RefCell<BTreeMap<String, (Subject, Option<String>)>>,
}

impl<'w> Progress<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self {
            world,
            subjects: RefCell::default(),
        }
    }

    /// Says the state of one of them.
    pub(crate) fn say(&self, app: &str, reason: Reason, state: &str) {
        let subject = Subject::new(app, Verdict::NotYet, Some(reason), format!("{app} {state}"));
        self.learn(subject, Some(state));
        let subjects = self.subjects.borrow();
        let all = subjects
            .iter()
            .filter_map(|(app, (_, state))| Some(format!("{app}: {}", state.as_ref()?)));
        self.world.waiting_for(all.collect::<Vec<_>>().join("; "));
    }

    /// One of them is decided.
    pub(crate) fn done(&self, part: &Part) {
        self.learn(part.subject.clone(), None);
    }

    fn learn(&self, subject: Subject, state: Option<&str>) {
        let mut subjects = self.subjects.borrow_mut();
        subjects.insert(subject.name.clone(), (subject, state.map(str::to_owned)));
        let all: Vec<Subject> = subjects
            .values()
            .map(|(subject, _)| subject.clone())
            .collect();
        self.world.learn_subjects(&all);
    }
}

/// One application's part of the report.
pub(crate) struct Part {
    subject: Subject,
    object: Value,
    hints: Vec<String>,
    detail: Option<String>,
}

impl Part {
    /// What became of an application.
    pub(crate) fn of(
        app: &ApplicationId,
        wanted: &Wanted,
        result: Result<Followed, Failure>,
    ) -> Result<Self, Failure> {
        match result {
            Ok(followed) => Ok(Self::followed(app, wanted, followed)),
            // Our own mistakes are nobody's verdict.
            Err(failure) if matches!(failure.verdict, Verdict::Internal | Verdict::Usage) => {
                Err(failure)
            }
            Err(failure) => {
                let summary = format!("{}: {}", app.name, failure.summary());
                let subject =
                    Subject::new(&app.name, failure.verdict, Some(failure.reason), summary);
                let object = json!({ "name": app.name });
                Ok(Self {
                    subject,
                    object,
                    hints: failure.hints,
                    detail: None,
                })
            }
        }
    }

    fn followed(app: &ApplicationId, wanted: &Wanted, followed: Followed) -> Self {
        let Followed {
            known,
            ending,
            image,
        } = followed;
        let status = &known.app.status;
        let revision = known.revisions(wanted).into_iter().next();
        let mut object = Map::new();
        let values = [
            ("name", Some(app.name.clone())),
            ("revision", revision),
            ("sync", Some(status.sync.status.clone())),
            ("health", Some(status.health.status.clone())),
            ("image", image),
        ];
        for (name, value) in values {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                object.insert(name.to_owned(), value.into());
            }
        }
        let summary = match object.get("image").and_then(Value::as_str) {
            Some(image) if ending.verdict.is_good() => {
                format!("{} {}, live {image}", app.name, ending.state)
            }
            _ => format!("{} {}", app.name, ending.state),
        };
        let mut subject = Subject::new(&app.name, ending.verdict, ending.reason, summary);
        subject.facts = object.clone();
        Self {
            subject,
            object: object.into(),
            hints: ending.hints,
            detail: ending.detail,
        }
    }
}

/// Puts the parts together: the worst decides.
pub(crate) fn report(parts: Vec<Part>, wanted: &Wanted, world: &World) -> Result<Report, Failure> {
    let waited = world.deadline().elapsed().as_secs();
    let facts = Facts {
        apps: Some(parts.iter().map(|part| part.object.clone()).collect()),
        commit: Some(wanted.commit.to_string()),
        waited: Some(waited),
    };
    let subjects: Vec<Subject> = parts.iter().map(|part| part.subject.clone()).collect();
    let names: Vec<String> = subjects
        .iter()
        .map(|subject| subject.name.clone())
        .collect();
    let mut report = Report::about(subjects)
        .ok_or_else(|| Failure::usage(anyhow::anyhow!("no application was named")))?;
    report.facts = facts.to_map();
    if report.verdict.is_good() && names.len() > 1 {
        let commit = short(wanted.commit.as_str()).to_owned();
        report.summary = format!("{} deployed {commit}", names.join(", "));
    }
    if report.verdict.is_good() {
        report.summary = format!("{}, after {waited} s", report.summary);
    } else if report.verdict == Verdict::NotYet && waited > 0 {
        report.summary = format!("after {waited} s: {}", report.summary);
    }
    for hint in parts.iter().flat_map(|part| &part.hints) {
        if !report.hints.contains(hint) {
            report.hints.push(hint.clone());
        }
    }
    let details: Vec<String> = parts.into_iter().filter_map(|part| part.detail).collect();
    report.detail = Some(details.join("\n")).filter(|detail| !detail.is_empty());
    Ok(report)
}

//! Shows the states of the applications while the step waits.

use std::{cell::RefCell, collections::BTreeMap};

use contract::{Reason, Subject, Verdict, World};

/// The states of all applications: the line for people, and the subjects for a run that ends early.
pub(crate) struct ApplicationProgress<'w> {
    world: &'w World,
    /// By name; with the text of those that are still waited for.
    subjects: RefCell<BTreeMap<String, (Subject, Option<String>)>>,
}

impl<'w> ApplicationProgress<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self {
            world,
            subjects: RefCell::default(),
        }
    }

    /// Shows the state of an application that is not as requested yet.
    pub(crate) fn waits(&self, app: &str, reason: Reason, state: &str) {
        let subject = Subject::new(app, Verdict::NotYet, Some(reason), format!("{app} {state}"));
        self.learn(subject, Some(state));
        let subjects = self.subjects.borrow();
        let all = subjects
            .iter()
            .filter_map(|(app, (_, state))| Some(format!("{app}: {}", state.as_ref()?)));
        self.world
            .waiting_for(all.collect::<Vec<String>>().join("; "));
    }

    /// Takes in the verdict on an application.
    pub(crate) fn finished(&self, subject: &Subject) {
        self.learn(subject.clone(), None);
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

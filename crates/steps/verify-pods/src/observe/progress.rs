//! Tells the user what the step waits for, and keeps the state for an interrupted run.

use std::{collections::BTreeSet, time::Duration};

use contract::World;

use crate::{Request, judge::Judgement, report};

/// How often to repeat the same reasons with other numbers.
const REPEAT_INTERVAL: Duration = Duration::from_secs(3);

/// The news that the user has so far.
#[derive(Debug, Default)]
pub(super) struct WaitProgress {
    /// The warnings; the same warning about many pods is given once.
    warned: BTreeSet<String>,
    /// The last reasons, and when they were told.
    awaited: Option<(Duration, Vec<String>)>,
}

impl WaitProgress {
    /// Passes on the new warnings of a judgement.
    pub(super) fn warn(&mut self, judgement: &Judgement, world: &World) {
        for warning in judgement.warnings() {
            if self.warned.insert(warning.about_workload()) {
                world.notice(&warning.text);
            }
        }
    }

    /// Tells what the step waits for: at once when the reasons change, now and then while only
    /// numbers change.
    pub(super) fn tell(&mut self, request: &Request, judgement: &Judgement, world: &World) {
        world.learn_subjects(&report::subjects(judgement));
        world.learn(&report::facts(request, judgement));
        let (reasons, now) = (judgement.awaited_reasons(), judgement.at);
        let is_repeated = self
            .awaited
            .as_ref()
            .is_some_and(|(at, last)| *last == reasons && now < *at + REPEAT_INTERVAL);
        if !is_repeated {
            self.awaited = Some((now, reasons));
            world.waiting_for(report::awaited(request, judgement));
        }
    }
}

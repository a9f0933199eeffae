//! The texts of an application: what programs said, as opposed to names and revisions.

use super::{Application, HealthStatus};

impl Application {
    /// Returns every text that may quote something from outside.
    pub(crate) fn texts(&mut self) -> Vec<&mut String> {
        let status = &mut self.status;
        let mut texts = vec![&mut status.health.message];
        texts.extend(status.conditions.iter_mut().map(|one| &mut one.message));
        let resources = status.resources.iter_mut();
        let health = resources.filter_map(|resource| resource.health.as_mut());
        texts.extend(health.map(HealthStatus::text));
        if let Some(state) = &mut status.operation_state {
            texts.push(&mut state.message);
            let results = state.sync_result.iter_mut();
            let results = results.flat_map(|result| &mut result.resources);
            texts.extend(results.map(|result| &mut result.message));
        }
        if let Some(hydrator) = &mut status.source_hydrator {
            let operations = hydrator.current_operation.iter_mut();
            texts.extend(operations.map(|operation| &mut operation.message));
        }
        texts
    }
}

impl HealthStatus {
    /// Returns its only text from outside.
    pub(crate) fn text(&mut self) -> &mut String {
        &mut self.message
    }
}

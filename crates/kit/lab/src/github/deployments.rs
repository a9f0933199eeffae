//! Deployments to environments, and their statuses.

use serde_json::Value;

use super::deployment::{StoredDeployment, StoredStatus};
use super::hub::Hub;

impl Hub {
    /// Records a deployment with its statuses, each a second after the previous one.
    pub(super) fn deploy(
        &mut self,
        creator: &str,
        environment: &str,
        payload: &Value,
        states: &[&str],
    ) {
        let created = self.tick();
        let (environment, payload) = (environment.to_owned(), payload.to_string());
        self.deployments.push(StoredDeployment {
            environment,
            payload,
            created,
            creator: creator.to_owned(),
            statuses: Vec::new(),
        });
        for state in states {
            self.add_status(self.deployments.len() - 1, state);
        }
    }

    /// Adds a status to a deployment; a success makes earlier deployments inactive.
    pub(super) fn add_status(&mut self, at: usize, state: &str) {
        let created = self.tick();
        let creator = self.deployments[at].creator.clone();
        let status = |state: &str| StoredStatus {
            state: state.to_ascii_uppercase(),
            created: created.clone(),
            creator: creator.clone(),
        };
        self.deployments[at].statuses.insert(0, status(state));
        if state == "success" {
            let (before, rest) = self.deployments.split_at_mut(at);
            let same = |other: &&mut StoredDeployment| other.environment == rest[0].environment;
            let successful = |other: &&mut StoredDeployment| {
                other
                    .statuses
                    .first()
                    .is_some_and(|status| status.state == "SUCCESS")
            };
            for other in before.iter_mut().filter(same).filter(successful) {
                other.statuses.insert(0, status("inactive"));
            }
        }
    }

    /// Returns the deployments to these environments, newest first.
    pub(super) fn deployments_to(&self, environments: &Value) -> Vec<StoredDeployment> {
        let is_one = |name: &str| {
            environments
                .as_array()
                .is_none_or(|all| all.iter().any(|one| one == name))
        };
        self.deployments
            .iter()
            .rev()
            .filter(|deployment| is_one(&deployment.environment))
            .cloned()
            .collect()
    }

    /// Returns the next second, as GraphQL writes times.
    fn tick(&mut self) -> String {
        self.seconds += 1;
        let (hours, minutes, seconds) = (
            self.seconds / 3600,
            self.seconds / 60 % 60,
            self.seconds % 60,
        );
        format!("2025-01-01T{hours:02}:{minutes:02}:{seconds:02}Z")
    }
}

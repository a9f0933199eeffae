//! An account of Kubernetes, with exactly the permissions that a test grants.

use std::path::PathBuf;

use serde_json::{Value, json};

/// A service account of one namespace.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// A token for two hours.
    pub token: String,
    /// A token that was good until an hour ago.
    pub expired: String,
    /// A kubeconfig with the good token, for `KUBECONFIG`.
    pub kubeconfig: PathBuf,
}

/// One rule of a Role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRule {
    /// The group; the core's is empty.
    pub group: String,
    /// `pods`, `pods/log`, `deployments`.
    pub resources: Vec<String>,
    /// `get`, `list`, `watch`, `patch`.
    pub verbs: Vec<String>,
}

impl AccountRule {
    /// Describes a rule, with commas between names: `AccountRule::new("apps", "deployments", "get,list")`.
    #[must_use]
    pub fn new(group: &str, resources: &str, verbs: &str) -> Self {
        let all = |names: &str| {
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect()
        };
        Self {
            group: group.to_owned(),
            resources: all(resources),
            verbs: all(verbs),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs })
    }
}

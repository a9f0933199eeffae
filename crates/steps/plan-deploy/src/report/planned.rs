//! One environment of the plan, as a workflow reads it.

use environments::{Check, Environment};
use serde::Serialize;

/// One environment of the plan, as a workflow reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedEnvironment {
    /// Its name.
    pub name: String,
    /// The branch whose overlay is written.
    pub branch: String,
    /// The folder of its kustomization.
    pub overlay: String,
    /// Its Argo CD application.
    pub app: String,
    /// Its namespace.
    pub namespace: String,
    /// The workload that runs the image, `kind/name`.
    pub workload: String,
    /// The checks before a deployment: `ci`, `image`, `alerts`, `approval`.
    pub checks: Vec<&'static str>,
    /// How long all pods have to stay ready, as `60s`, where the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<String>,
    /// How long the deployment may take, as `1200s`, where the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

impl From<&Environment> for PlannedEnvironment {
    fn from(environment: &Environment) -> Self {
        let seconds = |duration: std::time::Duration| format!("{}s", duration.as_secs());
        Self {
            name: environment.name.clone(),
            branch: environment.branch.to_string(),
            overlay: environment.overlay.clone(),
            app: environment.app.clone(),
            namespace: environment.namespace.clone(),
            workload: environment.workload.clone(),
            checks: environment
                .checks
                .iter()
                .copied()
                .map(Check::word)
                .collect(),
            soak: environment.soak.map(seconds),
            timeout: environment.timeout.map(seconds),
        }
    }
}

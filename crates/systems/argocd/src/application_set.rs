//! The ApplicationSet that generates an application: only what decides when it syncs.

use contract::Failure;
use serde::Deserialize;

use crate::{
    answer::Presence, application::or_default, client::RequiredPermission, id::ApplicationId,
    server::ArgoCd,
};

/// Reads an ApplicationSet.
const GET_SET: RequiredPermission = RequiredPermission {
    resource: "applicationsets",
    action: "get",
};

/// An ApplicationSet (`argoproj.io/v1alpha1`).
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct ApplicationSet {
    #[serde(deserialize_with = "or_default")]
    spec: ApplicationSetSpec,
    #[serde(deserialize_with = "or_default")]
    status: ApplicationSetStatus,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct ApplicationSetSpec {
    #[serde(deserialize_with = "or_default")]
    strategy: ApplicationSetStrategy,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
struct ApplicationSetStrategy {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApplicationSetStatus {
    #[serde(deserialize_with = "or_default")]
    application_status: Vec<GeneratedApplication>,
}

/// The progress of one application of an ApplicationSet.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct GeneratedApplication {
    /// The application's name.
    pub application: String,
    /// `Waiting`, `Pending`, `Progressing`, `Healthy`.
    pub status: String,
    /// The step in which it syncs.
    pub step: String,
}

impl ApplicationSet {
    /// Returns whether it starts the syncs of its applications itself, one step after the other.
    pub fn is_rolling(&self) -> bool {
        self.spec.strategy.kind == "RollingSync"
    }

    /// Returns the progress of an application.
    pub fn progress(&self, app: &str) -> Option<&GeneratedApplication> {
        let mut all = self.status.application_status.iter();
        all.find(|progress| progress.application == app)
    }
}

impl ArgoCd<'_> {
    /// Gets the ApplicationSet that generates an application; `None` when the server does not show
    /// it, since the token may lack that permission.
    ///
    /// # Errors
    /// `unavailable` without an answer.
    pub async fn application_set(
        &self,
        app: &ApplicationId,
        name: &str,
    ) -> Result<Option<ApplicationSet>, Failure> {
        // The name stands in the application, whose owners need not be what they claim.
        if !is_name(name) {
            return Ok(None);
        }
        let path = format!("api/v1/applicationsets/{name}");
        let namespace = app.namespace.as_deref();
        let query = namespace.map(|namespace| ("appsetNamespace", namespace));
        match self.client.get(app, &path, query.as_slice(), GET_SET).await {
            Ok(Presence::Present(answer)) => {
                let set = answer.json().map_err(|error| self.client.explain(error))?;
                Ok(Some(set))
            }
            Ok(Presence::Absent(_)) => Ok(None),
            Err(failure) if failure.verdict == contract::Verdict::Denied => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Returns whether Kubernetes allows a name, which is then safe within an address.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_set_leads_to_no_other_address() {
        assert!(is_name("dex") && is_name("dex-2.prod"));
        for name in [
            "",
            ".",
            "..",
            "../applications/x",
            "a/b",
            "a?b",
            "a%2fb",
            "A",
            "-a",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}

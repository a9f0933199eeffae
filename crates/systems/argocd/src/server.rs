//! A server, and the requests about an application as a whole.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{Failure, World, asking};
use fetch::{FetchError, HttpAnswer};
use serde_json::{Value, json};

use crate::{
    answer::Presence,
    application::Application,
    client::{ArgoClient, GET, MAX_MESSAGE},
    id::ApplicationId,
    options::ArgoOptions,
};

/// How Argo CD compares an application again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// With the current state of the branch.
    Normal,
    /// The same, without the manifests that it rendered before.
    Hard,
}

/// A server.
pub struct ArgoCd<'w> {
    world: &'w World,
    pub(crate) client: ArgoClient<'w>,
}

impl<'w> ArgoCd<'w> {
    /// Prepares a client; this sends nothing.
    pub fn new(world: &'w World, options: ArgoOptions) -> Self {
        Self {
            world,
            client: ArgoClient::new(world, options),
        }
    }

    /// Gets an application as Kubernetes has it now: never older than an event of a stream.
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn application(&self, app: &ApplicationId) -> Result<Presence<Application>, Failure> {
        self.application_with(app, &[]).await
    }

    /// Has Argo CD compare an application again, and returns it afterwards; this takes as long as
    /// the comparison. Argo CD may swallow a request that comes during another comparison
    /// (argo-cd#28392).
    ///
    /// # Errors
    /// `unavailable` without an answer, `denied` when the server does not accept the token.
    pub async fn refresh(
        &self,
        app: &ApplicationId,
        how: Refresh,
    ) -> Result<Presence<Application>, Failure> {
        let how = match how {
            Refresh::Normal => "normal",
            Refresh::Hard => "hard",
        };
        self.application_with(app, &[("refresh", how)]).await
    }

    async fn application_with(
        &self,
        app: &ApplicationId,
        query: &[(&str, &str)],
    ) -> Result<Presence<Application>, Failure> {
        let path = format!("api/v1/applications/{}", app.name);
        Ok(match self.client.get(app, &path, query, GET).await? {
            Presence::Present(answer) => Presence::Present(self.parse(app, &answer)?),
            Presence::Absent(message) => Presence::Absent(message),
        })
    }

    fn parse(&self, app: &ApplicationId, answer: &HttpAnswer) -> Result<Application, Failure> {
        let application: Application = answer.json().map_err(|error| self.client.explain(error))?;
        if application.metadata.name == app.name {
            return Ok(self.redacted(application));
        }
        let text = format!(
            "{} answered with something that is not `{}`",
            answer.source(),
            app.name
        );
        Err(self
            .client
            .explain(FetchError::new(asking::NOT_THE_API, text)))
    }

    /// Redacts what programs said in an application, before anything cuts or folds it.
    pub(crate) fn redacted(&self, mut application: Application) -> Application {
        self.redact(application.texts());
        application
    }

    /// Returns the beginning of a message of the server, redacted before it is cut.
    pub(crate) fn excerpt(&self, message: &str) -> String {
        self.world.excerpt(message, MAX_MESSAGE)
    }

    pub(crate) fn redact(&self, texts: Vec<&mut String>) {
        for text in texts {
            self.world.redact_in_place(text);
        }
    }

    /// Returns when the token expires, if the token says so: a server checks it only when a stream
    /// opens.
    ///
    /// # Errors
    /// `internal` when a recording has no such answer.
    pub async fn token_expiry(&self) -> Result<Option<SystemTime>, Failure> {
        let live = |_| async {
            let token = self.client.token.as_ref()?;
            expiry(token.expose())
        };
        // Recordings know the question by this name.
        let request = json!({ "operation": "token-ends" });
        let seconds: Option<u64> = self.world.exchange("argocd", &request, live).await?;
        Ok(seconds
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))))
    }
}

/// Reads `exp` of a JSON Web Token (RFC 7519, 4.1.4).
fn expiry(token: &str) -> Option<u64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&claims).ok()?["exp"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_expires() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1790000000}"#);
        assert_eq!(expiry(&format!("e30.{claims}.x")), Some(1_790_000_000));
        assert_eq!((expiry("opaque"), expiry("e30.e30.x")), (None, None));
    }
}

//! An Argo CD server: applications, their events, their resources, and its ways of saying no.
//!
//! "It is not there" ([`Found::Absent`]) is only what Argo CD itself says in its own JSON, which it
//! does when it is asked with the application's project; without one it answers 403 for what is
//! missing and for what is forbidden alike.

mod address;
mod application;
mod client;
mod events;
mod resources;

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{Failure, World};
use serde_json::{Value, json};

use self::client::{Client, GET};
pub use self::{
    address::{InvalidServer, Server},
    application::{
        Application, Automated, Condition, Health, Metadata, Operation, OperationState, Resource,
        ResourceResult, Source, Spec, Status, Sync, SyncOperation, SyncPolicy, SyncResult,
    },
    client::{Found, Options},
    events::{Event, Events},
    resources::{Info, Node, Parent, Tree, Window, Windows},
};

/// How long a stream may be silent: it has a sign of life every 15 s (argoproj/pkg,
/// `grpc/http/forwarders.go`, `keepalive`), so that two of them are missing.
const IDLE: Duration = Duration::from_secs(35);

/// Which application is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Its project, if it is known.
    pub project: Option<String>,
    /// Its namespace, if it is not Argo CD's own.
    pub namespace: Option<String>,
}

/// How an application is compared anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// With what the branch is now.
    Normal,
    /// And with everything forgotten that was rendered before.
    Hard,
}

/// A server.
pub struct ArgoCd<'w> {
    world: &'w World,
    client: Client<'w>,
}

impl<'w> ArgoCd<'w> {
    /// Prepares to ask; nothing is sent yet.
    pub fn new(world: &'w World, options: Options) -> Self {
        Self {
            world,
            client: Client::new(world, options),
        }
    }

    /// Asks for an application, as Kubernetes has it now: never older than what a stream has shown.
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn application(&self, app: &App) -> Result<Found<Application>, Failure> {
        self.application_with(app, &[]).await
    }

    /// Has an application compared anew, and returns it afterwards; this takes as long as the
    /// comparison. A request that comes during another comparison may be swallowed (argo-cd#28392).
    ///
    /// # Errors
    /// When there was no answer, or the server did not let us in.
    pub async fn refresh(&self, app: &App, how: Refresh) -> Result<Found<Application>, Failure> {
        let how = if how == Refresh::Hard {
            "hard"
        } else {
            "normal"
        };
        self.application_with(app, &[("refresh", how)]).await
    }

    async fn application_with(
        &self,
        app: &App,
        query: &[(&str, &str)],
    ) -> Result<Found<Application>, Failure> {
        let path = format!("api/v1/applications/{}", app.name);
        Ok(match self.client.get(app, &path, query, GET).await? {
            Found::Here(answer) => {
                let application: Application =
                    answer.json().map_err(|error| self.client.explain(error))?;
                if application.metadata.name != app.name {
                    let error = fetch::FetchError::new(
                        contract::asking::NOT_THE_API,
                        format!(
                            "{} answered with something that is not `{}`",
                            answer.source(),
                            app.name
                        ),
                    );
                    return Err(self.client.explain(error));
                }
                Found::Here(application)
            }
            Found::Absent(said) => Found::Absent(said),
        })
    }

    /// Returns when the token ends, if it says so: a server only looks at it when a stream is opened.
    ///
    /// # Errors
    /// When a recording has no such answer.
    pub async fn token_ends(&self) -> Result<Option<SystemTime>, Failure> {
        let live = |_| async {
            self.client
                .token
                .as_ref()
                .and_then(|token| expiry(token.expose()))
        };
        let request = json!({ "operation": "token-ends" });
        let seconds: Option<u64> = self.world.exchange("argocd", &request, live).await?;
        let after = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        Ok(seconds.and_then(after))
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
    fn a_token_says_when_it_ends() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1790000000}"#);
        assert_eq!(expiry(&format!("e30.{claims}.x")), Some(1_790_000_000));
        assert_eq!((expiry("opaque"), expiry("e30.e30.x")), (None, None));
    }
}

//! Author and committer of the commit.

use std::time::SystemTime;

use contract::World;
use serde::Serialize;

use crate::program::GitCall;

/// The identity of commits that a runner makes:
/// <https://github.com/actions/checkout#push-a-commit-using-the-built-in-token>
const BOT: (&str, &str) = (
    "github-actions[bot]",
    "41898282+github-actions[bot]@users.noreply.github.com",
);

/// Author and committer, as far as the environment names them.
#[derive(Debug, Serialize)]
pub(crate) struct Identities {
    author: PartialIdentity,
    committer: PartialIdentity,
    runner: bool,
}

/// A name and an email address, each of which may still be unknown.
#[derive(Debug, Default, Serialize)]
struct PartialIdentity {
    name: Option<String>,
    email: Option<String>,
}

impl Identities {
    pub(crate) fn from_variables(world: &World) -> Self {
        Self {
            author: PartialIdentity::from_variables(world, "AUTHOR"),
            committer: PartialIdentity::from_variables(world, "COMMITTER"),
            runner: world.var("GITHUB_ACTIONS").as_deref() == Some("true"),
        }
    }

    /// Returns the complete author and committer.
    pub(crate) async fn signatures(&self, call: &GitCall<'_>) -> [gix_actor::Signature; 2] {
        let (name, email) = if self.author.is_complete() && self.committer.is_complete() {
            Default::default()
        } else if self.runner {
            (BOT.0.to_owned(), BOT.1.to_owned())
        } else {
            configured(call).await
        };
        let seconds = call
            .effects
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let time = gix_date::Time::new(i64::try_from(seconds).unwrap_or_default(), 0);
        [&self.author, &self.committer].map(|partial| gix_actor::Signature {
            name: cleaned(partial.name.as_ref().unwrap_or(&name)).into(),
            email: cleaned(partial.email.as_ref().unwrap_or(&email)).into(),
            time,
        })
    }
}

impl PartialIdentity {
    fn from_variables(world: &World, role: &str) -> Self {
        Self {
            name: world.var(&format!("GIT_{role}_NAME")),
            email: world.var(&format!("GIT_{role}_EMAIL")),
        }
    }

    fn is_complete(&self) -> bool {
        self.name.is_some() && self.email.is_some()
    }
}

/// Returns name and email address of the user's settings, if both are set, else a fixed identity.
async fn configured(call: &GitCall<'_>) -> (String, String) {
    let (name, email) = (
        call.setting("user.name").await,
        call.setting("user.email").await,
    );
    match (name, email) {
        (Some(name), Some(email)) => (name, email),
        _ => ("runbook".to_owned(), "runbook@localhost".to_owned()),
    }
}

/// Removes characters that would end a name or an address in a commit; git requires both to be
/// there.
fn cleaned(text: &str) -> String {
    let cleaned: String = text.chars().filter(|c| !"<>\n\0".contains(*c)).collect();
    if cleaned.trim().is_empty() {
        "runbook".to_owned()
    } else {
        cleaned.trim().to_owned()
    }
}

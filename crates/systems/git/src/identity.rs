//! Who makes the commit.

use std::time::SystemTime;

use contract::World;
use serde::Serialize;

use crate::program::Call;

/// As a runner's own commits are signed: https://github.com/actions/checkout#push-a-commit-using-the-built-in-token
const BOT: (&str, &str) = (
    "github-actions[bot]",
    "41898282+github-actions[bot]@users.noreply.github.com",
);

/// Author and committer, as far as the environment says.
#[derive(Debug, Serialize)]
pub(crate) struct Identities {
    author: Partial,
    committer: Partial,
    runner: bool,
}

/// A name and an address, each perhaps still unknown.
#[derive(Debug, Default, Serialize)]
struct Partial {
    name: Option<String>,
    email: Option<String>,
}

impl Identities {
    pub(crate) fn from_variables(world: &World) -> Self {
        let partial = |who: &str| Partial {
            name: world.var(&format!("GIT_{who}_NAME")),
            email: world.var(&format!("GIT_{who}_EMAIL")),
        };
        let runner = world.var("GITHUB_ACTIONS").as_deref() == Some("true");
        Self {
            author: partial("AUTHOR"),
            committer: partial("COMMITTER"),
            runner,
        }
    }

    /// Returns author and committer with everything filled in.
    pub(crate) async fn signatures(&self, call: &Call<'_>) -> [gix_actor::Signature; 2] {
        let complete = |partial: &Partial| partial.name.is_some() && partial.email.is_some();
        let (name, email) = match self.runner {
            _ if complete(&self.author) && complete(&self.committer) => Default::default(),
            true => (BOT.0.to_owned(), BOT.1.to_owned()),
            false => configured(call).await,
        };
        let seconds = call
            .effects
            .now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let time = gix_date::Time::new(i64::try_from(seconds).unwrap_or_default(), 0);
        [&self.author, &self.committer].map(|partial| gix_actor::Signature {
            name: clean(partial.name.as_ref().unwrap_or(&name)).into(),
            email: clean(partial.email.as_ref().unwrap_or(&email)).into(),
            time,
        })
    }
}

/// Returns what the user's settings say, both or neither.
async fn configured(call: &Call<'_>) -> (String, String) {
    let (name, email) = (
        call.setting("user.name").await,
        call.setting("user.email").await,
    );
    match (name, email) {
        (Some(name), Some(email)) => (name, email),
        _ => ("runbook".to_owned(), "runbook@localhost".to_owned()),
    }
}

/// Takes away what would end a name or an address in a commit; git has no commits of nobody.
fn clean(text: &str) -> String {
    let clean = text
        .chars()
        .filter(|c| !"<>\n\0".contains(*c))
        .collect::<String>();
    if clean.trim().is_empty() {
        "runbook".to_owned()
    } else {
        clean.trim().to_owned()
    }
}

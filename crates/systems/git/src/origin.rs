//! The remote that is meant where none was named.

use std::{path::Path, rc::Rc, time::Duration};

use contract::{
    Failure, World,
    world::{Effects, Spawn},
};
use serde_json::json;

use crate::{answers::Answer, error::GitError};

/// Returns the address of GitHub: its own, or that of a company.
pub fn server(world: &World) -> String {
    world
        .var("GITHUB_SERVER_URL")
        .unwrap_or_else(|| "https://github.com".to_owned())
}

/// Returns the address that `git push origin` would use here; `None` when this is no checkout or has
/// no `origin`.
///
/// # Errors
/// When git does not trust the checkout. One that is missing has no `origin` either.
pub async fn origin(world: &World) -> Result<Option<String>, Failure> {
    let limit = world.deadline().exchange();
    let live = |effects: Rc<dyn Effects>| async move {
        let checkout = Checkout { effects, limit };
        let Some(url) = checkout
            .ask(&["remote", "get-url", "--push", "origin"])
            .await?
        else {
            return Ok(None);
        };
        if !is_relative_path(&url) {
            return Ok(Some(url));
        }
        let root = checkout.ask(&["rev-parse", "--show-toplevel"]).await?;
        Ok(root.map(|root| Path::new(&root).join(url).to_string_lossy().into_owned()))
    };
    let answer: Answer<Option<String>> = world
        .exchange("git", &json!({ "operation": "origin" }), live)
        .await?;
    answer.or_else(|error| error.distrust().map_or(Ok(None), Err))
}

/// The folder that the step was run in.
struct Checkout {
    effects: Rc<dyn Effects>,
    limit: Duration,
}

impl Checkout {
    /// Returns what git says, if anything.
    async fn ask(&self, arguments: &[&str]) -> Answer<Option<String>> {
        let mut spawn = Spawn::new("git")
            .inheriting(["GIT_*"])
            .args(arguments.iter().copied())
            .env("LC_ALL", "C");
        spawn.limit = self.limit;
        let Ok(output) = Rc::clone(&self.effects).spawn(spawn).await else {
            return Ok(None);
        };
        if !output.is_good() {
            return Err(GitError::said(&output.stderr));
        }
        let text = String::from_utf8(output.stdout).map_err(GitError::other)?;
        Ok(Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty()))
    }
}

/// git takes such a path from the root of the checkout, wherever in it one is.
fn is_relative_path(url: &str) -> bool {
    url.starts_with("./") || url.starts_with("../") || !(url.starts_with('/') || url.contains(':'))
}

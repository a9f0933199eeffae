//! The default remote, when no flag names one.

use std::{path::Path, rc::Rc, time::Duration};

use contract::{
    Failure, World,
    world::{Effects, Spawn},
};
use serde_json::json;

use crate::error::{GitAnswer, GitError};

/// Returns the address that `git push origin` would use in the current folder; `None` outside of a
/// checkout, and when the checkout has no `origin`.
///
/// # Errors
/// `denied` with `permission-missing` when git does not trust the checkout.
pub async fn origin(world: &World) -> Result<Option<String>, Failure> {
    let limit = world.deadline().exchange();
    let live = |effects: Rc<dyn Effects>| async move {
        let checkout = LocalCheckout { effects, limit };
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
    let answer: GitAnswer<Option<String>> = world
        .exchange("git", &json!({ "operation": "origin" }), live)
        .await?;
    answer.or_else(|error| error.distrust().map_or(Ok(None), Err))
}

/// The folder in which the step runs.
struct LocalCheckout {
    effects: Rc<dyn Effects>,
    limit: Duration,
}

impl LocalCheckout {
    /// Returns git's output; `None` when it is empty, or git could not run.
    async fn ask(&self, arguments: &[&str]) -> GitAnswer<Option<String>> {
        let mut spawn = Spawn::new("git")
            .inheriting(["GIT_*"])
            // A repository that is part of the checkout may look like a bare one.
            .args(["-c", "safe.bareRepository=explicit"])
            .args(arguments.iter().copied())
            .env("LC_ALL", "C");
        spawn.limit = self.limit;
        let Ok(output) = Rc::clone(&self.effects).spawn(spawn).await else {
            return Ok(None);
        };
        if !output.is_good() {
            return Err(GitError::from_stderr(&output.stderr));
        }
        let text = String::from_utf8(output.stdout).map_err(GitError::other)?;
        Ok(Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty()))
    }
}

/// git resolves a relative path from the root of the checkout, in every subfolder of it.
fn is_relative_path(url: &str) -> bool {
    url.starts_with("./") || url.starts_with("../") || !(url.starts_with('/') || url.contains(':'))
}

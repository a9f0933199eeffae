//! The remote that is meant where none was named.

use std::{path::Path, rc::Rc};

use contract::{
    Failure, World,
    world::{Effects, Spawn},
};
use serde_json::json;

/// Returns the address of GitHub: its own, or that of a company.
pub fn server(world: &World) -> String {
    world.var("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned())
}

/// Returns the address that `git push origin` would use here; `None` when this is no checkout or has
/// no `origin`.
///
/// # Errors
/// Only when a recording has no answer: a git that is missing has no `origin` either.
pub async fn origin(world: &World) -> Result<Option<String>, Failure> {
    let limit = world.deadline().exchange();
    let ask = async move |effects: &Rc<dyn Effects>, arguments: &[&str]| {
        let mut spawn = Spawn::new("git").args(arguments.iter().copied()).env("LC_ALL", "C");
        spawn.limit = limit;
        let output = Rc::clone(effects).spawn(spawn).await.ok().filter(|output| output.is_good())?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty())
    };
    let live = |effects: Rc<dyn Effects>| async move {
        let url = ask(&effects, &["remote", "get-url", "--push", "origin"]).await?;
        if !is_relative_path(&url) {
            return Some(url);
        }
        let root = ask(&effects, &["rev-parse", "--show-toplevel"]).await?;
        Some(Path::new(&root).join(url).to_string_lossy().into_owned())
    };
    world.exchange("git", &json!({ "operation": "origin" }), live).await
}

/// git takes such a path from the root of the checkout, wherever in it one is.
fn is_relative_path(url: &str) -> bool {
    url.starts_with("./") || url.starts_with("../") || !(url.starts_with('/') || url.contains(':'))
}

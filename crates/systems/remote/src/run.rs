//! The workflow run around this process.

use contract::World;

/// Returns the URL of the workflow run around this process, if any.
pub fn run_url(world: &World) -> Option<String> {
    if world.var("GITHUB_ACTIONS")? != "true" {
        return None;
    }
    let server = world
        .var("GITHUB_SERVER_URL")
        .unwrap_or_else(|| "https://github.com".to_owned());
    let (repository, run) = (world.var("GITHUB_REPOSITORY")?, world.var("GITHUB_RUN_ID")?);
    Some(format!("{server}/{repository}/actions/runs/{run}"))
}

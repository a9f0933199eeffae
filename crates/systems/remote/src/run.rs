//! The workflow run that this process is part of.

use contract::World;

/// Returns the URL of the workflow run that this process is part of, if any.
pub fn run_url(world: &World) -> Option<String> {
    (world.var("GITHUB_ACTIONS")? == "true").then_some(())?;
    let server = world
        .var("GITHUB_SERVER_URL")
        .unwrap_or_else(|| "https://github.com".to_owned());
    let (repository, run) = (world.var("GITHUB_REPOSITORY")?, world.var("GITHUB_RUN_ID")?);
    Some(format!("{server}/{repository}/actions/runs/{run}"))
}

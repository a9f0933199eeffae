//! The address of the GitHub that the workflow runs at.

use contract::World;

/// Returns the address of github.com, or of the GitHub Enterprise Server in `GITHUB_SERVER_URL`.
pub fn server(world: &World) -> String {
    world
        .var("GITHUB_SERVER_URL")
        .unwrap_or_else(|| "https://github.com".to_owned())
}

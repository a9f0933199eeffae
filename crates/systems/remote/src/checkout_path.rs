//! Absolute paths within the checkout.

use contract::World;

/// Returns the paths from the root of the checkout: a workflow may compose an absolute path from
/// `github.workspace`. A path elsewhere stays as it is.
pub fn from_checkout(paths: Vec<String>, world: &World) -> Vec<String> {
    let mut roots: Vec<String> = ["PWD", "GITHUB_WORKSPACE"]
        .iter()
        .filter_map(|name| world.var(name))
        .map(|root| root.trim_end_matches('/').to_owned())
        .filter(|root| root.starts_with('/'))
        .collect();
    // The workspace may contain the checkout.
    roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
    let paths = paths.into_iter();
    paths
        .map(|path| within(&path, &roots).unwrap_or(path))
        .collect()
}

fn within(path: &str, roots: &[String]) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    roots
        .iter()
        .find_map(|root| match path.strip_prefix(root)? {
            "" | "/" => Some(".".to_owned()),
            rest => Some(rest.strip_prefix('/')?.to_owned()),
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::Vars;

    use super::*;

    #[tokio::test]
    async fn a_path_of_the_checkout_is_relative() {
        let vars: Vars = [("PWD", "/srv/ws/repo"), ("GITHUB_WORKSPACE", "/srv/ws/")]
            .into_iter()
            .collect();
        let world = World::for_tests_with(Duration::ZERO, vars);
        for (given, expected) in [
            ("/srv/ws/repo/overlays/prod", "overlays/prod"),
            ("/srv/ws/overlays/prod", "overlays/prod"),
            ("/srv/ws/repo", "."),
            ("/srv/ws/repository/prod", "repository/prod"),
            ("/srv/wsx/prod", "/srv/wsx/prod"),
            ("/etc", "/etc"),
            ("overlays/prod", "overlays/prod"),
        ] {
            let paths = from_checkout(vec![given.to_owned()], &world);
            assert_eq!(paths, [expected], "{given}");
        }
    }
}

//! The flags for the target of a write, the same for every step that writes.

use branch::BranchName;
use contract::{Failure, World};
use git::Git;
use github::{GitHub, RepositoryName};

use crate::RemoteBranch;

/// Where to write.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Where to write")]
pub struct Where {
    /// Commit through git [default: workflow's repository, else `origin`]
    #[arg(long, value_name = "URL|PATH", requires = "branch")]
    pub remote: Option<String>,
    /// Commit through GitHub's API [default: the workflow's, with a token]
    #[arg(
        long,
        value_name = "OWNER/NAME",
        requires = "branch",
        conflicts_with = "remote"
    )]
    pub repository: Option<RepositoryName>,
    /// Refuse unless GitHub shows the commit as verified
    #[arg(long, requires = "branch")]
    pub require_verified: bool,
    /// When to open a pull request and wait until it is merged
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "never",
        requires = "branch"
    )]
    pub pull_request: PullRequestMode,
}

/// When to open a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PullRequestMode {
    /// Write the branch itself, or nothing
    Never,
    /// Open a pull request only if the branch's rules forbid the push
    Fallback,
    /// Always open a pull request
    Always,
}

impl Where {
    /// Returns the branch on the given remote, else on that of the workflow, else on that of the
    /// checkout.
    pub(crate) async fn find<'w>(
        &self,
        name: &BranchName,
        world: &'w World,
    ) -> Result<RemoteBranch<'w>, Failure> {
        if let Some(repository) = &self.repository {
            return through_the_api(repository.clone(), name, world);
        }
        if let Some(remote) = &self.remote {
            self.only_through_git()?;
            return through_git(remote, name, world);
        }
        let found = here(name, "--remote", world).await?;
        if let RemoteBranch::Git(_) = found {
            self.only_through_git()?;
        }
        Ok(found)
    }

    /// Refuses flags that need GitHub's API.
    fn only_through_git(&self) -> Result<(), Failure> {
        let error = match (self.require_verified, self.pull_request) {
            (true, _) => {
                anyhow::anyhow!("`--require-verified` needs GitHub's API")
            }
            (_, PullRequestMode::Never) => return Ok(()),
            _ => anyhow::anyhow!("`--pull-request` needs GitHub's API"),
        };
        Err(Failure::usage(error).hinted("pass `--repository OWNER/NAME`, and a token"))
    }
}

/// Returns the repository of the workflow, else the `origin` of the checkout.
async fn here<'w>(
    name: &BranchName,
    flag: &str,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    if world.var("GITHUB_ACTIONS").as_deref() == Some("true")
        && let Some(repository) = world.var("GITHUB_REPOSITORY")
    {
        return match repository.parse() {
            Ok(repository) => on_github(repository, name, world),
            Err(_) => through_git(&format!("{}/{repository}", git::server(world)), name, world),
        };
    }
    let origin = git::origin(world).await?.ok_or_else(|| {
        let error = anyhow::anyhow!("there is neither a `{flag}` nor a checkout with an `origin`");
        Failure::usage(error).hinted(format!(
            "pass `{flag} URL`, or run it inside a checkout that has an `origin`"
        ))
    })?;
    through_git(&origin, name, world)
}

/// Returns a branch to read: of the repository that a flag gives as a URL, a path or `OWNER/NAME`,
/// else of the workflow's, else of the checkout's `origin`.
///
/// # Errors
/// `usage` when the flag's value is no repository, or there is none.
pub async fn open<'w>(
    given: Option<&str>,
    flag: &str,
    name: &BranchName,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    let Some(given) = given else {
        return here(name, flag, world).await;
    };
    if is_url_or_path(given) {
        return through_git(given, name, world);
    }
    let repository = given.parse().map_err(|_| no_source(given))?;
    on_github(repository, name, world)
}

/// Returns a branch on GitHub: through the API with a token, else through git.
fn on_github<'w>(
    repository: RepositoryName,
    name: &BranchName,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    if github::is_at_hand(world)? {
        return through_the_api(repository, name, world);
    }
    through_git(&format!("{}/{repository}", git::server(world)), name, world)
}

fn through_git<'w>(
    url: &str,
    name: &BranchName,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    Ok(RemoteBranch::Git(Git::new(world, url, name.clone())?))
}

/// Returns the repository of a source, given as a URL, a path, or `OWNER/NAME`.
///
/// `OWNER/NAME` uses the same way as the target: git or the API. It is never a folder, which could
/// come with the checkout and answer in the place of the forge.
pub(crate) fn source<'w>(
    given: &str,
    target: &RemoteBranch<'_>,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    // The source answers only questions about commits, so the name of its branch does not matter.
    let name = target.name().clone();
    if is_url_or_path(given) {
        return through_git(given, &name, world);
    }
    let repository: RepositoryName = given.parse().map_err(|_| no_source(given))?;
    match target {
        RemoteBranch::GitHub(_) => through_the_api(repository, &name, world),
        RemoteBranch::Git(_) => through_git(
            &format!("{}/{repository}", git::server(world)),
            &name,
            world,
        ),
    }
}

/// A path begins with `/`, `./` or `../`; only URLs and ssh's addresses have a colon.
fn is_url_or_path(given: &str) -> bool {
    let is_path = ["/", "./", "../"]
        .iter()
        .any(|start| given.starts_with(start));
    is_path || given.contains(':') || given == "." || given == ".."
}

fn no_source(given: &str) -> Failure {
    let error = anyhow::anyhow!(
        "the source repository `{given}` is neither `OWNER/NAME`, nor a URL, nor a path"
    );
    Failure::usage(error).hinted(format!("for a folder pass `./{given}`"))
}

fn through_the_api<'w>(
    repository: RepositoryName,
    name: &BranchName,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    let github = GitHub::new(world, repository, name.clone())?;
    Ok(RemoteBranch::GitHub(github))
}

/// Accepts the name of an overlay, which is any text but an empty one.
///
/// # Errors
/// When the text is empty or blank.
pub fn not_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("expected a directory or a file".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn owner_and_name_are_never_a_folder() {
        let world = World::for_tests(Duration::ZERO);
        // The tests run in a folder that has both.
        assert!(std::path::Path::new("src/flags.rs").exists());
        let name: BranchName = "main".parse().unwrap();
        let target = RemoteBranch::Git(Git::new(&world, "/srv/a.git", name).unwrap());
        let shown = |given| source(given, &target, &world).map(|source| source.shown());
        for (given, expected) in [
            ("src/flags.rs", "https://github.com/src/flags.rs"),
            ("./src/flags.rs", "./src/flags.rs"),
            ("../remote", "../remote"),
            ("/srv/b.git", "/srv/b.git"),
            ("file:///srv/b.git", "file:///srv/b.git"),
            ("git@git.example:a/b", "git@git.example:a/b"),
            ("https://git.example/a/b", "https://git.example/a/b"),
        ] {
            assert_eq!(shown(given).ok().as_deref(), Some(expected), "{given}");
        }
        for wrong in ["src", "tests/history/x", ".src/x/y", "", "-x"] {
            let failure = shown(wrong).err().unwrap();
            assert!(failure.summary().contains("neither"), "{wrong}");
        }
    }
}

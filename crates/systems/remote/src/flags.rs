//! The flags that say where to write, the same for every step that writes.

use std::path::Path;

use branch::Name;
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
    /// Returns the remote: the one named, that of the workflow, or that of the checkout.
    pub(crate) async fn find<'w>(
        &self,
        name: &Name,
        world: &'w World,
    ) -> Result<RemoteBranch<'w>, Failure> {
        let through_git = |url: &str| {
            self.only_through_git()?;
            Ok(RemoteBranch::Git(Git::new(world, url, name.clone())?))
        };
        let through_the_api = |repository: RepositoryName| {
            Ok(RemoteBranch::GitHub(GitHub::new(
                world,
                repository,
                name.clone(),
            )?))
        };
        if let Some(repository) = &self.repository {
            return through_the_api(repository.clone());
        }
        if let Some(remote) = &self.remote {
            return through_git(remote);
        }
        if world.var("GITHUB_ACTIONS").as_deref() == Some("true")
            && let Some(repository) = world.var("GITHUB_REPOSITORY")
        {
            return match repository.parse() {
                Ok(repository) if github::is_at_hand(world)? => through_the_api(repository),
                _ => through_git(&format!("{}/{repository}", git::server(world))),
            };
        }
        let origin = git::origin(world).await?.ok_or_else(|| {
            let error =
                anyhow::anyhow!("there is no `--remote`, and no `origin` here to take instead");
            Failure::usage(error)
                .hinted("pass `--remote URL`, or run it within a checkout that has an `origin`")
        })?;
        through_git(&origin)
    }

    /// Some things only GitHub's API has.
    fn only_through_git(&self) -> Result<(), Failure> {
        let error = match (self.require_verified, self.pull_request) {
            (true, _) => {
                anyhow::anyhow!("`--require-verified` is about commits that GitHub's API makes")
            }
            (_, PullRequestMode::Never) => return Ok(()),
            _ => anyhow::anyhow!("`--pull-request` needs GitHub's API"),
        };
        Err(Failure::usage(error).hinted("pass `--repository OWNER/NAME`, and a token"))
    }
}

/// Returns the repository of a source, as a URL, a path, or `OWNER/NAME`, which is
/// reached the same way as what is written.
pub(crate) fn source<'w>(
    given: &str,
    target: &RemoteBranch<'_>,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    // Only commits are asked about: the branch is never looked at.
    let name = target.name().clone();
    let is_path =
        given.contains(':') || given.starts_with(['.', '/']) || given.matches('/').count() != 1;
    let exists = || {
        world
            .kind(Path::new(given))
            .is_ok_and(|kind| kind.is_some())
    };
    if is_path || exists() {
        return Ok(RemoteBranch::Git(Git::new(world, given, name)?));
    }
    match (given.parse(), target) {
        (Ok(repository), RemoteBranch::GitHub(_)) => {
            Ok(RemoteBranch::GitHub(GitHub::new(world, repository, name)?))
        }
        _ => Ok(RemoteBranch::Git(Git::new(
            world,
            &format!("{}/{given}", git::server(world)),
            name,
        )?)),
    }
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

//! The file with the environments: where it is, and which of them the flags select.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use contract::{Failure, World};
use environments::{Environment, PATH, Runbook};

use crate::request::Request;

/// The largest file to read: real ones have a kilobyte.
const MAX_SIZE: u64 = 1 << 20;
/// The most folders above the working directory that are searched for the root of the checkout.
const MAX_DEPTH: usize = 64;

/// Reads the file of `--config`, else that of the checkout around the working directory; returns its
/// text and its name for messages, `None` when no checkout has one.
pub(super) fn in_checkout(
    request: &Request,
    world: &World,
) -> Result<Option<(Vec<u8>, String)>, Failure> {
    if let Some(path) = &request.config {
        let shown = format!("`{}`", path.display());
        return match read(path, world)? {
            Some(text) => Ok(Some((text, shown))),
            None => Err(Failure::usage(anyhow::anyhow!("there is no file {shown}"))
                .hinted("pass the path of the file from the working directory as `--config`")),
        };
    }
    let mut folder = PathBuf::new();
    for _ in 0..MAX_DEPTH {
        let path = folder.join(PATH);
        if let Some(text) = read(&path, world)? {
            return Ok(Some((text, format!("`{}`", path.display()))));
        }
        // The root of a checkout, or of a worktree, where `.git` is a file.
        let is_root = world
            .kind(&folder.join(".git"))
            .is_ok_and(|kind| kind.is_some());
        if is_root {
            break;
        }
        folder.push("..");
    }
    Ok(None)
}

fn read(path: &Path, world: &World) -> Result<Option<Vec<u8>>, Failure> {
    match world.read(path, MAX_SIZE) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let error =
                anyhow::Error::new(error).context(format!("could not read `{}`", path.display()));
            Err(Failure::usage(error).hinted("pass a readable file as `--config`"))
        }
    }
}

pub(super) fn no_config(place: &str) -> Failure {
    Failure::usage(anyhow::anyhow!("{place} has no `{PATH}`"))
}

pub(super) fn parsed(text: &[u8], name: &str) -> Result<Runbook, Failure> {
    let text = std::str::from_utf8(text)
        .map_err(|_| Failure::usage(anyhow::anyhow!("{name} is not UTF-8 text")))?;
    text.parse().map_err(|error: environments::InvalidFile| {
        Failure::usage(anyhow::Error::new(error).context(format!("{name} is invalid")))
    })
}

/// Returns the environments that the flags select, in the order of the file.
///
/// # Errors
/// `usage` when a name is unknown, or the environments are not all of one branch: one commit is of
/// one branch.
pub(super) fn selected(request: &Request, runbook: &Runbook) -> Result<Vec<Environment>, Failure> {
    for name in &request.names {
        if runbook.environment(name).is_none() {
            let all: Vec<&str> = runbook
                .environments
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            let error = anyhow::anyhow!("`--environment {name}` is unknown");
            return Err(Failure::usage(error).hinted(format!("`{PATH}` has {}", all.join(", "))));
        }
    }
    let is_named =
        |one: &&Environment| request.names.is_empty() || request.names.contains(&one.name);
    let named: Vec<&Environment> = runbook.environments.iter().filter(is_named).collect();
    if request.names.is_empty() {
        let is_of_branch = |one: &&Environment| Some(&one.branch) == request.branch.as_ref();
        return Ok(named.into_iter().filter(is_of_branch).cloned().collect());
    }
    let expected = request
        .branch
        .as_ref()
        .or(named.first().map(|one| &one.branch));
    for environment in &named {
        if Some(&environment.branch) != expected {
            let error = anyhow::anyhow!(
                "`{}` deploys from branch `{}`, not from `{}`",
                environment.name,
                environment.branch,
                expected.map_or("", |branch| branch.as_str())
            );
            return Err(
                Failure::usage(error).hinted("plan the environments of one branch at a time")
            );
        }
    }
    Ok(named.into_iter().cloned().collect())
}

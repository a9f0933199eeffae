//! Reads the file with the environments, and which paths the commit changed.

mod config;

use branch::{BranchError, BranchName, ChangedPaths, History as _, TreeEntry};
use contract::{Failure, Reference, World};
use environments::{Environment, PATH, Runbook};
use remote::RemoteBranch;

use self::config::{in_checkout, no_config, parsed};
use crate::request::Request;

/// The file, and the change.
#[derive(Debug)]
pub(crate) enum Observation {
    /// The source has no branch of this name.
    NoBranch { shown: String, branch: BranchName },
    /// The file exists.
    Found {
        runbook: Box<Runbook>,
        /// The image of the commit.
        image: Reference,
        /// The environments that the flags select; empty when no environment deploys the branch.
        selected: Vec<Environment>,
        /// The repository that was asked about the commit.
        shown: String,
        /// The paths that the commit changed; `None` when the repository does not have the commit.
        changed: Option<ChangedPaths>,
        /// Whether the commit is on the branch of the environments.
        is_on_branch: bool,
    },
}

/// Reads the file, then asks the source about the commit.
///
/// # Errors
/// `usage` when the file is missing, invalid, or does not know a name of the flags; else the source
/// gave no answer.
pub(crate) async fn observe(request: &Request, world: &World) -> Result<Observation, Failure> {
    let local = in_checkout(request, world)?;
    let given = request.source_repository.as_deref();
    if let Some((text, name)) = local {
        let runbook = parsed(&text, &name)?;
        let given = given.or(runbook.source_repository.as_deref());
        let selected = config::selected(request, &runbook)?;
        let of_environment = selected.first().map(|one| &one.branch);
        let branch = of_environment.or(request.branch.as_ref());
        let branch = branch.unwrap_or(&runbook.environments[0].branch);
        let source = source(given, branch, world).await?;
        return look(request, runbook, &source, world).await;
    }
    let Some(branch) = &request.branch else {
        return Err(no_config("this checkout").hinted(
            "pass `--config FILE`, or `--source-branch` to read it from the default branch",
        ));
    };
    let source = source(given, branch, world).await?;
    // Not from the branch itself: everyone who may push one would choose what it deploys.
    let place = format!("the default branch of `{}`", source.shown());
    let snapshot = match source.read_default(&[PATH.to_owned()]).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => return Err(no_config(&place)),
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let Some(TreeEntry::File { content, .. }) = snapshot.entries.get(PATH) else {
        return Err(no_config(&place).hinted(format!(
            "commit `{PATH}` there, or pass another file as `--config`"
        )));
    };
    let runbook = parsed(content, &format!("`{PATH}` on {place}"))?;
    look(request, runbook, &source, world).await
}

fn no_branch(source: &RemoteBranch<'_>) -> Observation {
    Observation::NoBranch {
        shown: source.shown(),
        branch: source.name().clone(),
    }
}

async fn source<'w>(
    given: Option<&str>,
    branch: &BranchName,
    world: &'w World,
) -> Result<RemoteBranch<'w>, Failure> {
    remote::open(given, "--source-repository", branch, world).await
}

async fn look(
    request: &Request,
    runbook: Runbook,
    source: &RemoteBranch<'_>,
    world: &World,
) -> Result<Observation, Failure> {
    let selected = config::selected(request, &runbook)?;
    let image = runbook.image_of(&request.commit).map_err(Failure::usage)?;
    if image.was_lowered() {
        world.notice(format!(
            "the image name was changed to lowercase, the only case that registries know: `{image}`"
        ));
    }
    let shown = source.shown();
    let (mut changed, mut is_on_branch) = (None, false);
    if !selected.is_empty() {
        changed = remote::ask(world, source.name(), async || {
            source.changed_paths(&request.commit).await
        })
        .await?;
    }
    if changed.is_some() {
        // The workflow's event may name a commit of a fork, and call the fork's branch by its name.
        is_on_branch = match remote::contains(world, source, &request.commit).await {
            Ok(is_on_branch) => is_on_branch,
            Err(BranchError::Missing) => return Ok(no_branch(source)),
            Err(BranchError::Failed(failure)) => return Err(failure),
        };
    }
    Ok(Observation::Found {
        runbook: Box::new(runbook),
        image,
        selected,
        shown,
        changed,
        is_on_branch,
    })
}

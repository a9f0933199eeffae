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
    /// The source has no branch of the requested name.
    NoBranch { shown: String },
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
        // The source is asked about a commit, so any branch of it would do.
        let branch = request
            .branch
            .as_ref()
            .unwrap_or(&runbook.environments[0].branch);
        let source = source(given, branch, world).await?;
        return look(request, runbook, &source, world).await;
    }
    let Some(branch) = &request.branch else {
        return Err(no_config("this checkout")
            .hinted("pass `--config FILE`, or `--source-branch` to read it from that branch"));
    };
    let source = source(given, branch, world).await?;
    let snapshot = match source.read(&[PATH.to_owned()]).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => {
            let shown = source.shown();
            return Ok(Observation::NoBranch { shown });
        }
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let place = format!("branch `{branch}` of `{}`", source.shown());
    let Some(TreeEntry::File { content, .. }) = snapshot.entries.get(PATH) else {
        return Err(no_config(&place).hinted(format!(
            "commit `{PATH}` there, or pass another file as `--config`"
        )));
    };
    let runbook = parsed(content, &format!("`{PATH}` on {place}"))?;
    look(request, runbook, &source, world).await
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
    let changed = if selected.is_empty() {
        None
    } else {
        remote::ask(world, source.name(), async || {
            source.changed_paths(&request.commit).await
        })
        .await?
    };
    Ok(Observation::Found {
        runbook: Box::new(runbook),
        image,
        selected,
        shown,
        changed,
    })
}

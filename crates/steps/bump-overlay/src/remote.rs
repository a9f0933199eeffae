//! One commit on a branch of a remote, without a checkout.

use branch::{Branch as _, BranchError, Decision, Edit, Name, Outcome, Snapshot};
use contract::{Failure, Report, World};
use git::Git;

use crate::{
    edits::Edits,
    request::Request,
    say::{self, Place},
};

/// Commits the image onto the branch, however often somebody else is faster.
pub(crate) async fn bump(request: &Request, name: &Name, world: &World) -> Result<Report, Failure> {
    let git = Git::new(world, &address(request, world).await?, name.clone())?;
    if request.dry_run {
        return dry_run(request, &git, world).await;
    }
    let paths = request.paths();
    let mut last = None;
    let outcome = branch::update(world, &git, &paths, async |snapshot: &Snapshot| {
        let edits = Edits::of(request, &snapshot.entries);
        world.learn(&edits.facts_before(request));
        let decision = decide(request, &edits, snapshot);
        last = Some(edits);
        Ok(decision)
    });
    let outcome = outcome.await?;
    let edits = last.unwrap_or_else(|| Edits(Vec::new()));
    match outcome {
        Outcome::Landed { commit, said } => {
            bypassed(world, &said);
            Ok(say::committed(request, &edits, name, &commit))
        }
        Outcome::Unchanged(tip) => Ok(say::unchanged(request, &edits, &Place::Branch(name, &tip))),
        Outcome::Refused(report) => Ok(report),
        Outcome::Rejected(rejection) => say::rejected(request, name, &rejection),
        Outcome::Missing => Ok(say::branch_missing(name, git.shown())),
    }
}

fn decide(request: &Request, edits: &Edits, snapshot: &Snapshot) -> Decision<Report> {
    if edits.is_refused() {
        let place =
            request.branch.as_ref().map_or(Place::Checkout, |name| Place::Branch(name, &snapshot.tip));
        return Decision::Refuse(say::refused(request, edits, &place));
    }
    let files = edits.file_changes();
    if files.is_empty() {
        return Decision::Nothing;
    }
    Decision::Write(Edit { files, message: edits.message(request) })
}

async fn dry_run(request: &Request, git: &Git<'_>, world: &World) -> Result<Report, Failure> {
    let name = git.name();
    let snapshot = match branch::read(world, git, &request.paths()).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => return Ok(say::branch_missing(name, git.shown())),
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let edits = Edits::of(request, &snapshot.entries);
    Ok(match decide(request, &edits, &snapshot) {
        Decision::Refuse(report) => report,
        Decision::Nothing => say::unchanged(request, &edits, &Place::Branch(name, &snapshot.tip)),
        Decision::Write(_) => say::dry_run(request, &edits, &Place::Branch(name, &snapshot.tip)),
    })
}

/// Returns the remote: the one named, that of the workflow, or that of the checkout.
async fn address(request: &Request, world: &World) -> Result<String, Failure> {
    if let Some(remote) = &request.remote {
        return Ok(remote.clone());
    }
    if world.var("GITHUB_ACTIONS").as_deref() == Some("true")
        && let Some(repository) = world.var("GITHUB_REPOSITORY")
    {
        let server = world.var("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
        return Ok(format!("{server}/{repository}"));
    }
    git::origin(world).await?.ok_or_else(|| {
        let error = anyhow::anyhow!("there is no `--remote`, and no `origin` here to take instead");
        Failure::usage(error).hinted("pass `--remote URL`, or run it within a checkout that has an `origin`")
    })
}

/// Whoever may bypass a rule should know that it was done.
fn bypassed(world: &World, said: &[String]) {
    if let Some(line) = said.iter().find(|line| line.starts_with("Bypassed rule violations")) {
        world.notice(line.trim_end_matches(':'));
    }
}

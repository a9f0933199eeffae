//! One commit on a branch of a remote, without a checkout.

use std::path::Path;

use branch::{BranchError, Decision, Edit, Name, Outcome, Snapshot};
use contract::{Failure, Report, World};
use git::Git;

use crate::{
    edits::Edits,
    guards::{Findings, Guards},
    request::Request,
    say::{self, Place},
};

/// Commits the image onto the branch, however often somebody else is faster.
pub(crate) async fn bump(request: &Request, name: &Name, world: &World) -> Result<Report, Failure> {
    let remote = match &request.remote {
        Some(remote) => remote.clone(),
        None => git::remote(world).await?,
    };
    let git = Git::new(world, &remote, name.clone())?;
    let source = source_repository(request, world).map(|url| Git::new(world, &url, name.clone()));
    let source = source.transpose()?;
    let sources = source.as_ref().unwrap_or(&git);
    let guards = Guards { request, overlays: &git, sources, world, name };
    if request.dry_run {
        return dry_run(&guards, &git).await;
    }
    let paths = request.paths();
    let mut last = None;
    let outcome = branch::update(world, &git, &paths, async |snapshot: &Snapshot| {
        let mut edits = Edits::of(request, &snapshot.entries);
        world.learn(&edits.facts_before(request));
        let (decision, _) = decide(&guards, &mut edits, snapshot).await?;
        last = Some(edits);
        Ok(decision)
    });
    let outcome = outcome.await?;
    let edits = last.unwrap_or_else(|| Edits(Vec::new()));
    Ok(match outcome {
        Outcome::Landed { commit, said } => {
            branch::bypassed(world, &said);
            say::committed(request, &edits, name, &commit)
        }
        Outcome::Unchanged(tip) => say::unchanged(request, &edits, &Place::Branch(name, &tip)),
        Outcome::Refused(report) => report,
        Outcome::Rejected(rejection) => say::nowhere(request, branch::rejected(name, &rejection)?),
        Outcome::Missing => say::nowhere(request, branch::missing(name, git.shown())),
    })
}

/// Decides what becomes of the files as they are now.
async fn decide(
    guards: &Guards<'_, Git<'_>, Git<'_>>,
    edits: &mut Edits,
    snapshot: &Snapshot,
) -> Result<(Decision<Report>, Findings), Failure> {
    let (request, name, tip) = (guards.request, guards.name, &snapshot.tip);
    if edits.is_refused() {
        let report = say::refused(request, edits, &Place::Branch(name, tip));
        return Ok((Decision::Refuse(report), Findings::default()));
    }
    if edits.changed().next().is_none() {
        return Ok((Decision::Nothing, Findings::default()));
    }
    let findings = guards.look(edits, tip).await?;
    findings.same().for_each(|(path, why)| edits.keep(path, why));
    let files = edits.file_changes();
    let decision = match () {
        () if findings.stop() => Decision::Refuse(say::stopped(request, edits, &findings, name, tip)),
        () if files.is_empty() => Decision::Nothing,
        () => Decision::Write(Edit { files, message: edits.message(request) }),
    };
    Ok((decision, findings))
}

async fn dry_run(guards: &Guards<'_, Git<'_>, Git<'_>>, git: &Git<'_>) -> Result<Report, Failure> {
    let (request, name) = (guards.request, guards.name);
    let snapshot = match branch::read(guards.world, git, &request.paths()).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => return Ok(say::nowhere(request, branch::missing(name, git.shown()))),
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let mut edits = Edits::of(request, &snapshot.entries);
    let place = Place::Branch(name, &snapshot.tip);
    let (decision, findings) = decide(guards, &mut edits, &snapshot).await?;
    Ok(match decision {
        Decision::Refuse(report) => say::why_not(report, &findings),
        Decision::Nothing => say::why_not(say::unchanged(request, &edits, &place), &findings),
        Decision::Write(_) => say::dry_run(request, &edits, &place, &findings),
    })
}

/// Returns where the source is, if not where the overlays are.
fn source_repository(request: &Request, world: &World) -> Option<String> {
    let given = request.source_repository.as_ref()?;
    let is_path = given.contains(':') || given.starts_with(['.', '/']) || given.matches('/').count() != 1;
    let exists = || world.kind(Path::new(given)).is_ok_and(|kind| kind.is_some());
    Some(if is_path || exists() { given.clone() } else { format!("{}/{given}", git::server(world)) })
}

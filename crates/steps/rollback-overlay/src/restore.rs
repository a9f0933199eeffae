//! One commit on a branch of a remote, without a checkout.

use std::collections::BTreeMap;

use branch::{BranchError, Decision, Edit, FileChange, Outcome, Snapshot};
use contract::{Failure, Report, World};
use git::Git;

use crate::{
    Facts, message,
    plan::{Plan, Planner},
    request::Request,
    say,
};

/// Commits the restored images onto the branch, however often somebody else is faster.
pub(crate) async fn restore(request: &Request, world: &World) -> Result<Report, Failure> {
    let name = &request.branch;
    let remote = match &request.remote {
        Some(remote) => remote.clone(),
        None => git::remote(world).await?,
    };
    let git = Git::new(world, &remote, name.clone())?;
    let known = match &request.forge {
        Some(forge) => forge.ask(world).await?,
        None => BTreeMap::new(),
    };
    let (bad, facts) = (BTreeMap::new(), Facts::default());
    let mut planner = Planner { request, history: &git, name, world, known, bad, facts };
    if request.dry_run {
        return dry_run(&mut planner, &git).await;
    }
    let mut last = Plan(Vec::new());
    let paths = request.paths();
    let outcome = branch::update(world, &git, &paths, async |snapshot: &Snapshot| {
        last = planner.plan(snapshot).await?;
        Ok(decide(request, &last, snapshot))
    });
    Ok(match outcome.await? {
        Outcome::Landed { commit, said } => {
            branch::bypassed(world, &said);
            say::restored(request, &last, &commit)
        }
        Outcome::Unchanged(tip) => say::unchanged(request, &last, &tip),
        Outcome::Refused(report) => report,
        Outcome::Rejected(rejection) => say::nowhere(request, branch::rejected(name, &rejection)?),
        Outcome::Missing => say::nowhere(request, branch::missing(name, git.shown())),
    })
}

fn decide(request: &Request, plan: &Plan, snapshot: &Snapshot) -> Decision<Report> {
    if plan.stops() {
        return Decision::Refuse(say::stopped(request, plan, &snapshot.tip));
    }
    let files: Vec<FileChange> = plan
        .restored()
        .map(|(part, restored)| FileChange { path: part.path.clone(), content: restored.edited.text.clone() })
        .collect();
    if files.is_empty() {
        return Decision::Nothing;
    }
    Decision::Write(Edit { files, message: message::text(request, plan) })
}

async fn dry_run(planner: &mut Planner<'_, Git<'_>>, git: &Git<'_>) -> Result<Report, Failure> {
    let request = planner.request;
    let snapshot = match branch::read(planner.world, git, &request.paths()).await {
        Ok(snapshot) => snapshot,
        Err(BranchError::Missing) => {
            return Ok(say::nowhere(request, branch::missing(&request.branch, git.shown())));
        }
        Err(BranchError::Failed(failure)) => return Err(failure),
    };
    let plan = planner.plan(&snapshot).await?;
    let report = match decide(request, &plan, &snapshot) {
        Decision::Refuse(report) => report,
        Decision::Nothing => say::unchanged(request, &plan, &snapshot.tip),
        Decision::Write(_) => say::dry_run(request, &plan, &snapshot.tip),
    };
    Ok(say::with_history(report, &plan))
}

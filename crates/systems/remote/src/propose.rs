//! A pull request where the branch itself is not to be written.

use std::time::Duration;

use branch::{Branch as _, BranchError, CommitRequest, Name, PushResult, Snapshot};
use contract::{Commit, Failure, Verdict, World};
use git::Git;
use github::{Committer, GitHub, Proposal, PullRequest, PullRequestState};
use sha2::{Digest as _, Sha256};

use crate::{Problem, RemoteWriter, WriteOutcome, WritePlan, write::Attempt};

/// Between the first two questions whether it is merged, and at most between later ones.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// Proposes what is planned, and waits until somebody merges it.
pub(crate) async fn propose<P: WritePlan>(
    remote: &RemoteWriter<'_>,
    github: &GitHub<'_>,
    plan: &mut P,
) -> Result<WriteOutcome<P::Refused>, Failure> {
    let proposal = proposal(github, github, plan.directories())?;
    let unsupported = match remote
        .update(&proposal, plan, |onto, request| {
            github.supports(onto, request)
        })
        .await?
    {
        Attempt::Ended(outcome) => return settle(remote, github, &proposal, plan, outcome).await,
        Attempt::Unsupported(unsupported) => unsupported,
    };
    remote
        .world
        .notice(format!("{unsupported}, so it was proposed through git"));
    let git = ThroughGit {
        world: remote.world,
        url: remote.url(github),
    };
    let proposal = self::proposal(github, &git, plan.directories())?;
    match remote.update(&proposal, plan, |_, _| Ok(())).await? {
        Attempt::Ended(outcome) => settle(remote, github, &proposal, plan, outcome).await,
        Attempt::Unsupported(unsupported) => Err(Failure::internal(unsupported)),
    }
}

/// Commits through git, which keeps the run bit.
struct ThroughGit<'w> {
    world: &'w World,
    url: String,
}

impl Committer for ThroughGit<'_> {
    async fn commit(
        &self,
        name: &Name,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let git = Git::new(self.world, &self.url, name.clone())?;
        let paths: Vec<String> = request.files.iter().map(|file| file.path.clone()).collect();
        let there = git.read(&paths).await?;
        if there.tip == onto.tip {
            git.commit(&there, request).await
        } else {
            Ok(PushResult::Moved)
        }
    }
}

/// Waits for what was proposed.
async fn settle<P: WritePlan, C: Committer>(
    remote: &RemoteWriter<'_>,
    github: &GitHub<'_>,
    proposal: &Proposal<'_, '_, C>,
    plan: &P,
    outcome: WriteOutcome<P::Refused>,
) -> Result<WriteOutcome<P::Refused>, Failure> {
    let WriteOutcome::Landed(commit) = outcome else {
        return Ok(outcome);
    };
    let pull = proposal
        .pull()
        .ok_or_else(|| Failure::internal(anyhow::anyhow!("nothing was proposed")))?;
    plan.proposed(&pull);
    Ok(match wait(remote, proposal, &pull, &commit).await? {
        PullRequestState::Merged(merge) => match remote.unverified(github, &merge).await? {
            Some(problem) => WriteOutcome::Failed(problem),
            None => WriteOutcome::Merged(pull, merge),
        },
        outcome => WriteOutcome::Failed(Problem::NotMerged(pull, outcome)),
    })
}

/// Closes what was proposed before the branch itself could be written: merging it would bring an older
/// image back. The commit is there, so that trouble with this is no more than a notice.
pub(crate) async fn withdraw<P: WritePlan>(
    remote: &RemoteWriter<'_>,
    github: &GitHub<'_>,
    plan: &P,
    commit: &Commit,
) {
    let withdrawn = async {
        proposal(github, github, plan.directories())?
            .withdraw(commit)
            .await
    };
    if let Err(failure) = withdrawn.await {
        let why = failure.summary();
        remote
            .world
            .notice(format!("older pull requests may still be open: {why}"));
    }
}

fn proposal<'g, 'w, C: Committer>(
    github: &'g GitHub<'w>,
    committer: &'g C,
    directories: Vec<String>,
) -> Result<Proposal<'g, 'w, C>, Failure> {
    let head = head(github.name(), &directories)
        .parse()
        .map_err(Failure::internal)?;
    Ok(Proposal::new(github, committer, head, directories))
}

/// Returns the name of the branch for these directories: words for people, and a hash.
fn head(base: &Name, set: &[String]) -> String {
    let words = set
        .iter()
        .map(|directory| directory.rsplit('/').next().unwrap_or_default());
    let words: Vec<String> = words
        .map(|word| {
            word.chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect()
        })
        .collect();
    let words: String = words.join("-").chars().take(60).collect();
    let hash: String = Sha256::digest(set.join("\0"))
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("runbook/{base}/{words}-{hash}")
}

/// Waits until something has become of the pull request, or the deadline.
async fn wait<C: Committer>(
    remote: &RemoteWriter<'_>,
    proposal: &Proposal<'_, '_, C>,
    pull: &PullRequest,
    commit: &Commit,
) -> Result<PullRequestState, Failure> {
    let world = remote.world;
    let mut pause = PAUSES[0];
    loop {
        let over = world.deadline().is_over();
        match proposal.outcome(commit).await {
            Ok(PullRequestState::Open) if !over => {}
            // An outage is nothing new while people take their time.
            Err(failure) if failure.verdict == Verdict::Unavailable && !over => {}
            decided => return decided,
        }
        world.waiting_for(format!(
            "pull request #{} to be merged: {}",
            pull.number, pull.url
        ));
        world.sleep(pause).await;
        pause = (pause * 2).min(PAUSES[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_overlays_has_a_branch_of_its_own() {
        let base: Name = "release/1.0".parse().unwrap();
        let head = |set: &[&str]| {
            head(
                &base,
                &set.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
            )
        };
        let names = [
            head(&["a/prod"]),
            head(&["b/prod"]),
            head(&["a/prod", "a/stage"]),
            head(&[""]),
        ];
        insta::assert_snapshot!(names.join("\n"), @"
        runbook/release/1.0/prod-a946a4d5
        runbook/release/1.0/prod-a3729776
        runbook/release/1.0/prod-stage-653555ff
        runbook/release/1.0/-e3b0c442
        ");
        assert!(names.iter().all(|name| name.parse::<Name>().is_ok()));
        assert!(head(&["a/..~ü.lock"]).parse::<Name>().is_ok());
    }
}

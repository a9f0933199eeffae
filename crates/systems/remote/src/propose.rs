//! A pull request instead of a push to the branch itself.

use std::time::Duration;

use branch::{Branch as _, BranchError, BranchName, CommitRequest, PushResult, Snapshot};
use contract::{Commit, Failure, Verdict, World, asking};
use git::Git;
use github::{Committer, GitHub, Proposal, PullRequest, PullRequestState};
use sha2::{Digest as _, Sha256};

use crate::{
    Problem, RemoteWriter, WriteOutcome, WritePlan, retry::LIMIT_BACKOFF, writer::Attempt,
};

/// The time between the first two polls of a pull request; it doubles after each poll.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time between two polls of a pull request.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// The longest readable part of a branch name.
const MAX_WORDS_LENGTH: usize = 60;

/// Opens a pull request for the plan, and waits until it is merged.
pub(crate) async fn propose<P: WritePlan>(
    remote: &RemoteWriter<'_>,
    github: &GitHub<'_>,
    plan: &mut P,
) -> Result<WriteOutcome<P::Refused>, Failure> {
    let proposal = proposal(github, github, plan.directories())?;
    let supports = |onto: &Snapshot, request: &CommitRequest| github.supports(onto, request);
    let unsupported = match remote.update(&proposal, plan, supports).await? {
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

/// Commits through git, which keeps the executable bit.
struct ThroughGit<'w> {
    world: &'w World,
    url: String,
}

impl Committer for ThroughGit<'_> {
    async fn commit(
        &self,
        name: &BranchName,
        onto: &Snapshot,
        request: &CommitRequest,
    ) -> Result<PushResult, BranchError> {
        let git = Git::new(self.world, &self.url, name.clone())?;
        let paths: Vec<String> = request.files.iter().map(|file| file.path.clone()).collect();
        let snapshot = git.read(&paths).await?;
        if snapshot.tip == onto.tip {
            git.commit(&snapshot, request).await
        } else {
            Ok(PushResult::Moved)
        }
    }
}

/// Waits until the pull request of a commit is merged or closed.
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
        .ok_or_else(|| Failure::internal(anyhow::anyhow!("there is no pull request")))?;
    plan.proposed(&pull);
    Ok(match wait(remote, proposal, &pull, &commit).await? {
        PullRequestState::Merged(merge) => match remote.unverified(github, &merge).await? {
            Some(problem) => WriteOutcome::Failed(problem),
            None => WriteOutcome::Merged(pull, merge),
        },
        outcome => WriteOutcome::Failed(Problem::NotMerged(pull, outcome)),
    })
}

/// Closes older pull requests after a push to the branch itself: merging one would bring an older
/// image back. The commit has landed, so a failure here is only a notice.
pub(crate) async fn withdraw<P: WritePlan>(
    remote: &RemoteWriter<'_>,
    github: &GitHub<'_>,
    plan: &P,
    commit: &Commit,
) {
    let withdrawn = match proposal(github, github, plan.directories()) {
        Ok(proposal) => proposal.withdraw(commit).await,
        Err(failure) => Err(failure),
    };
    let notice = |text: String| remote.world.notice(text);
    match withdrawn {
        Ok(left) => left.iter().for_each(|pull| {
            notice(format!(
                "pull request #{} is still open, since another account opened it: merging it \
                 would bring an older image back",
                pull.number
            ));
        }),
        Err(failure) => {
            let why = failure.summary();
            notice(format!("older pull requests may still be open: {why}"));
        }
    }
}

fn proposal<'g, 'w, C: Committer>(
    github: &'g GitHub<'w>,
    committer: &'g C,
    directories: Vec<String>,
) -> Result<Proposal<'g, 'w, C>, Failure> {
    Proposal::new(github, committer, head, directories)
}

/// Returns the name of the pull request's branch: words for people, and a hash of the directories.
fn head(base: &BranchName, directories: &[String]) -> String {
    let mut words = String::new();
    for (at, directory) in directories.iter().enumerate() {
        if at > 0 {
            words.push('-');
        }
        words += directory.rsplit('/').next().unwrap_or_default();
    }
    let words: String = words
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(MAX_WORDS_LENGTH)
        .collect();
    let mut hash = String::new();
    for byte in &Sha256::digest(directories.join("\0"))[..4] {
        hash += &format!("{byte:02x}");
    }
    format!("runbook/{base}/{words}-{hash}")
}

/// Polls the pull request until it is no longer open, or the deadline is over.
async fn wait<C: Committer>(
    remote: &RemoteWriter<'_>,
    proposal: &Proposal<'_, '_, C>,
    pull: &PullRequest,
    commit: &Commit,
) -> Result<PullRequestState, Failure> {
    let world = remote.world;
    let mut pause = POLL_INTERVAL;
    let mut was_open = false;
    loop {
        let over = world.deadline().is_over();
        match proposal.outcome(commit).await {
            Ok(PullRequestState::Open) if !over => was_open = true,
            // The deadline cuts the last question off, and it was open when it was asked before.
            Err(failure) if failure.reason == asking::TIMED_OUT && over && was_open => {
                return Ok(PullRequestState::Open);
            }
            // Merging may take hours, so an outage in the meantime does not end the wait.
            Err(failure) if failure.verdict == Verdict::Unavailable && !over => {
                if failure.reason == asking::RATE_LIMITED {
                    pause = LIMIT_BACKOFF;
                }
            }
            decided => return decided,
        }
        world.waiting_for(format!(
            "pull request #{} to be merged: {}",
            pull.number, pull.url
        ));
        world.sleep(pause).await;
        pause = (pause * 2).min(MAX_POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_overlays_has_its_own_branch() {
        let base: BranchName = "release/1.0".parse().unwrap();
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
        assert!(names.iter().all(|name| name.parse::<BranchName>().is_ok()));
        assert!(head(&["a/..~ü.lock"]).parse::<BranchName>().is_ok());
    }
}

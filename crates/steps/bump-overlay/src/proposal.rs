//! A pull request where the branch itself is not to be written.

use std::time::Duration;

use branch::{Branch as _, Edit, Name, Rejection, RejectionKind, Snapshot};
use contract::{Commit, Failure, FailureKind, Report, World};
use github::{GitHub, Outcome, Proposal, Pull};
use sha2::{Digest as _, Sha256};

use crate::{
    Facts,
    edits::Edits,
    remote::{self, Ended, Pasts},
    request::{PullRequest, Request},
    say,
};

/// Between the first two questions whether it is merged, and at most between later ones.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// Returns whether a pull request is the way out: a rule is about who may write, not about what.
pub(crate) fn is_for(request: &Request, rejection: &Rejection) -> bool {
    request.pull_request == PullRequest::Fallback && rejection.kind == RejectionKind::Protected
}

/// Proposes the image, and waits until somebody merges it.
pub(crate) async fn propose(
    request: &Request,
    github: &GitHub<'_>,
    pasts: &Pasts<'_>,
    world: &World,
) -> Result<Report, Failure> {
    let proposal = proposal(request, github, world)?;
    let shown = github.repository().to_string();
    let supports = |onto: &Snapshot, edit: &Edit| github.supports(onto, edit);
    match remote::write(request, &proposal, &shown, supports, pasts, world).await? {
        Ended::Said(report) => Ok(*report),
        Ended::Landed { commit, edits } => {
            let (pull, outcome) = wait(request, &proposal, &edits, &commit, world).await?;
            if let Outcome::Merged(merge) = &outcome
                && let Some(report) = remote::unverified(request, github, &edits, merge).await?
            {
                return Ok(report);
            }
            Ok(say::proposed(request, &edits, github.name(), &pull, &outcome))
        }
        Ended::Rejected(rejection) => say::rejected(request, proposal.head(), &rejection),
        Ended::Unsupported(unsupported) => Ok(say::not_proposed(request, &unsupported)),
    }
}

/// Closes what was proposed before the branch itself could be written: merging it would bring an older
/// image back. The commit is there, so that trouble with this is no more than a notice.
pub(crate) async fn withdraw(request: &Request, github: &GitHub<'_>, commit: &Commit, world: &World) {
    let withdrawn = async { proposal(request, github, world)?.withdraw(commit).await };
    if let Err(failure) = withdrawn.await {
        world.notice(format!("older pull requests may still be open: {}", failure.summary()));
    }
}

fn proposal<'g, 'w>(
    request: &Request,
    github: &'g GitHub<'w>,
    world: &World,
) -> Result<Proposal<'g, 'w>, Failure> {
    let set = request.directories();
    let head = head(github.name(), &set).parse().map_err(Failure::internal)?;
    let random = (world.random() * f64::from(u32::MAX)) as u32;
    Ok(Proposal::new(github, head, set, random))
}

/// Returns the name of the branch for these directories: words for people, and a hash.
fn head(base: &Name, set: &[String]) -> String {
    let words = set.iter().map(|directory| directory.rsplit('/').next().unwrap_or_default());
    let words: Vec<String> = words
        .map(|word| word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect())
        .collect();
    let words: String = words.join("-").chars().take(60).collect();
    let hash: String =
        Sha256::digest(set.join("\0")).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("runbook/{base}/{words}-{hash}")
}

/// Waits until something has become of the pull request, or the deadline.
async fn wait(
    request: &Request,
    proposal: &Proposal<'_, '_>,
    edits: &Edits,
    commit: &Commit,
    world: &World,
) -> Result<(Pull, Outcome), Failure> {
    let Some(pull) = proposal.pull() else {
        return Err(Failure::internal(anyhow::anyhow!("the commit was proposed by no pull request")));
    };
    world.learn(&Facts { pull_request: pull.url.clone(), ..edits.facts_before(request) });
    let mut pause = PAUSES[0];
    loop {
        let over = world.deadline().is_over();
        match proposal.outcome(commit).await {
            Ok(Outcome::Open) if !over => {}
            // An outage is nothing new while people take their time.
            Err(failure) if failure.kind == FailureKind::Unavailable && !over => {}
            Ok(outcome) => return Ok((pull, outcome)),
            Err(failure) => return Err(failure),
        }
        world.waiting_for(format!("pull request #{} to be merged: {}", pull.number, pull.url));
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
        let head = |set: &[&str]| head(&base, &set.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        let names = [head(&["a/prod"]), head(&["b/prod"]), head(&["a/prod", "a/stage"]), head(&[""])];
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

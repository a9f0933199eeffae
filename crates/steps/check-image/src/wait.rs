//! Asking until it is there.

use std::time::Duration;

use contract::{Failure, Report, Verdict, World, asking};
use registry::{Answer, Repository};

use crate::{ABSENT, Args, Facts, inspect};

/// The pauses between two questions grow from 2 to 15 s.
const PAUSES: [u64; 5] = [2, 3, 5, 8, 15];

/// Asks once, or until the deadline, for a tag that may still be pushed. A registry shows a tag
/// seconds after the push, and a build takes minutes.
pub(crate) async fn until_there(
    args: &Args,
    repository: &Repository<'_>,
    world: &World,
) -> Result<Report, Failure> {
    let mut facts = Facts::default();
    for attempt in 1.. {
        facts.attempts = Some(attempt);
        facts.waited = Some(world.deadline().elapsed().as_secs()).filter(|_| attempt > 1);
        world.learn(&facts);
        let state = match ask(args, repository).await {
            Ok(Answer::Found(manifest)) => {
                return inspect::image(args, *manifest, repository, facts, world).await;
            }
            Ok(Answer::Absent(said)) if world.deadline().is_over() => {
                return Ok(absent(args, &said, facts, world));
            }
            Ok(Answer::Absent(_)) => format!("`{}` to appear: it is not there", args.image),
            Err(failure) if world.deadline().is_over() || !may_pass(&failure) => {
                return Err(failure);
            }
            Err(failure) => format!("`{}` to answer: {}", args.image.registry(), failure.reason),
        };
        world.waiting_for(state);
        world.sleep(pause(attempt, world)).await;
    }
    Err(Failure::internal(anyhow::anyhow!(
        "asked more often than can be counted"
    )))
}

/// Asks once, also while there is time to wait.
pub(crate) async fn once(
    args: &Args,
    repository: &Repository<'_>,
    world: &World,
) -> Result<Report, Failure> {
    let facts = Facts {
        attempts: Some(1),
        ..Facts::default()
    };
    match ask(args, repository).await? {
        Answer::Found(manifest) => inspect::image(args, *manifest, repository, facts, world).await,
        Answer::Absent(said) => Ok(absent(args, &said, facts, world)),
    }
}

/// Asks by the tag where there is one: it must mean the digest that stands beside it.
async fn ask(args: &Args, repository: &Repository<'_>) -> Result<Answer, Failure> {
    repository
        .manifest(
            args.image
                .tag()
                .map_or(args.image.selector(), |tag| tag.as_str()),
        )
        .await
}

/// An outage may end while we wait; a rejected password will not, and a rate limit longer than an
/// exchange will outlast us.
fn may_pass(failure: &Failure) -> bool {
    failure.verdict == Verdict::Unavailable
        && [asking::UNREACHABLE, asking::TIMED_OUT, asking::SERVER_ERROR].contains(&failure.reason)
}

fn pause(attempt: u32, world: &World) -> Duration {
    let index = usize::try_from(attempt - 1)
        .unwrap_or(usize::MAX)
        .min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES[index]).mul_f64(0.75 + world.random() / 4.0)
}

fn absent(args: &Args, said: &str, facts: Facts, world: &World) -> Report {
    let image = &args.image;
    let what = image.tag().map_or_else(
        || format!("digest {}", image.selector()),
        |tag| format!("tag {tag}"),
    );
    let waited = match facts.attempts {
        Some(attempts) if attempts > 1 => {
            format!(
                ", after {} s, {attempts} attempts",
                world.deadline().elapsed().as_secs()
            )
        }
        _ => String::new(),
    };
    let report = Report::refused(
        ABSENT,
        format!("{what} not found in {} ({said}){waited}", image.name()),
    );
    let report = report.with_facts(&facts);
    if world.deadline().waits() {
        report.hinted("see whether the build of this commit ended and pushed the image")
    } else {
        report.hinted("pass `--timeout 10m` to wait for a build that is still running")
    }
}

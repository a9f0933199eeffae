//! The steps at work: a registry and a git remote on this machine, for as long as the demo runs.
//!
//! Every command is one that a person could type, carried out by the step's own code; the demo is
//! good only if every verdict is the one that the story tells.

mod remote;
mod stage;

use std::process::ExitCode;

use bump_overlay::BumpOverlay;
use check_image::CheckImage;
use contract::{Invocation, Verdict};
use sandbox::{Image, Registry};

use self::{remote::Remote, stage::Stage};

/// The commit whose image is deployed.
const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f80912233445";
const REPOSITORY: &str = "data-literate/dex";

/// Runs the demo; 0 only if every verdict was the expected one.
pub(crate) fn main(invocation: Invocation) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(tell(invocation)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(exit) => ExitCode::from(exit),
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the front door talks to people")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: the demo could not go on: {error:#}");
    ExitCode::from(Verdict::Unavailable.exit())
}

async fn tell(invocation: Invocation) -> anyhow::Result<u8> {
    let registry = Registry::start().await?;
    let image = format!("{}/{REPOSITORY}", registry.address());
    let remote = Remote::new(&image)?;
    let mut stage = Stage::new(invocation);
    stage.title("A registry and a git remote on this machine, for as long as the demo runs");
    registry.push(REPOSITORY, "sha-1a2b3c4d", &Image::new(COMMIT, &["linux/amd64", "linux/arm64"]));

    let pinned = chapter_image(&mut stage, &image).await;
    chapter_overlay(&mut stage, &remote, &pinned).await;
    stage.say("What the remote has now, beside the commit before:");
    stage.quote(&remote.last_change()?);
    chapter_refusals(&mut stage, registry, &remote, &image).await;
    Ok(stage.end())
}

/// Is the image there, whole, for every platform?
async fn chapter_image(stage: &mut Stage, image: &str) -> String {
    stage.say("The build of commit 1a2b3c4d pushed its image. Is it there, whole, for both platforms?");
    let tagged = format!("{image}:sha-1a2b3c4d");
    let arguments = ["--image", &tagged, "--platform", "linux/amd64,linux/arm64"];
    let pinned = stage.run::<CheckImage>(&arguments, Verdict::Passed).await;
    stage.say("A tag that nobody pushed is a \"no\", at once and with its own exit code:");
    stage.run::<CheckImage>(&["--image", &format!("{image}:sha-99999999")], Verdict::Refused).await;
    stage.say("An image that is there but not for a platform that is needed is a \"no\" as well:");
    stage.run::<CheckImage>(&["--image", &tagged, "--platform", "linux/s390x"], Verdict::Refused).await;
    pinned
}

/// Stage and prod in one commit, one line each.
async fn chapter_overlay(stage: &mut Stage, remote: &Remote, pinned: &str) {
    let place = ["--branch", "main", "--remote", remote.path()];
    let overlays = ["--overlay", "infra/argocd/overlays/stage", "--overlay", "infra/argocd/overlays/prod"];
    let bump = [&overlays[..], &["--image", pinned, "--source-commit", COMMIT], &place].concat();
    stage.say("Stage and prod get the image. First what would change:");
    stage.run::<BumpOverlay>(&[&bump[..], &["--dry-run"]].concat(), Verdict::Passed).await;
    stage.say("Then the change itself: both overlays in one commit, no checkout, no clone:");
    stage.run::<BumpOverlay>(&bump, Verdict::Passed).await;
    stage.say("The same request again, as when a job is re-run, is no second commit:");
    stage.run::<BumpOverlay>(&bump, Verdict::Unchanged).await;
}

/// A "no" leaves everything as it is, and "could not ask" is not a "no".
async fn chapter_refusals(stage: &mut Stage, registry: Registry, remote: &Remote, image: &str) {
    stage.say("An image that the overlay does not have is refused, and nothing is written:");
    let other = ["--overlay", "infra/argocd/overlays/prod", "--image", "ghcr.io/somebody/else:v1"];
    let place = ["--branch", "main", "--remote", remote.path()];
    stage.run::<BumpOverlay>(&[&other[..], &place].concat(), Verdict::Refused).await;
    registry.stop().await;
    stage.say("The registry goes down. Whether the image is there cannot be told, which is not a \"no\":");
    stage.run::<CheckImage>(&["--image", &format!("{image}:sha-1a2b3c4d")], Verdict::Unavailable).await;
}

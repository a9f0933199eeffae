//! The steps at work: a registry, a git remote, an Argo CD and a cluster on this machine, for as long as the
//! demo runs.
//!
//! Every command is one that a person could type, carried out by the step's own code; the demo is
//! good only if every verdict is the one that the story tells.

mod remote;
mod stage;
mod world;

use std::process::ExitCode;

use bump_overlay::BumpOverlay;
use check_image::CheckImage;
use contract::{Invocation, Verdict};
use rollback_overlay::RollbackOverlay;
use verify_pods::VerifyPods;
use wait_argo::WaitArgo;

use self::{stage::Stage, world::World};

/// The commit whose image is deployed.
const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f80912233445";
const TAG: &str = "sha-1a2b3c4d";
/// What the overlays say before.
const FIRST_TAG: &str = "sha-0d9c8b7a";
/// What nobody has pushed.
const MISSING_TAG: &str = "sha-99999999";

const STAGE_AND_PROD: [&str; 2] = ["stage", "prod"];

/// Runs the demo; 0 only if every verdict was the expected one.
pub(crate) fn main(invocation: Invocation, keep: bool) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(tell(invocation, keep)) {
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

async fn tell(invocation: Invocation, keep: bool) -> anyhow::Result<u8> {
    let mut world = World::start().await?;
    let mut stage = Stage::new(invocation, world.variables());
    stage.title(
        "A registry, a git remote, an Argo CD and a cluster on this machine, for as long as the demo runs",
    );
    stage.say("Where the steps find them, as they would be in the environment of a job:");
    stage.quote(&world.exports());
    world.push(TAG, COMMIT);

    let pinned = chapter_image(&mut stage, &world).await;
    chapter_dev(&mut stage, &world, &pinned).await;
    chapter_release(&mut stage, &world, &pinned).await?;
    chapter_bad_image(&mut stage, &world).await;
    chapter_back(&mut stage, &world, &pinned).await?;
    if keep {
        stage.keep(&world).await;
    } else {
        chapter_silence(&mut stage, &mut world).await;
    }
    Ok(stage.end())
}

/// Is the image there, whole, for every platform?
async fn chapter_image(stage: &mut Stage, world: &World) -> String {
    stage.chapter("The image");
    stage.say(
        "The build of commit 1a2b3c4d pushed its image. Is it there, whole, for both platforms?",
    );
    let tagged = world.image(TAG);
    let arguments = ["--image", &tagged, "--platform", "linux/amd64,linux/arm64"];
    let pinned = stage.run::<CheckImage>(&arguments, Verdict::Passed).await;
    stage.say("A tag that nobody pushed is a \"no\", at once and with its own exit code:");
    stage
        .run::<CheckImage>(&["--image", &world.image(MISSING_TAG)], Verdict::Refused)
        .await;
    stage.say("An image that is there but not for a platform that is needed is a \"no\" as well:");
    stage
        .run::<CheckImage>(
            &["--image", &tagged, "--platform", "linux/s390x"],
            Verdict::Refused,
        )
        .await;
    pinned
}

/// One environment, from its branch to its pods.
async fn chapter_dev(stage: &mut Stage, world: &World, pinned: &str) {
    stage.chapter("Deploy to dev");
    stage.say("The image goes into the overlay of dev, on the branch that dev is deployed from:");
    let commit = bump(stage, world, &["dev"], pinned, Verdict::Passed).await;
    stage.say("Has Argo CD brought this commit to Synced and Healthy? It looks every three minutes, so it is asked to:");
    wait_argo(stage, &["dev"], &commit, pinned, Verdict::Passed).await;
    stage.say("Do all pods run these bytes, and stay up?");
    verify_pods(stage, &["dev"], pinned, Verdict::Passed).await;
}

/// Stage and prod in one commit, one line each.
async fn chapter_release(stage: &mut Stage, world: &World, pinned: &str) -> anyhow::Result<()> {
    stage.chapter("Release to stage and prod");
    stage.say("First what would change:");
    let dry = [
        &to_overlays(world, &STAGE_AND_PROD, pinned)[..],
        &["--dry-run".to_owned()],
    ]
    .concat();
    stage.run::<BumpOverlay>(&dry, Verdict::Passed).await;
    stage.say("Then the change itself: both overlays in one commit, no checkout, no clone:");
    let commit = bump(stage, world, &STAGE_AND_PROD, pinned, Verdict::Passed).await;
    stage.say("The same request again, as when a job is re-run, is no second commit:");
    bump(stage, world, &STAGE_AND_PROD, pinned, Verdict::Unchanged).await;
    stage.say("What the remote has now, beside the commit before:");
    stage.quote(&world.last_change()?);
    stage.say("Both applications are waited for together, with one deadline:");
    wait_argo(stage, &STAGE_AND_PROD, &commit, pinned, Verdict::Passed).await;
    verify_pods(stage, &STAGE_AND_PROD, pinned, Verdict::Passed).await;
    stage.say("An image that the overlay does not have is refused, and nothing is written:");
    bump(
        stage,
        world,
        &["prod"],
        "ghcr.io/somebody/else:v1",
        Verdict::Refused,
    )
    .await;
    Ok(())
}

/// Somebody did not ask whether the image is there.
async fn chapter_bad_image(stage: &mut Stage, world: &World) {
    stage.chapter("A bad image");
    stage.say(
        "Somebody writes a tag into prod that nobody has pushed, without `check-image` before:",
    );
    let image = world.image(MISSING_TAG);
    let commit = bump(stage, world, &["prod"], &image, Verdict::Passed).await;
    stage.say("Argo CD calls it Progressing for ten minutes. The reason is known at once, and so is whose fault it is:");
    wait_argo(stage, &["prod"], &commit, &image, Verdict::Refused).await;
    verify_pods(stage, &["prod"], &image, Verdict::Refused).await;
}

/// The image that was there before, and what keeps the bad one away.
async fn chapter_back(stage: &mut Stage, world: &World, pinned: &str) -> anyhow::Result<()> {
    stage.chapter("The way back");
    stage.say("The image before is put back in one commit, since the registry still has it; what others changed meanwhile stays:");
    let bad = world.image(MISSING_TAG);
    let commit = roll_back(stage, world, "prod", &bad).await;
    stage.quote(&world.last_change()?);
    stage.say("That commit says which image was bad, so a late run of its pipeline does not bring it back:");
    bump(stage, world, &["prod"], &bad, Verdict::Refused).await;
    stage.say("And prod is what it was:");
    wait_argo(stage, &["prod"], &commit, pinned, Verdict::Passed).await;
    verify_pods(stage, &["prod"], pinned, Verdict::Passed).await;
    Ok(())
}

/// "Could not ask" is not a "no".
async fn chapter_silence(stage: &mut Stage, world: &mut World) {
    stage.chapter("No answer");
    let image = world.image(TAG);
    world.stop_registry().await;
    stage.say(
        "The registry goes down. Whether the image is there cannot be told, which is not a \"no\":",
    );
    stage
        .run::<CheckImage>(&["--image", &image], Verdict::Unavailable)
        .await;
}

/// Writes an image into overlays and returns the commit.
async fn bump(
    stage: &mut Stage,
    world: &World,
    to: &[&str],
    image: &str,
    expected: Verdict,
) -> String {
    stage
        .run::<BumpOverlay>(&to_overlays(world, to, image), expected)
        .await
}

/// Takes a bad image out of an overlay and returns the commit.
async fn roll_back(stage: &mut Stage, world: &World, environment: &str, bad: &str) -> String {
    let overlay = remote::overlay(environment);
    let arguments = [
        "--overlay",
        &overlay,
        "--image",
        bad,
        "--bad",
        bad,
        "--branch",
        "main",
        "--remote",
    ];
    let arguments = [
        &arguments[..],
        &[world.remote(), "--reason", "image-not-found"],
    ]
    .concat();
    stage
        .run::<RollbackOverlay>(&arguments, Verdict::Passed)
        .await
}

fn to_overlays(world: &World, environments: &[&str], image: &str) -> Vec<String> {
    let branch = if environments == ["dev"] {
        "dev"
    } else {
        "main"
    };
    let overlays = environments
        .iter()
        .flat_map(|name| ["--overlay".to_owned(), remote::overlay(name)]);
    let rest = [
        "--image",
        image,
        "--branch",
        branch,
        "--remote",
        world.remote(),
    ]
    .map(str::to_owned);
    let source = image
        .contains(TAG)
        .then(|| ["--source-commit", COMMIT].map(str::to_owned));
    overlays
        .chain(rest)
        .chain(source.into_iter().flatten())
        .collect()
}

async fn wait_argo(
    stage: &mut Stage,
    environments: &[&str],
    commit: &str,
    image: &str,
    expected: Verdict,
) {
    let apps = list(environments);
    stage
        .run::<WaitArgo>(
            &["--app", &apps, "--commit", commit, "--image", image],
            expected,
        )
        .await;
}

async fn verify_pods(stage: &mut Stage, environments: &[&str], image: &str, expected: Verdict) {
    let namespaces = list(environments);
    let arguments = [
        "--namespace",
        &namespaces,
        "--workload",
        "deployment/dex",
        "--image",
        image,
    ];
    stage
        .run::<VerifyPods>(&[&arguments[..], &["--soak", "1s"]].concat(), expected)
        .await;
}

/// Application and namespace have the same name.
fn list(environments: &[&str]) -> String {
    environments
        .iter()
        .map(|name| format!("dex-{name}"))
        .collect::<Vec<_>>()
        .join(",")
}

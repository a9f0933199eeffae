//! The steps at work on a registry, a git remote, an Argo CD and a cluster of this machine, which
//! run as long as the demo.
//!
//! A person could type every command; the step's own code runs it. The demo passes only if every
//! verdict is the one that the story tells.

mod images;
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

use self::{
    images::{COMMIT, MISSING_TAG, TAG},
    stage::Stage,
    world::DemoWorld,
};

const STAGE_AND_PROD: [&str; 2] = ["stage", "prod"];

/// Runs the demo; the exit code is 0 only if every verdict is as expected.
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
    eprintln!("error: the demo could not continue: {error:#}");
    ExitCode::from(Verdict::Unavailable.exit())
}

async fn tell(invocation: Invocation, keep: bool) -> anyhow::Result<u8> {
    let mut world = DemoWorld::start().await?;
    let mut stage = Stage::new(invocation, world.variables());
    stage.title(
        "A registry, a git remote, an Argo CD and a cluster run on this machine during the demo",
    );
    stage.say("The steps find them through these variables, as they would in a job:");
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

/// Checks that the image exists and is complete, for every platform.
async fn chapter_image(stage: &mut Stage, world: &DemoWorld) -> String {
    stage.chapter("The image");
    stage.say("The build of commit 1a2b3c4d pushed its image. Is it complete, for both platforms?");
    let tagged = world.image(TAG);
    let arguments = ["--image", &tagged, "--platform", "linux/amd64,linux/arm64"];
    let pinned = stage.run::<CheckImage>(&arguments, Verdict::Passed).await;
    stage.say("A tag that was never pushed is a \"no\", at once and with its own exit code:");
    stage
        .run::<CheckImage>(&["--image", &world.image(MISSING_TAG)], Verdict::Refused)
        .await;
    stage.say("An image that lacks a required platform is a \"no\" as well:");
    stage
        .run::<CheckImage>(
            &["--image", &tagged, "--platform", "linux/s390x"],
            Verdict::Refused,
        )
        .await;
    pinned
}

/// Deploys to one environment, from its branch to its pods.
async fn chapter_dev(stage: &mut Stage, world: &DemoWorld, pinned: &str) {
    stage.chapter("Deploy to dev");
    stage.say("Write the image into the overlay of dev, on the branch that deploys dev:");
    let commit = bump(stage, world, &["dev"], pinned, Verdict::Passed).await;
    stage.say(
        "Has Argo CD synced this commit, and is the application healthy? Argo CD reads the branch \
         every three minutes, so the step asks for a refresh:",
    );
    wait_argo(stage, &["dev"], &commit, pinned, Verdict::Passed).await;
    stage.say("Do all pods run exactly this image, and stay up?");
    verify_pods(stage, &["dev"], pinned, Verdict::Passed).await;
}

/// Releases to stage and prod in one commit, which changes one line of each.
async fn chapter_release(stage: &mut Stage, world: &DemoWorld, pinned: &str) -> anyhow::Result<()> {
    stage.chapter("Release to stage and prod");
    stage.say("First a dry run, which shows the change:");
    let dry = [
        &to_overlays(world, &STAGE_AND_PROD, pinned)[..],
        &["--dry-run".to_owned()],
    ]
    .concat();
    stage.run::<BumpOverlay>(&dry, Verdict::Passed).await;
    stage.say("Then the change itself: both overlays in one commit, without checkout or clone:");
    let commit = bump(stage, world, &STAGE_AND_PROD, pinned, Verdict::Passed).await;
    stage.say("The same request again, as when a job is re-run, makes no second commit:");
    bump(stage, world, &STAGE_AND_PROD, pinned, Verdict::Unchanged).await;
    stage.say("The new commit on the remote:");
    stage.quote(&world.last_change()?);
    stage.say("The step waits for both applications together, with one deadline:");
    wait_argo(stage, &STAGE_AND_PROD, &commit, pinned, Verdict::Passed).await;
    verify_pods(stage, &STAGE_AND_PROD, pinned, Verdict::Passed).await;
    stage.say("An image that the overlay does not list is refused, and nothing is written:");
    bump(
        stage,
        world,
        &["prod"],
        "ghcr.io/example/other:v1",
        Verdict::Refused,
    )
    .await;
    Ok(())
}

/// Deploys an image that does not exist.
async fn chapter_bad_image(stage: &mut Stage, world: &DemoWorld) {
    stage.chapter("A bad image");
    stage.say("A tag that was never pushed is written into prod, without `check-image` first:");
    let image = world.image(MISSING_TAG);
    let commit = bump(stage, world, &["prod"], &image, Verdict::Passed).await;
    stage.say(
        "Argo CD would report Progressing for ten minutes. The steps know the reason at once, and \
         whose fault it is:",
    );
    wait_argo(stage, &["prod"], &commit, &image, Verdict::Refused).await;
    verify_pods(stage, &["prod"], &image, Verdict::Refused).await;
}

/// Restores the previous image, and shows that the bad one stays away.
async fn chapter_back(stage: &mut Stage, world: &DemoWorld, pinned: &str) -> anyhow::Result<()> {
    stage.chapter("The way back");
    stage.say(
        "The registry still has the previous image, so one commit restores it. Changes that others \
         made in the meantime stay:",
    );
    let bad = world.image(MISSING_TAG);
    let commit = roll_back(stage, world, "prod", &bad).await;
    stage.quote(&world.last_change()?);
    stage.say(
        "That commit records the bad image, so a late run of its pipeline cannot bring it back:",
    );
    bump(stage, world, &["prod"], &bad, Verdict::Refused).await;
    stage.say("And prod is as it was before:");
    wait_argo(stage, &["prod"], &commit, pinned, Verdict::Passed).await;
    verify_pods(stage, &["prod"], pinned, Verdict::Passed).await;
    Ok(())
}

/// Shows that "could not ask" is not a "no".
async fn chapter_silence(stage: &mut Stage, world: &mut DemoWorld) {
    stage.chapter("No answer");
    let image = world.image(TAG);
    world.stop_registry().await;
    stage
        .say("The registry goes down. Whether the image exists is unknown, which is not a \"no\":");
    stage
        .run::<CheckImage>(&["--image", &image], Verdict::Unavailable)
        .await;
}

/// Writes an image into overlays and returns the commit.
async fn bump(
    stage: &mut Stage,
    world: &DemoWorld,
    to: &[&str],
    image: &str,
    expected: Verdict,
) -> String {
    stage
        .run::<BumpOverlay>(&to_overlays(world, to, image), expected)
        .await
}

/// Takes a bad image out of an overlay and returns the commit.
async fn roll_back(stage: &mut Stage, world: &DemoWorld, environment: &str, bad: &str) -> String {
    let overlay = remote::overlay(environment);
    let image = ["--overlay", &overlay, "--image", bad, "--bad", bad];
    let place = ["--branch", "main", "--remote", world.remote()];
    let arguments = [&image[..], &place, &["--reason", "image-not-found"]].concat();
    stage
        .run::<RollbackOverlay>(&arguments, Verdict::Passed)
        .await
}

fn to_overlays(world: &DemoWorld, environments: &[&str], image: &str) -> Vec<String> {
    let branch = match environments {
        ["dev"] => "dev",
        _ => "main",
    };
    let mut arguments = Vec::new();
    for environment in environments {
        arguments.extend(["--overlay".to_owned(), remote::overlay(environment)]);
    }
    let place = ["--branch", branch, "--remote", world.remote()];
    arguments.extend(["--image", image].map(str::to_owned));
    arguments.extend(place.map(str::to_owned));
    if image.contains(TAG) {
        arguments.extend(["--source-commit", COMMIT].map(str::to_owned));
    }
    arguments
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

/// Returns the names of the applications, which are also their namespaces.
fn list(environments: &[&str]) -> String {
    environments
        .iter()
        .map(|name| format!("dex-{name}"))
        .collect::<Vec<_>>()
        .join(",")
}

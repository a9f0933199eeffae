//! Bump and rollback together: a bad image is removed, stays away, and its repair passes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use lab::{GitRemote, HermeticCommand, Image, Registry, overlays::SampleOverlay};

const REPOSITORY: &str = "acme/app";
const OVERLAYS: [&str; 2] = ["infra/argocd/overlays/stage", "infra/argocd/overlays/prod"];

struct RollbackWorld {
    registry: Registry,
    remote: GitRemote,
}

impl RollbackWorld {
    fn new() -> Self {
        let world = Self {
            registry: Registry::plain(),
            remote: GitRemote::new(),
        };
        let overlays = [SampleOverlay::stage("v0"), SampleOverlay::prod("v0")]
            .map(|overlay| overlay.new_name(&world.name()));
        let files = overlays.map(|overlay| (overlay.path(), overlay.text()));
        let files = files
            .each_ref()
            .map(|(path, text)| (path.as_str(), text.as_str(), false));
        world.remote.commit("main", &files, "feat: start\n");
        world
    }

    fn name(&self) -> String {
        format!("{}/{REPOSITORY}", self.registry.address())
    }

    /// Commits a state of the source and pushes its image; returns the commit and the image, pinned
    /// as `check-image` prints it.
    fn build(&self, state: &str) -> (String, String) {
        let commit = self.remote.commit(
            "main",
            &[("src/app.rs", state, false)],
            &format!("feat: {state}\n"),
        );
        let image = self.image(&commit);
        (commit, image)
    }

    fn image(&self, commit: &str) -> String {
        let tag = format!("sha-{}", &commit[..8]);
        let pushed = Image::single("linux/amd64").label("revision", commit).push(
            &self.registry,
            REPOSITORY,
            &tag,
        );
        format!("{}:{tag}@{}", self.name(), pushed.digest)
    }

    fn step(&self, step: &str, flags: &[&str]) -> HermeticCommand {
        let command = HermeticCommand::new(env!("CARGO_BIN_EXE_runbook"))
            .arg(step)
            .args(flags);
        let command = command
            .args(["--branch", "main", "--remote"])
            .arg(self.remote.path());
        OVERLAYS.iter().fold(command, |command, overlay| {
            command.args(["--overlay", overlay])
        })
    }

    fn bump(&self, (commit, image): &(String, String)) -> HermeticCommand {
        self.step(
            "bump-overlay",
            &["--image", image, "--source-commit", commit],
        )
    }

    fn roll_back(&self, bad: &str) -> HermeticCommand {
        self.step("rollback-overlay", &["--image", bad, "--bad", bad])
    }

    /// Returns the tags of stage and prod.
    fn tags(&self) -> Vec<String> {
        let tag = |folder: &str| {
            let text = self
                .remote
                .file("main", &format!("{folder}/kustomization.yaml"))
                .unwrap();
            let value = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("newTag: "))
                .unwrap();
            value.split(' ').next().unwrap().to_owned()
        };
        OVERLAYS.into_iter().map(tag).collect()
    }
}

#[test]
fn a_rolled_back_image_stays_away_until_repaired() {
    let world = RollbackWorld::new();
    let (good, bad) = (world.build("good"), world.build("bad"));
    world.bump(&good).assert().code(0);
    world.bump(&bad).assert().code(0);
    let before = world.tags();

    world.roll_back(&bad.1).assert().code(0);
    let rolled_back = world.remote.log("main")[0].clone();
    let restored = format!("sha-{}", &good.0[..8]);
    assert_eq!(world.tags(), [restored.clone(), restored]);
    let trailer = |name: &str| rolled_back.trailer(name);
    assert_eq!(trailer("Runbook-Rollback-Of"), Some(bad.1.as_str()));
    assert_eq!(trailer("Runbook-Image"), Some(good.1.as_str()));
    assert_eq!(trailer("Runbook-Source"), Some(good.0.as_str()));
    world.roll_back(&bad.1).assert().code(0);
    assert_eq!(world.remote.tip("main"), rolled_back.id);

    // The pipeline of the bad commit runs once more, then that of the rollback's own commit.
    let again = world.bump(&bad).args(["--format", "json"]).run();
    again.expect_code(10);
    assert_eq!(again.json()["reason"], "held");
    let of_rollback = (rolled_back.id.clone(), world.image(&rolled_back.id));
    world.bump(&of_rollback).assert().code(10);
    assert_eq!(world.remote.tip("main"), rolled_back.id);

    let repair = world.build("repaired");
    world.bump(&repair).assert().code(0);
    // Late runs of earlier pipelines do not win either.
    world.bump(&good).assert().code(12);
    world.roll_back(&bad.1).assert().code(12);
    world.bump(&bad).arg("--force").assert().code(0);
    assert_eq!(world.tags(), before);
    world.remote.fsck();
}

#[test]
fn a_source_repository_is_asked_after_a_rollback_too() {
    let (world, code) = (RollbackWorld::new(), GitRemote::new());
    let build = |state: &str| {
        let commit = code.commit("main", &[("src/app.rs", state, false)], "feat: x\n");
        let image = world.image(&commit);
        (commit, image)
    };
    let (good, late, bad) = (build("good"), build("late"), build("bad"));
    let bump = |built: &(String, String)| {
        let command = world.bump(built).arg("--source-repository");
        command.arg(code.path()).assert()
    };
    bump(&good).code(0);
    bump(&bad).code(0);
    world.roll_back(&bad.1).assert().code(0);
    // A build between the two is older than the newest image that was ever deployed; a rollback
    // does not make it new.
    bump(&late).code(12);
    bump(&build("repaired")).code(0);
}

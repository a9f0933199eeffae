//! The forge's deployments of an environment: the last good image is restored.

use lab::ScriptedReply;
use serde_json::{Value, json};

use super::{PROD, ProdWorld, STAGE, left_nothing};

/// All that the step needs on GitHub when the overlays are elsewhere.
const READ: [&str; 1] = ["deployments: read"];

/// A world, and a GitHub with its deployments.
struct Forge {
    world: ProdWorld,
    github: lab::FakeGitHub,
}

impl Forge {
    /// Prod has had these images.
    fn with(tags: &[&str]) -> Self {
        let world = ProdWorld::with(tags);
        let github = lab::FakeGitHub::new(&world.remote);
        Self { world, github }
    }

    /// Records that an image was deployed, as `record-deployment` does.
    fn record(&self, environment: &str, tag: &str, states: &[&str]) {
        let commit = self.set_by(environment, tag);
        let payload = self.payload(environment, tag, &commit);
        self.github.deploy(environment, &payload, states);
    }

    fn payload(&self, environment: &str, tag: &str, commit: &str) -> Value {
        let digest = self.world.push(tag);
        let image = format!("{}@{digest}", self.world.image(tag));
        let overlay = format!("infra/argocd/overlays/{environment}");
        json!({ "schema": 1, "overlay": overlay, "commit": commit, "image": image })
    }

    /// Returns the first commit of `main` with this tag in the file of an environment, else the tip.
    fn set_by(&self, environment: &str, tag: &str) -> String {
        let path = format!("infra/argocd/overlays/{environment}/kustomization.yaml");
        let line = format!("newTag: {tag} ");
        let log = self.world.remote.log("main").into_iter().rev();
        let mut has_it = log.filter(|commit| {
            let text = self.world.remote.file(&commit.id, &path);
            text.is_some_and(|text| text.contains(&line))
        });
        has_it
            .next()
            .map_or_else(|| self.world.remote.tip("main"), |commit| commit.id)
    }

    /// Rolls these environments back, and asks the forge which images were good.
    fn roll_back(&self, environments: &[&str]) -> lab::HermeticCommand {
        let command = self.world.at(
            &self.world.remote.path().display().to_string(),
            environments,
        );
        let command = environments.iter().fold(command, |command, name| {
            command.args(["--environment", name])
        });
        self.github
            .environment(command, &self.github.token_with(&READ))
            .env("GITHUB_REPOSITORY", lab::github::REPOSITORY)
    }

    fn json(&self, command: &lab::HermeticCommand, code: i32) -> Value {
        let run = command.clone().args(["--format", "json"]).run();
        run.expect_code(code);
        run.json()
    }
}

#[test]
fn the_last_good_image_is_restored() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v1", &["in_progress", "success"]);
    forge.record("prod", "v2", &["in_progress", "failure"]);
    forge.github.deploy("prod", &json!({}), &["success"]);
    forge.record("prod", "v3", &["in_progress"]);
    let report = forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
    assert_eq!(
        (&report["facts"]["verified"], &report["notices"]),
        (&json!(true), &json!([]))
    );
    let log = forge.world.remote.log("main");
    assert_eq!(log[0].trailer("Runbook-Restores"), Some(&*log[3].id));
    let again = forge
        .roll_back(&["prod"])
        .args(["--bad", &forge.world.image("v3")])
        .run();
    again.expect_code(0);
    assert!(again.stderr.starts_with("unchanged: "), "{again}");
}

/// Every job with `deployments: write` makes deployments as the same account.
#[test]
fn a_record_that_comes_again_chooses_no_older_image() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    for tag in ["v1", "v2", "v1"] {
        forge.record("prod", tag, &["in_progress", "success"]);
    }
    let report = forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(
        (forge.world.file(), &report["facts"]["verified"]),
        (forge.world.prod("v2"), &json!(true))
    );
}

#[test]
fn an_image_that_the_file_never_had_is_not_good() {
    let forge = Forge::with(&["v1", "v2"]);
    let tip = forge.world.remote.tip("main");
    for commit in ["9".repeat(40), tip, forge.set_by("prod", "v1")] {
        let payload = forge.payload("prod", "pr-666", &commit);
        forge.github.deploy("prod", &payload, &["success"]);
    }
    let report = forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(
        (forge.world.file(), &report["facts"]["verified"]),
        (forge.world.prod("v1"), &json!(false))
    );
}

#[test]
fn only_the_commit_with_the_image_confirms_a_record() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    let aside = forge
        .world
        .commit_to("aside", &[("x", "x".to_owned())], "feat: aside\n");
    let later = forge.world.commit(&[("x", "y".to_owned())], "feat: more\n");
    for commit in ["9".repeat(40), aside, later, forge.set_by("prod", "v2")] {
        let payload = forge.payload("prod", "v1", &commit);
        forge.github.deploy("prod", &payload, &["success"]);
        let payload = forge.payload("prod", "v2", &commit);
        let states = if commit == forge.set_by("prod", "v2") {
            "success"
        } else {
            "failure"
        };
        forge.github.deploy("prod", &payload, &[states]);
    }
    forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(forge.world.file(), forge.world.prod("v2"));
}

#[test]
fn a_commit_that_still_had_the_image_confirms_a_record() {
    let forge = Forge::with(&["v1"]);
    let later = forge.world.commit(&[("x", "y".to_owned())], "feat: more\n");
    for tag in ["v2", "v3"] {
        forge.world.push(tag);
        forge.world.deploy(tag);
    }
    let payload = forge.payload("prod", "v1", &later);
    forge.github.deploy("prod", &payload, &["success"]);
    let report = forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(
        (forge.world.file(), &report["facts"]["verified"]),
        (forge.world.prod("v1"), &json!(true))
    );
}

#[test]
fn records_of_another_account_do_not_count() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    let payload = forge.payload("prod", "v1", &forge.set_by("prod", "v1"));
    forge
        .github
        .deploy_as("mallory", "prod", &payload, &["success"]);
    let command = forge.roll_back(&["prod"]).arg("--dry-run");
    let report = forge.json(&command, 0);
    let notices = report["notices"].to_string();
    assert!(
        notices.contains("by `mallory` do not count") && notices.contains("`--deployed-by`"),
        "{report}"
    );
    assert_eq!(report["facts"]["verified"], false);
    forge.json(
        &forge
            .roll_back(&["prod"])
            .args(["--deployed-by", "mallory"]),
        0,
    );
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
}

#[test]
fn bad_foreign_and_newer_images_are_not_good() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v3", &["success"]);
    forge.github.deploy(
        "prod",
        &json!({ "schema": 1, "overlay": "elsewhere" }),
        &["success"],
    );
    forge.record("stage", "v1", &["success"]);
    let report = forge.json(&forge.roll_back(&["prod"]), 0);
    assert_eq!(
        (forge.world.file(), &report["facts"]["verified"]),
        (forge.world.prod("v2"), &json!(false))
    );
    forge.world.push("v4");
    forge.world.deploy("v4");
    forge.record("prod", "v4", &["success"]);
    let report = forge.json(
        &forge
            .roll_back(&["prod"])
            .args(["--bad", &forge.world.image("v3")]),
        12,
    );
    assert_eq!(
        (forge.world.file(), &report["reason"]),
        (forge.world.prod("v4"), &json!("newer-image"))
    );
}

#[test]
fn a_rollbacks_mark_outweighs_a_recorded_success() {
    let forge = Forge::with(&["v1", "v2"]);
    forge.record("prod", "v1", &["success"]);
    forge.record("prod", "v2", &["success"]);
    forge.roll_back(&["prod"]).run().expect_code(0);
    forge.world.push("v3");
    forge.world.deploy("v3");
    forge.roll_back(&["prod"]).run().expect_code(0);
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
}

#[test]
fn without_good_images_the_previous_one_is_restored() {
    let forge = Forge::with(&["v1", "v2"]);
    let run = forge.roll_back(&["prod"]).run();
    run.expect_code(0);
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
    let said = forge.world.said(&run);
    let notice = said.lines().find(|line| line.starts_with("note")).unwrap();
    insta::assert_snapshot!(notice, @"note: `infra/argocd/overlays/prod/kustomization.yaml`: no deployment to `prod` says that REGISTRY/acme/app:v1 was good: it is the previous image");
}

#[test]
fn one_request_covers_every_overlays_environment() {
    let forge = Forge::with(&[]);
    let world = &forge.world;
    for (stage, prod) in [("v1", "v1"), ("v2", "v2"), ("v3", "v2"), ("v4", "v4")] {
        world.push(stage);
        world.commit(
            &[(STAGE, world.stage(stage)), (PROD, world.prod(prod))],
            "deploy\n",
        );
    }
    forge.record("stage", "v2", &["success"]);
    forge.record("stage", "v3", &["failure"]);
    forge.record("prod", "v1", &["success"]);
    forge.record("prod", "v2", &["success", "failure"]);
    let command = forge.roll_back(&["stage", "prod"]);
    command.run().expect_code(0);
    assert_eq!(
        (world.remote.file("main", STAGE).unwrap(), world.file()),
        (world.stage("v2"), world.prod("v1"))
    );
    assert_eq!(forge.github.asked(), ["query Deployments"]);
    left_nothing(&command);
}

#[test]
fn a_good_tag_that_moved_is_refused() {
    let forge = Forge::with(&["v1", "v2"]);
    forge.record("prod", "v1", &["success"]);
    forge.world.push_built("v1", "2025-06-01T00:00:00Z");
    let report = forge.json(&forge.roll_back(&["prod"]), 10);
    assert_eq!(
        (&report["reason"], forge.world.remote.pushes()),
        (&json!("tag-moved"), 0)
    );
}

#[test]
fn an_absent_good_image_needs_allow_older() {
    let forge = Forge::with(&["v1"]);
    forge.world.deploy("gone");
    forge.world.push("v3");
    forge.world.deploy("v3");
    forge.record("prod", "v1", &["success"]);
    let payload = json!({
        "schema": 1, "overlay": "./infra/argocd/overlays/prod/kustomization.yaml",
        "commit": forge.set_by("prod", "gone"),
        "image": format!("{}@sha256:{}", forge.world.image("gone"), "a".repeat(64)),
    });
    forge.github.deploy("prod", &payload, &["success"]);
    let report = forge.json(&forge.roll_back(&["prod"]), 10);
    assert_eq!(
        (&report["reason"], forge.world.remote.pushes()),
        (&json!("absent"), 0)
    );
    let report = forge.json(&forge.roll_back(&["prod"]).arg("--allow-older"), 0);
    assert_eq!(
        (forge.world.file(), &report["facts"]["verified"]),
        (forge.world.prod("v1"), &json!(true))
    );
}

#[test]
fn an_unanswered_forge_writes_nothing() {
    let forge = Forge::with(&["v1", "v2"]);
    let token = forge.github.token_with(&["contents: write"]);
    let report = forge.json(
        &forge
            .roll_back(&["prod"])
            .env("RUNBOOK_GITHUB_TOKEN", token),
        21,
    );
    assert_eq!(report["reason"], "permission-missing");
    assert!(
        report["hints"].to_string().contains("`deployments: read`"),
        "{report}"
    );
    let report = forge.json(
        &forge.roll_back(&["prod"]).env("RUNBOOK_GITHUB_TOKEN", ""),
        21,
    );
    assert_eq!(report["reason"], "no-credentials");
    forge
        .github
        .answer_next(std::iter::repeat_with(|| ScriptedReply::html(502)).take(50));
    let report = forge.json(&forge.roll_back(&["prod"]).args(["--timeout", "1s"]), 20);
    assert_eq!(
        (&report["reason"], forge.world.remote.pushes()),
        (&json!("server-error"), 0)
    );
    assert!(
        report["summary"]
            .to_string()
            .contains("could not find out what was good"),
        "{report}"
    );
}

#[test]
fn the_repository_of_the_deployments_is_required() {
    let forge = Forge::with(&["v1", "v2"]);
    for wrong in ["", "dex", "https://github.com/example/dex"] {
        let report = forge.json(
            &forge.roll_back(&["prod"]).env("GITHUB_REPOSITORY", wrong),
            2,
        );
        assert!(
            report["hints"].to_string().contains("--repository"),
            "{report}"
        );
    }
    let command = forge
        .roll_back(&["prod"])
        .args(["--to", &forge.world.image("v1")]);
    let report = forge.json(&command, 0);
    assert!(
        report["notices"].to_string().contains("not asked"),
        "{report}"
    );
    assert!(forge.github.asked().is_empty());
}

#[test]
fn an_image_that_only_failed_is_passed_over() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v2", &["failure"]);
    let run = forge.roll_back(&["prod"]).run();
    run.expect_code(0);
    assert!(
        forge
            .world
            .said(&run)
            .contains("passed over: REGISTRY/acme/app:v2 only ever failed in `prod`"),
        "{run}"
    );
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
    let none = Forge::with(&["v1", "v2"]);
    none.record("prod", "v1", &["error"]);
    let report = none.json(&none.roll_back(&["prod"]), 10);
    assert_eq!(report["reason"], "no-earlier-image");
    assert!(
        report["summary"]
            .to_string()
            .contains("only ever failed in `prod`"),
        "{report}"
    );
}

#[test]
fn overlays_on_github_have_their_deployments_there() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v1", &["success"]);
    let token = forge
        .github
        .token_with(&["contents: write", "deployments: read"]);
    forge
        .world
        .on(&forge.github, &token, &["prod"])
        .args(["--environment", "prod"])
        .run()
        .expect_code(0);
    assert_eq!(forge.world.file(), forge.world.prod("v1"));
}

#[test]
fn a_dry_run_shows_which_were_good() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v1", &["success"]);
    forge.record("prod", "v2", &["failure"]);
    let run = forge.roll_back(&["prod"]).arg("--dry-run").run();
    run.expect_code(0);
    let said = forge.world.said(&run);
    insta::assert_snapshot!(said.split_once("images of").unwrap().1, @"
    `infra/argocd/overlays/prod/kustomization.yaml`, newest first:
       COMMIT  2025-01-01  REGISTRY/acme/app:v3  deployed, bad
       COMMIT  2025-01-01  REGISTRY/acme/app:v2
       COMMIT  2025-01-01  REGISTRY/acme/app:v1  verified, to be restored
    ");
}

#[test]
fn a_run_is_replayed_without_the_forge() {
    let forge = Forge::with(&["v1", "v2", "v3"]);
    forge.record("prod", "v1", &["success"]);
    let command = forge.roll_back(&["prod"]);
    let record = command.home().join("record");
    command
        .clone()
        .arg("--record")
        .arg(&record)
        .run()
        .expect_code(0);
    drop(forge);
    let (recorded, again) = super::replay::replayed(&record);
    assert_eq!(recorded, again);
    assert_eq!(recorded["facts"]["verified"], true);
}

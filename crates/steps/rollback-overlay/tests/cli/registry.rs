//! The registry: it lacks the image, or it does not answer.

use lab::{Image, registry::Setup};

use super::{PROD, ProdWorld, REPOSITORY};

#[test]
fn an_absent_image_needs_allow_older() {
    let world = ProdWorld::with(&["v1"]);
    world.deploy("gone");
    world.push("v3");
    world.deploy("v3");
    let run = world.roll_back(&[]).run();
    run.expect_code(10);
    insta::assert_snapshot!(without_notes(&world, &run), @"
    refused: `infra/argocd/overlays/prod`: tag gone not found in REGISTRY/acme/app (MANIFEST_UNKNOWN: manifest unknown) (on `main` at COMMIT) [absent]
    hint: pass `--allow-older` for the image before that one, or name one with `--to`
    reproduce: rollback-overlay --image REGISTRY/acme/app --branch main --remote REMOTE --overlay infra/argocd/overlays/prod
    ");
    assert_eq!(world.remote.pushes(), 0);
    let run = world.roll_back(&["--allow-older"]).run();
    run.expect_code(0);
    assert!(
        run.stderr.contains("passed over: tag gone not found"),
        "{run}"
    );
    assert_eq!(world.file(), world.prod("v1"));
    let again = world
        .roll_back(&["--allow-older", "--bad", &world.image("v3")])
        .run();
    again.expect_code(0);
    assert!(again.stderr.starts_with("unchanged: "), "{again}");
}

#[test]
fn a_tag_that_moved_is_refused() {
    let world = ProdWorld::with(&[]);
    let digest = world.push("v1");
    let trailer = format!("deploy\n\nRunbook-Image: {}@{digest}\n", world.image("v1"));
    world.commit(&[(PROD, world.prod("v1"))], &trailer);
    world.push("v2");
    world.deploy("v2");
    world.push_built("v1", "2025-06-01T00:00:00Z");
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(10);
    assert_eq!(
        (&run.json()["reason"], world.remote.pushes()),
        (&"tag-moved".into(), 0)
    );
}

#[test]
fn a_digest_in_the_file_outweighs_its_tag() {
    let world = ProdWorld::with(&[]);
    let pinned = |tag: &str, digest: &str| {
        world
            .prod(tag)
            .replace("\n\npatches", &format!("\n    digest: {digest}\n\npatches"))
    };
    let digests = ["v1", "v2"].map(|tag| {
        let digest = world.push(tag);
        world.commit(&[(PROD, pinned(tag, &digest))], "deploy\n");
        digest
    });
    world.push_built("v1", "2025-06-01T00:00:00Z");
    world.roll_back(&[]).run().expect_code(0);
    assert_eq!(world.file(), pinned("v1", &digests[0]));
    let log = world.remote.log("main");
    assert_eq!(
        log[0].trailer("Runbook-Rollback-Of"),
        Some(&*format!("{}@{}", world.image("v2"), digests[1]))
    );
}

#[test]
fn an_unanswered_registry_writes_nothing() {
    let mut world = ProdWorld::with(&["v1", "v2"]);
    let address = lab::closed_port();
    let text = |tag: &str| {
        world
            .prod(tag)
            .replace(world.registry.address(), &address.to_string())
    };
    let (one, two) = (text("v1"), text("v2"));
    world.commit(&[(PROD, one)], "x\n");
    world.commit(&[(PROD, two)], "x\n");
    let name = format!("{address}/{}", super::REPOSITORY);
    let command = ProdWorld::of(&name, "main", &world.remote.url(), &["prod"]);
    let run = command.args(["--format", "json", "--timeout", "2s"]).run();
    run.expect_code(20);
    assert_eq!(
        (&run.json()["reason"], world.remote.pushes()),
        (&"unreachable".into(), 0)
    );
    assert_eq!(
        run.json()["facts"]["image"],
        serde_json::json!([format!("{name}:v2")])
    );
    world.registry = Setup::default().htpasswd("ada", "love").start();
    world.push("v1");
    for tag in ["v1", "v2"] {
        world.deploy(tag);
    }
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(21);
    assert_eq!(
        (&run.json()["reason"], world.remote.pushes()),
        (&"no-credentials".into(), 0)
    );
    let command = world.roll_back(&["--registry-username", "ada"]);
    command
        .env("RUNBOOK_REGISTRY_PASSWORD", "love")
        .run()
        .expect_code(0);
}

fn without_notes(world: &ProdWorld, run: &lab::ProgramRun) -> String {
    world
        .said(run)
        .lines()
        .filter(|line| !line.starts_with("note"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Deploys images of these platforms, one after another.
fn deployed(images: &[(&str, &[&str])]) -> ProdWorld {
    let world = ProdWorld::with(&[]);
    for (tag, platforms) in images {
        let index = platforms
            .iter()
            .fold(Image::index(), |index, platform| index.platform(platform));
        index
            .label("tag", tag)
            .push(&world.registry, REPOSITORY, tag);
        world.deploy(tag);
    }
    world
}

const ONE: &[&str] = &["linux/amd64"];
const BOTH: &[&str] = &["linux/amd64", "linux/arm64"];

#[test]
fn the_good_image_needs_the_bad_ones_platforms() {
    let world = deployed(&[("v1", BOTH), ("v2", ONE), ("v3", BOTH)]);
    let run = world.roll_back(&[]).run();
    run.expect_code(10);
    insta::assert_snapshot!(without_notes(&world, &run), @"
    refused: `infra/argocd/overlays/prod`: REGISTRY/acme/app:v2: missing platform linux/arm64 (has linux/amd64), which the bad one has (on `main` at COMMIT) [platform-missing]
    hint: pass `--allow-older` for the image before that one, or name this one with `--to` if no node needs the platform
    reproduce: rollback-overlay --image REGISTRY/acme/app --branch main --remote REMOTE --overlay infra/argocd/overlays/prod
    ");
    assert_eq!(world.remote.pushes(), 0);
    let run = world.roll_back(&["--allow-older"]).run();
    run.expect_code(0);
    assert!(
        run.stderr.contains("passed over: ") && run.stderr.contains("linux/arm64"),
        "{run}"
    );
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn extra_platforms_and_a_named_image_pass() {
    let world = deployed(&[("v1", BOTH), ("v2", ONE)]);
    world.roll_back(&[]).run().expect_code(0);
    let world = deployed(&[("v1", ONE), ("v2", BOTH)]);
    world
        .roll_back(&["--to", &world.image("v1")])
        .run()
        .expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

#[test]
fn an_absent_bad_image_requires_no_platform() {
    let world = deployed(&[("v1", ONE)]);
    world.deploy("gone");
    let run = world.roll_back(&["--format", "json"]).run();
    run.expect_code(0);
    assert!(
        run.json()["notices"]
            .to_string()
            .contains("no platform is required"),
        "{run}"
    );
    assert!(world.file().contains("newTag: v1 "), "{}", world.file());
}

/// A registry that only the history names gets no request.
#[test]
fn only_a_named_image_crosses_registries() {
    let world = ProdWorld::with(&["v1"]);
    let elsewhere = |tag: &str| {
        let text = world.prod(tag);
        text.replace(world.registry.address(), &lab::closed_port().to_string())
    };
    world.commit(&[(PROD, elsewhere("v2"))], "chore: a mirror\n");
    world.push("v3");
    world.deploy("v3");
    let report = |flags: &[&str], code: i32| {
        let run = world.roll_back(flags).args(["--format", "json"]).run();
        run.expect_code(code);
        run.json()
    };
    let refused = report(&[], 10);
    assert_eq!(refused["reason"], "other-registry", "{refused}");
    assert!(refused["hints"].to_string().contains("`--to`"), "{refused}");
    report(&["--allow-older"], 0);
    assert_eq!(world.file(), world.prod("v1"));
    // The deployed image is elsewhere, and the flag names the entry.
    world.commit(&[(PROD, elsewhere("v4"))], "chore: a mirror\n");
    let url = world.remote.path().display().to_string();
    let by_entry = ProdWorld::of("example/dex", "main", &url, &["prod"]);
    let by_entry = by_entry.args(["--timeout", "5s", "--format", "json"]);
    let seen = world.registry.requests();
    let run = by_entry.run();
    run.expect_code(10);
    assert_eq!(run.json()["reason"], "other-registry", "{run}");
    assert_eq!(world.registry.requests(), seen);
    let good = world.image("v1");
    by_entry.args(["--to", &good]).run().expect_code(0);
    assert_eq!(world.file(), world.prod("v1"));
}

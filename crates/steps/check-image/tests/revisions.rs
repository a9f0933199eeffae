//! The commit that an image names, in a real registry.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use lab::{HermeticCommand, Image, ProgramRun, PushedImage, Registry};

const COMMIT: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const OTHER: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c";
const REVISION: &str = "org.opencontainers.image.revision";

/// An image in a registry of its own, which counts requests.
struct Pushed {
    registry: Registry,
    _image: PushedImage,
}

impl Pushed {
    fn new(image: &Image) -> Self {
        let registry = Registry::plain();
        let _image = image.push(&registry, "acme/app", "v1");
        Self { registry, _image }
    }

    fn check(&self, flags: &[&str]) -> ProgramRun {
        let image = format!("{}/acme/app:v1", self.registry.address());
        HermeticCommand::new(env!("CARGO_BIN_EXE_check-image"))
            .args([
                "--format",
                "json",
                "--image",
                &image,
                "--source-commit",
                COMMIT,
            ])
            .args(flags)
            .run()
    }
}

fn both() -> Image {
    Image::index()
        .platform("linux/amd64")
        .platform("linux/arm64")
}

/// Returns the code, the reason, the fact and the number of requests.
fn outcome(run: &ProgramRun) -> (i32, String, String, u64) {
    let document = run.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let requests = document["requests"].as_u64().unwrap();
    (
        run.code,
        text(&document["reason"]),
        text(&document["facts"]["revision"]),
        requests,
    )
}

fn expected(code: i32, reason: &str, fact: &str, requests: u64) -> (i32, String, String, u64) {
    (code, reason.to_owned(), fact.to_owned(), requests)
}

#[test]
fn a_label_that_names_the_commit_is_enough() {
    // An index, two manifests, two configurations.
    let pushed = Pushed::new(&both().label(REVISION, COMMIT).provenance(OTHER));
    assert_eq!(
        outcome(&pushed.check(&[])),
        expected(0, "-", "consistent", 5)
    );
    let pushed = Pushed::new(&Image::single("linux/amd64").label(REVISION, COMMIT));
    assert_eq!(
        outcome(&pushed.check(&[])),
        expected(0, "-", "consistent", 2)
    );
}

#[test]
fn a_wrong_label_alone_refuses_with_what_mends_it() {
    let pushed = Pushed::new(&both().label_on("linux/arm64", REVISION, OTHER).label_on(
        "linux/amd64",
        REVISION,
        COMMIT,
    ));
    let run = pushed.check(&[]);
    let document = run.json();
    assert_eq!(
        (run.code, &document["reason"]),
        (10, &"revision-mismatch".into()),
        "{run}"
    );
    assert_eq!(document["fault"], "configuration");
    let summary = document["summary"].as_str().unwrap();
    assert!(
        summary.ends_with("label names 9f8e7d6c, not 1a2b3c4d"),
        "{summary}"
    );
    assert_eq!(document["subjects"][0]["verdict"], "passed");
    assert!(
        document["hints"][0]
            .as_str()
            .unwrap()
            .contains("docker/metadata-action"),
        "{run}"
    );
    assert_eq!(document["facts"]["image"], serde_json::Value::Null, "{run}");
}

#[test]
fn provenance_outweighs_a_wrong_label_with_a_notice() {
    for image in [both().provenance(COMMIT), both().provenance_v02(COMMIT)] {
        let pushed = Pushed::new(&image.label(REVISION, OTHER));
        let run = pushed.check(&[]);
        // Two manifests and two statements more.
        assert_eq!(outcome(&run), expected(0, "-", "consistent", 9), "{run}");
        let notice = "label names 9f8e7d6c, not 1a2b3c4d as another source does";
        assert!(run.stderr.contains(notice), "{run}");
        let strict = pushed.check(&["--revision-source", "all"]);
        assert_eq!(outcome(&strict).1, "revision-mismatch", "{strict}");
        let label = pushed.check(&["--revision-source", "label"]);
        assert_eq!(
            outcome(&label),
            expected(10, "revision-mismatch", "-", 5),
            "{label}"
        );
        let provenance = pushed.check(&["--revision-source", "provenance"]);
        assert_eq!(outcome(&provenance).2, "consistent", "{provenance}");
    }
}

#[test]
fn provenance_of_another_commit_refuses() {
    let pushed = Pushed::new(&both().provenance(OTHER));
    let run = pushed.check(&[]);
    assert_eq!(
        outcome(&run),
        expected(10, "revision-mismatch", "-", 9),
        "{run}"
    );
    assert!(run.stderr.contains("provenance names 9f8e7d6c"), "{run}");
}

#[test]
fn an_image_without_revision_is_unknown() {
    for image in [
        both().attestations(),
        both().label(REVISION, "main"),
        both(),
    ] {
        let pushed = Pushed::new(&image);
        let run = pushed.check(&[]);
        assert_eq!(
            (outcome(&run).0, outcome(&run).2.as_str()),
            (0, "unknown"),
            "{run}"
        );
        assert!(run.stderr.contains("so its commit is unknown"), "{run}");
        let strict = pushed.check(&["--require-revision"]);
        assert_eq!(outcome(&strict).1, "no-revision", "{strict}");
    }
}

#[test]
fn an_annotation_of_the_index_is_about_each_image() {
    let pushed = Pushed::new(&both().annotation(REVISION, COMMIT));
    assert_eq!(
        outcome(&pushed.check(&["--require-revision"])),
        expected(0, "-", "consistent", 5)
    );
}

#[test]
fn a_commit_needs_all_its_digits() {
    let check = |flags: &[&str]| {
        HermeticCommand::new(env!("CARGO_BIN_EXE_check-image"))
            .args(["--image", "127.0.0.1:1/a/b:v1"])
            .args(flags)
            .run()
    };
    for flags in [
        &["--source-commit", "1a2b3c4"][..],
        &["--require-revision"],
        &["--shallow", "--source-commit", COMMIT],
    ] {
        let run = check(flags);
        assert_eq!(run.code, 2, "{run}");
    }
}

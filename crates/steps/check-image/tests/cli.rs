//! Runs the binary against real registries and against servers that misbehave.

use lab::{Faulty, HermeticCommand, Image, ProgramRun, Registry, ScriptedReply, closed_port};
use serde_json::{Value, json};

const REPOSITORY: &str = "data-literate/dex";

fn check(image: &str) -> HermeticCommand {
    HermeticCommand::new(env!("CARGO_BIN_EXE_check-image"))
        .arg("--image")
        .arg(image)
}

fn at(address: &str, selector: &str) -> String {
    format!("{address}/{REPOSITORY}{selector}")
}

fn both() -> Image {
    Image::index()
        .platform("linux/amd64")
        .platform("linux/arm64")
        .attestations()
}

/// Runs with `--format json` and returns the code and the document.
fn json_of(command: &HermeticCommand) -> (i32, Value) {
    let run = command.clone().arg("--format").arg("json").run();
    (run.code, run.json())
}

/// Returns the words for people, with the same address of the registry in every run.
fn words(run: &ProgramRun, address: &str) -> String {
    run.stderr.replace(address, "REGISTRY")
}

#[test]
fn an_index_with_all_platforms_passes_pinned() {
    let registry = Registry::plain();
    let pushed = both().push(&registry, REPOSITORY, "sha-1a2b3c4d");
    let check = check(&at(registry.address(), ":sha-1a2b3c4d"))
        .arg("--platform")
        .arg("linux/amd64,linux/arm64");
    let run = check.run();
    let pinned = at(
        registry.address(),
        &format!(":sha-1a2b3c4d@{}", pushed.digest),
    );
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, format!("{pinned}\n").as_str())
    );
    let (_, document) = json_of(&check);
    let facts = &document["facts"];
    assert_eq!(facts["image"], pinned);
    assert_eq!(facts["platforms"], json!(["linux/amd64", "linux/arm64"]));
    let mut digests = vec![pushed.digest.clone()];
    pushed
        .children
        .iter()
        .for_each(|child| digests.extend([child.digest.clone(), child.config_digest.clone()]));
    assert_eq!(facts["digests"], json!(digests));
    assert_eq!(
        document["requests"], 3,
        "one request for the index, one for each image"
    );
}

#[test]
fn an_absent_tag_refuses_in_one_request() {
    let registry = Registry::plain();
    let run = check(&at(registry.address(), ":sha-1a2b3c4d")).run();
    insta::assert_snapshot!(words(&run, registry.address()), @r"
    refused: tag sha-1a2b3c4d not found in REGISTRY/data-literate/dex (MANIFEST_UNKNOWN: manifest unknown) [absent]
    hint: pass `--timeout 10m` to wait for a build that is still running
    reproduce: check-image --image REGISTRY/data-literate/dex:sha-1a2b3c4d
    ");
    assert_eq!(
        (run.code, run.stdout.as_str(), registry.requests()),
        (10, "", 1)
    );
}

#[test]
fn a_missing_platform_refuses_and_lists_existing_ones() {
    let registry = Registry::plain();
    Image::index()
        .platform("linux/amd64")
        .attestations()
        .push(&registry, REPOSITORY, "v1");
    let (code, document) = json_of(
        &check(&at(registry.address(), ":v1"))
            .arg("--platform=linux/amd64")
            .arg("--platform=linux/arm64"),
    );
    assert_eq!(
        (code, &document["reason"], &document["fault"]),
        (10, &json!("platform-missing"), &json!("change"))
    );
    assert!(
        document["summary"]
            .as_str()
            .unwrap()
            .ends_with("missing platform linux/arm64 (has linux/amd64)"),
        "{document}"
    );
    assert_eq!(document["subjects"][0]["verdict"], "passed");
    assert_eq!(document["facts"]["image"], Value::Null);
}

#[test]
fn a_single_manifests_configuration_tells_its_platform() {
    let registry = Registry::plain();
    Image::single("linux/arm64").push(&registry, REPOSITORY, "v1");
    let image = at(registry.address(), ":v1");
    assert_eq!(
        json_of(&check(&image).arg("--platform=linux/arm64/v8")).0,
        0
    );
    let (code, document) = json_of(&check(&image).arg("--platform=linux/amd64"));
    assert_eq!(
        (code, &document["reason"]),
        (10, &json!("platform-missing"))
    );
}

#[test]
fn a_moved_tag_is_not_the_requested_digest() {
    let registry = Registry::plain();
    let old = both()
        .created("2026-01-01T00:00:00Z")
        .push(&registry, REPOSITORY, "v1")
        .digest;
    let new = both()
        .created("2026-02-02T00:00:00Z")
        .push(&registry, REPOSITORY, "v1")
        .digest;
    assert_eq!(
        json_of(&check(&at(registry.address(), &format!("@{old}")))).0,
        0
    );
    assert_eq!(
        json_of(&check(&at(registry.address(), &format!(":v1@{new}")))).0,
        0
    );
    let (code, document) = json_of(&check(&at(registry.address(), &format!(":v1@{old}"))));
    assert_eq!((code, &document["reason"]), (10, &json!("tag-moved")));
    assert!(
        document["summary"]
            .as_str()
            .unwrap()
            .starts_with(&format!("tag v1 now points to {}", &new[..19])),
        "{document}"
    );
}

#[test]
fn a_deleted_image_leaves_a_dangling_index_unless_shallow() {
    let registry = Registry::plain();
    let pushed = both().push(&registry, REPOSITORY, "v1");
    registry.delete_manifest(REPOSITORY, &pushed.children[1].digest);
    let check = check(&at(registry.address(), ":v1"));
    let (code, document) = json_of(&check);
    assert_eq!((code, &document["reason"]), (10, &json!("dangling-index")));
    let (code, document) = json_of(&check.arg("--shallow"));
    assert_eq!((code, &document["requests"]), (0, &json!(1)));
}

#[test]
fn charts_signatures_and_schema_1_are_no_images() {
    let registry = Registry::plain();
    Image::schema1().push(&registry, REPOSITORY, "schema1");
    Image::helm().push(&registry, REPOSITORY, "chart");
    Image::cosign_signature().push(&registry, REPOSITORY, "signature");
    for (tag, says) in [
        ("schema1", "a legacy schema1 manifest"),
        ("chart", "vnd.cncf.helm"),
        ("signature", ""),
    ] {
        let (code, document) = json_of(&check(&at(registry.address(), &format!(":{tag}"))));
        assert_eq!(
            (code, &document["reason"]),
            (10, &json!("not-an-image")),
            "{document}"
        );
        assert!(
            document["summary"].as_str().unwrap().contains(says),
            "{document}"
        );
    }
}

#[test]
fn docker_media_types_and_zstd_layers_are_images() {
    let registry = Registry::plain();
    both().docker().push(&registry, REPOSITORY, "docker");
    both().zstd().push(&registry, REPOSITORY, "zstd");
    both().unmarked().push(&registry, REPOSITORY, "unmarked");
    for tag in ["docker", "zstd", "unmarked"] {
        let check = check(&at(registry.address(), &format!(":{tag}")))
            .arg("--platform=linux/amd64,linux/arm64");
        let (code, document) = json_of(&check);
        assert_eq!(code, 0, "{document}");
    }
}

#[test]
fn a_wrong_password_from_the_environment_is_denied() {
    let registry = Registry::htpasswd("robot", "s3cr3t-right");
    both().push(&registry, REPOSITORY, "v1");
    let check = check(&at(registry.address(), ":v1")).arg("--registry-username=robot");
    let right = check
        .clone()
        .env("RUNBOOK_REGISTRY_PASSWORD", "s3cr3t-right")
        .run();
    assert_eq!(right.code, 0, "{right}");
    let wrong = check
        .env("RUNBOOK_REGISTRY_PASSWORD", "s3cr3t-wrong")
        .arg("-v")
        .run();
    insta::assert_snapshot!(words(&wrong, registry.address()).lines().find(|line| line.starts_with("denied")).unwrap(), @"denied: `REGISTRY` rejected the credentials in `RUNBOOK_REGISTRY_PASSWORD`: UNAUTHORIZED: authentication required [credentials-rejected]");
    assert_eq!(wrong.code, 21);
    assert!(!format!("{wrong}").contains("s3cr3t"), "{wrong}");
    assert!(wrong.stderr.contains(
        "reproduce: RUNBOOK_REGISTRY_PASSWORD=\"$RUNBOOK_REGISTRY_PASSWORD\" check-image"
    ));
}

#[test]
fn a_failing_credential_helper_is_skipped() {
    let registry = Registry::htpasswd("robot", "right");
    both().push(&registry, REPOSITORY, "v1");
    let directory = tempfile::tempdir().unwrap();
    let config = json!({"credHelpers": {registry.address(): "lab"}}).to_string();
    std::fs::write(directory.path().join("config.json"), config).unwrap();
    let path = format!(
        "{}:{}",
        directory.path().display(),
        std::env::var("PATH").unwrap()
    );
    let check = check(&at(registry.address(), ":v1"))
        .env("DOCKER_CONFIG", directory.path())
        .env("PATH", path);
    let helper = |script: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let file = directory.path().join("docker-credential-lab");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    helper(
        r#"read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"robot\",\"Secret\":\"right\"}""#,
    );
    assert_eq!(check.run().code, 0);
    helper("echo no keyring; exit 1");
    let (code, document) = json_of(&check);
    assert_eq!((code, &document["reason"]), (21, &json!("no-credentials")));
    assert_eq!(
        document["notices"],
        json!(["skipped `docker-credential-lab`, which failed: no keyring"])
    );
    helper("yes keyring | head -c 100000; exit 1");
    let (_, document) = json_of(&check);
    let notice = document["notices"][0].as_str().unwrap();
    assert!(notice.len() < 600, "{} bytes", notice.len());
}

#[test]
fn invalid_flags_are_reported_before_any_request() {
    let server = Faulty::new([ScriptedReply::status(200)]);
    let (tag, digest) = (
        at(&server.address(), ":v1"),
        at(&server.address(), "@sha256:zz"),
    );
    let cases: [(&str, &[&str]); 9] = [
        (&at(&server.address(), ""), &[]),
        (&at(&server.address(), ":-v1"), &[]),
        (&digest, &[]),
        ("https://ghcr.io/a:v1", &[]),
        (&tag, &["--nonsense"]),
        (&tag, &["--platform=linux"]),
        (&tag, &["--platform=linux/amd46"]),
        (&tag, &["--registry-ca-file=/nowhere/ca.pem"]),
        (&tag, &["--timeout=soon"]),
    ];
    for (image, arguments) in cases {
        let command = arguments
            .iter()
            .fold(check(image), |command, argument| command.arg(argument));
        let (code, document) = json_of(&command);
        assert_eq!(
            (code, &document["reason"], &document["requests"]),
            (2, &json!("invalid-usage"), &json!(0)),
            "{document}"
        );
    }
    let secret = check(&tag).env("RUNBOOK_REGISTRY_PASSWORD", "a\nb");
    assert_eq!(json_of(&secret).0, 2);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn no_answer_is_never_no() {
    let mebibyte = 1 << 20;
    let cases = [
        (ScriptedReply::html(200), 20, "not-the-api"),
        (ScriptedReply::html(404), 20, "not-the-api"),
        (ScriptedReply::html(503), 20, "server-error"),
        (
            ScriptedReply::json(200, &json!({"hello": "world"})),
            20,
            "not-the-api",
        ),
        (
            ScriptedReply::status(429).retry_after(3600),
            20,
            "rate-limited",
        ),
        (ScriptedReply::status(200).endless(b' '), 20, "not-the-api"),
        (
            ScriptedReply::status(200).filled(b' ', 10 << 30),
            20,
            "not-the-api",
        ),
        (
            ScriptedReply::text(200, &"x".repeat(mebibyte)),
            20,
            "not-the-api",
        ),
        (
            ScriptedReply::registry_error(
                403,
                "DENIED",
                "requested access to the resource is denied",
            ),
            21,
            "no-credentials",
        ),
    ];
    for (reply, expected, reason) in cases {
        let server = Faulty::new([reply]);
        let run = check(&at(&server.address(), ":v1"))
            .arg("--format=json")
            .run();
        let document = run.json();
        assert_eq!(
            (run.code, &document["reason"]),
            (expected, &json!(reason)),
            "{document}"
        );
        assert!(
            run.max_rss_kib.is_none_or(|rss| rss < 30 << 10),
            "{:?} KiB",
            run.max_rss_kib
        );
    }
    let (code, document) = json_of(&check(&at(&closed_port(), ":v1")));
    assert_eq!(
        (code, &document["reason"], &document["fault"]),
        (20, &json!("unreachable"), &json!("environment"))
    );
}

#[test]
fn a_redirect_to_another_host_gets_no_password() {
    let other = Faulty::new([ScriptedReply::registry_error(
        404,
        "MANIFEST_UNKNOWN",
        "manifest unknown",
    )]);
    let elsewhere = other.url();
    let server = Faulty::answering(move |seen| match seen.header("authorization") {
        None => ScriptedReply::registry_error(401, "UNAUTHORIZED", "log in")
            .header("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) => ScriptedReply::redirect(307, &elsewhere),
    });
    let run = check(&at(&server.address(), ":v1"))
        .env("RUNBOOK_REGISTRY_PASSWORD", "s3cr3t")
        .run();
    assert_eq!((run.code, other.seen().len()), (10, 1));
    assert_eq!(other.seen()[0].header("authorization"), None);
}

#[test]
fn waiting_ends_when_the_tag_appears() {
    let registry = Registry::plain();
    both().push(&registry, REPOSITORY, "v1");
    let absent = ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    let server = Faulty::new([
        absent.clone(),
        absent,
        ScriptedReply::forward(registry.address()),
    ]);
    let run = check(&at(&server.address(), ":v1"))
        .arg("--timeout=60s")
        .arg("--format=json")
        .run();
    let document = run.json();
    assert_eq!((run.code, &document["facts"]["attempts"]), (0, &json!(3)));
    assert!(
        document["facts"]["waited"].as_u64().unwrap() >= 3,
        "{document}"
    );
    assert_eq!(
        run.stderr.matches("waiting for").count(),
        1,
        "one line per change: {}",
        run.stderr
    );
}

#[test]
fn an_absent_tag_is_refused_at_the_deadline() {
    let registry = Registry::plain();
    let (code, document) = json_of(&check(&at(registry.address(), ":v1")).arg("--timeout=3s"));
    assert_eq!(
        (code, &document["verdict"], &document["reason"]),
        (10, &json!("refused"), &json!("absent"))
    );
    let summary = document["summary"].as_str().unwrap();
    assert!(
        summary.contains("after 3 s, ") && summary.ends_with(" attempts"),
        "{summary}"
    );
}

#[test]
fn an_uppercase_owner_is_lowered_with_a_notice() {
    let registry = Registry::plain();
    both().push(&registry, REPOSITORY, "v1");
    let (code, document) = json_of(&check(&format!(
        "{}/Data-Literate/DEX:v1",
        registry.address()
    )));
    assert_eq!(
        (code, document["notices"].as_array().unwrap().len()),
        (0, 1)
    );
}

#[test]
fn a_recording_replays_offline_to_the_same_report() {
    let registry = Registry::token("robot", "s3cr3t-right");
    both().push(&registry, REPOSITORY, "v1");
    let directory = tempfile::tempdir().unwrap();
    let tape = directory.path().join("tape");
    let run = check(&at(registry.address(), ":v1"))
        .args([
            "--platform=linux/amd64",
            "--registry-username=robot",
            "--timeout=1m",
            "--format=json",
            "--record",
        ])
        .arg(&tape)
        .env("RUNBOOK_REGISTRY_PASSWORD", "s3cr3t-right")
        .run();
    assert_eq!(run.code, 0, "{run}");
    drop(registry);
    let recorded = format!(
        "{}{}",
        std::fs::read_to_string(tape.join("run.json")).unwrap(),
        std::fs::read_to_string(tape.join("tape.jsonl")).unwrap()
    );
    assert!(
        !recorded.contains("s3cr3t") && !recorded.contains("eyJ"),
        "{recorded}"
    );
    let (was, is) = contract::replay::<check_image::CheckImage>(&tape).unwrap();
    let without_time = |mut report: Value| {
        report.as_object_mut().unwrap().remove("elapsed_ms");
        report
    };
    assert_eq!(without_time(is), without_time(was.clone()));
    assert_eq!(without_time(was), without_time(run.json()));
}

#[test]
fn a_recording_of_a_wait_replays_without_waiting() {
    let absent = ScriptedReply::registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    let server = Faulty::new([absent]);
    let directory = tempfile::tempdir().unwrap();
    let run = check(&at(&server.address(), ":v1"))
        .args(["--timeout=4s", "--format=json", "--record"])
        .arg(directory.path())
        .run();
    assert_eq!(run.code, 10);
    let started = std::time::Instant::now();
    let (was, is) = contract::replay::<check_image::CheckImage>(directory.path()).unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(1));
    assert_eq!(
        (&is["verdict"], &is["facts"], &is["summary"]),
        (&was["verdict"], &was["facts"], &was["summary"])
    );
}

#[test]
fn the_reasons_are_a_closed_list() {
    use contract::Step as _;
    let reasons: Vec<String> = check_image::CheckImage::REASONS
        .iter()
        .map(|r| format!("{} {}", r.word, r.fault))
        .collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    absent change
    platform-missing change
    dangling-index change
    not-an-image change
    tag-moved change
    revision-mismatch configuration
    no-revision configuration
    pull-blocked configuration
    firewall configuration
    ");
}

#[test]
fn help_lists_every_flag_and_exit_code() {
    let run = HermeticCommand::new(env!("CARGO_BIN_EXE_check-image"))
        .arg("--help")
        .run();
    assert_eq!(run.code, 0);
    insta::assert_snapshot!(run.stdout);
}

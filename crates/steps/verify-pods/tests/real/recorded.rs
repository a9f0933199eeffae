//! A recorded run on a real API server, and its replay.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use lab::{
    ProgramRun,
    testbed::{ScriptedStatus, Testbed, scripts},
};
use serde_json::Value;

use crate::fixture::{NEW, PodFixture, passed};

/// Runs with a kubeconfig in the current folder, so that the recording has no path of this machine.
fn record(fixture: &PodFixture) -> (ProgramRun, PathBuf, lab::HermeticCommand) {
    let verify = fixture
        .verify()
        .without_env("KUBECONFIG")
        .env("RUNBOOK_SOAK", "2s");
    std::fs::copy(
        &fixture.account.kubeconfig,
        verify.home().join("kubeconfig"),
    )
    .unwrap();
    let record = verify.home().join("record");
    let run = verify
        .clone()
        .args(["--kubeconfig", "kubeconfig", "--record"])
        .arg(&record)
        .run();
    (run, record, verify)
}

fn tape(directory: &Path) -> String {
    std::fs::read_to_string(directory.join("tape.jsonl")).unwrap()
}

/// What the API server sent: on a busy machine the controllers report more changes.
#[derive(Debug)]
struct RecordedAnswers {
    /// The lists and the events of watches.
    count: usize,
    bytes: usize,
}

fn answers(tape: &str) -> RecordedAnswers {
    let exchanges = tape
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let chunks = exchanges.flat_map(|mut exchange| {
        let chunks = exchange["answer"]["chunks"].take();
        chunks.as_array().cloned().unwrap_or_default()
    });
    let texts: Vec<String> = chunks
        .map(|chunk| chunk[1].as_str().unwrap().to_owned())
        .collect();
    let text = texts.concat();
    RecordedAnswers {
        count: text.lines().filter(|line| !line.trim().is_empty()).count(),
        bytes: text.len(),
    }
}

/// A rollout whose pods become ready after a while.
fn slow_rollout(fixture: &PodFixture) {
    fixture.namespace.pods(scripts::timeline([
        (
            Duration::from_millis(100),
            ScriptedStatus::running().not_ready(),
        ),
        (Duration::from_secs(1), ScriptedStatus::running()),
    ]));
    fixture.deploy(NEW, 2);
}

#[test]
fn a_replay_gives_the_same_report() {
    let fixture = PodFixture::new();
    slow_rollout(&fixture);
    let (run, directory, _home) = record(&fixture);
    passed(&run);
    let requests = run.json()["requests"].as_u64().unwrap();
    assert!(requests <= 10, "five lists and five watches: {run}");
    let tape = tape(&directory);
    assert!(!tape.contains(&fixture.account.token));
    let answers = answers(&tape);
    assert!(
        tape.len() < answers.count * (4 << 10) && tape.len() < answers.bytes * 5 / 4,
        "{} bytes of {answers:?}",
        tape.len()
    );
    let (was, is) = contract::replay::<verify_pods::VerifyPods>(&directory).unwrap();
    for part in ["verdict", "summary", "subjects", "notices", "requests"] {
        assert_eq!(is[part], was[part], "{part}");
    }
}

/// Makes the recordings that `tests/recordings.rs` replays. Run it by hand, on a testbed of its
/// own.
#[test]
#[ignore = "it writes into the repository"]
fn record_for_the_repository() {
    let testbed = Testbed::shared();
    let (prod, stage) = (
        testbed.namespace_named("dex-prod"),
        testbed.namespace_named("dex-stage"),
    );
    let (prod, stage) = (PodFixture::of(prod), PodFixture::of(stage));
    slow_rollout(&prod);
    keep("verified", &prod).expect_code(0);
    stage
        .namespace
        .pods(scripts::image_pull_backoff(&format!("{NEW}: not found")));
    stage.deploy(NEW, 2);
    keep("image-not-found", &stage).expect_code(10);
}

fn keep(name: &str, fixture: &PodFixture) -> ProgramRun {
    let (run, directory, _home) = record(fixture);
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name);
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(target.join("tape.jsonl"), tape(&directory)).unwrap();
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(directory.join("run.json")).unwrap()).unwrap();
    let arguments = document["arguments"].as_array_mut().unwrap();
    arguments[0] = "verify-pods".into();
    let at = arguments
        .iter()
        .position(|argument| argument == "--record")
        .unwrap();
    arguments.drain(at..=at + 1);
    std::fs::write(target.join("run.json"), format!("{document:#}\n")).unwrap();
    run
}

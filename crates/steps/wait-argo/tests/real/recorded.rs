//! A recorded run on a real Argo CD: it is small, and its replay has the same report.

use std::path::{Path, PathBuf};

use lab::{
    GitRemote, ProgramRun,
    testbed::{Namespace, Testbed, scripts},
};
use serde_json::Value;

use crate::deployed_app::{DeployedApp, NEW, token};

/// Returns the exchanges of a recording.
fn exchanges(directory: &Path) -> Vec<Value> {
    let tape = std::fs::read_to_string(directory.join("tape.jsonl")).unwrap();
    tape.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn url(exchange: &Value) -> &str {
    exchange["request"]["url"].as_str().unwrap_or_default()
}

/// Returns the frames of an event stream.
fn frames(exchange: &Value) -> Vec<String> {
    let chunks = exchange["answer"]["chunks"].as_array().unwrap().iter();
    let text: String = chunks.map(|chunk| chunk[1].as_str().unwrap()).collect();
    text.lines()
        .filter_map(|line| line.strip_prefix("data:").map(str::to_owned))
        .collect()
}

#[test]
fn a_recorded_deployment_is_small_and_replays() {
    let world = DeployedApp::new();
    let (commit, directory) = (world.push(NEW), tempfile::tempdir().unwrap());
    let run = world
        .wait(&commit, NEW)
        .arg("--record")
        .arg(directory.path())
        .run();
    run.expect_code(0);
    let all = exchanges(directory.path());
    let http: Vec<&Value> = all
        .iter()
        .filter(|exchange| exchange["kind"] == "http")
        .collect();
    let streams: Vec<&&Value> = http
        .iter()
        .filter(|exchange| url(exchange).contains("/stream/"))
        .collect();
    let [stream] = streams[..] else {
        panic!("one stream: {streams:?}")
    };
    assert!(
        url(stream).contains("&fields=error%2C"),
        "an error frame is filtered as well"
    );
    let frames = frames(stream);
    assert!(
        frames.iter().all(|frame| frame.len() <= 5 << 10),
        "{:?}",
        frames.iter().map(String::len)
    );
    assert!(
        http.len() <= 12
            && http
                .iter()
                .filter(|exchange| url(exchange).contains("refresh=normal"))
                .count()
                == 1
    );
    let text = std::fs::read_to_string(directory.path().join("tape.jsonl")).unwrap();
    assert!(
        text.len() < 60 << 10 && !text.contains(token()),
        "{} bytes",
        text.len()
    );
    let (was, is) = contract::replay::<wait_argo::WaitArgo>(directory.path()).unwrap();
    assert_eq!(
        (&is["subjects"], &is["requests"]),
        (&was["subjects"], &was["requests"])
    );
}

/// Writes the recordings that `tests/recordings.rs` replays: run it by hand, on a testbed of its
/// own.
#[test]
#[ignore = "it writes into the repository"]
fn record() {
    let testbed = Testbed::shared();
    let (prod, stage) = (
        testbed.namespace_named("dex-prod"),
        testbed.namespace_named("dex-stage"),
    );
    recorded("deployed", prod, |_| ()).expect_code(0);
    let message = "registry.example/example/dex:sha-1a2b3c4d: not found";
    recorded("image-pull", stage, |namespace| {
        namespace.pods(scripts::image_pull_backoff(message))
    })
    .expect_code(10);
}

/// Records a run against a repository behind HTTP, so that the recording has no path of this
/// machine.
fn recorded(name: &str, namespace: Namespace, before: impl FnOnce(&Namespace)) -> ProgramRun {
    let remote = GitRemote::new();
    let served = remote.http_open();
    let world = DeployedApp::of(namespace, remote, &served.url());
    before(&world.namespace);
    let (commit, directory) = (world.push(NEW), tempfile::tempdir().unwrap());
    let run = world
        .wait(&commit, NEW)
        .env("RUNBOOK_REMOTE", served.url())
        .arg("--record")
        .arg(directory.path())
        .run();
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name);
    std::fs::create_dir_all(&target).unwrap();
    std::fs::copy(
        directory.path().join("tape.jsonl"),
        target.join("tape.jsonl"),
    )
    .unwrap();
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("run.json")).unwrap()).unwrap();
    let arguments = document["arguments"].as_array_mut().unwrap();
    arguments[0] = "wait-argo".into();
    let at = arguments
        .iter()
        .position(|argument| argument == "--record")
        .unwrap();
    arguments.drain(at..=at + 1);
    std::fs::write(target.join("run.json"), format!("{document:#}\n")).unwrap();
    run
}

//! Runs that were recorded on a real API server give the same report again, offline.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::{Value, json};

fn replayed(name: &str) -> Value {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name);
    let (mut was, mut is) = contract::replay::<verify_pods::VerifyPods>(&directory).unwrap();
    for report in [&mut was, &mut is] {
        report["elapsed_ms"] = Value::Null;
    }
    assert_eq!(is, was);
    is
}

#[test]
fn a_rollout_replays() {
    let report = replayed("verified");
    assert_eq!(report["verdict"], "passed");
    assert_eq!(report["facts"]["pods"].as_array().unwrap().len(), 2);
    assert_eq!(report["subjects"][0]["name"], "dex-prod/deployment/dex");
}

#[test]
fn a_missing_image_replays() {
    let report = replayed("image-not-found");
    assert_eq!(
        (&report["verdict"], &report["fault"]),
        (&json!("refused"), &json!("change"))
    );
    assert!(
        report["summary"].as_str().unwrap().ends_with("not found"),
        "{report}"
    );
}

//! Runs that were recorded on a real Argo CD have the same report again, offline.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use serde_json::Value;

fn replay(name: &str) -> Value {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recordings")
        .join(name);
    let (mut recorded, mut replayed) = contract::replay::<wait_argo::WaitArgo>(&directory).unwrap();
    for report in [&mut recorded, &mut replayed] {
        report["elapsed_ms"] = Value::Null;
    }
    assert_eq!(replayed, recorded);
    replayed
}

#[test]
fn a_deployment_is_replayed() {
    let report = replay("deployed");
    assert_eq!(report["verdict"], "passed");
    assert_eq!(
        report["facts"]["apps"][0]["image"],
        "registry.example/example/dex:sha-1a2b3c4d"
    );
}

#[test]
fn a_failed_pull_is_replayed() {
    let report = replay("image-pull");
    assert_eq!(
        (&report["verdict"], &report["fault"]),
        (&"refused".into(), &"change".into())
    );
    assert!(
        report["summary"].as_str().unwrap().ends_with("not found"),
        "{report}"
    );
}

//! A thousand pods, more than one answer holds. `cargo bench -p tests --bench pods` shows their
//! cost. Run it by hand: `cargo test -p verify-pods --test real -- --ignored
//! every_one_of_a_thousand`.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::fixture::{NEW, PodFixture, passed};

const PODS: usize = 1_000;

#[test]
#[ignore = "a controller makes a thousand pods in about a minute"]
fn every_one_of_a_thousand_pods_is_judged() {
    let fixture = PodFixture::new();
    fixture.deploy(NEW, PODS as u32);
    let started = Instant::now();
    while fixture.namespace.list("apps/deployments")[0]["status"]["readyReplicas"] != json!(PODS) {
        assert!(
            started.elapsed() < Duration::from_secs(300),
            "{}",
            ready(&fixture)
        );
        thread::sleep(Duration::from_secs(1));
    }
    for soak in ["0", "5s"] {
        let run = fixture.verify().args(["--soak", soak]).run();
        passed(&run);
        assert_eq!(
            run.json()["facts"]["pods"].as_array().map(Vec::len),
            Some(PODS)
        );
    }
}

fn ready(fixture: &PodFixture) -> Value {
    fixture.namespace.list("apps/deployments")[0]["status"].clone()
}

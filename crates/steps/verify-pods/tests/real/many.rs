//! A thousand pods: what they cost. Run it by hand, best with `--release`:
//! `cargo test --release -p verify-pods --test real -- --ignored --nocapture a_thousand_pods`.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::world::{NEW, World, passed};

const PODS: usize = 1_000;

#[test]
#[ignore = "a controller makes a thousand pods in about a minute"]
fn a_thousand_pods_are_judged_within_two_seconds_and_sixty_megabytes() {
    let world = World::new();
    world.deploy(NEW, PODS as u32);
    let started = Instant::now();
    while world.namespace.list("apps/deployments")[0]["status"]["readyReplicas"] != json!(PODS) {
        assert!(started.elapsed() < Duration::from_secs(300), "{}", ready(&world));
        thread::sleep(Duration::from_secs(1));
    }
    let run = world.verify().args(["--soak", "0"]).run();
    passed(&run);
    let (document, rss) = (run.json(), run.max_rss_kib.unwrap());
    let numbers = format!("{:?}, {rss} KiB, {} requests", run.elapsed, document["requests"]);
    assert_eq!(document["facts"]["pods"].as_array().map(Vec::len), Some(PODS));
    assert!(run.elapsed <= Duration::from_secs(2) && rss <= 60 << 10, "{numbers}");
    let soaked = world.verify().args(["--soak", "5s"]).run();
    passed(&soaked);
    let rss = soaked.max_rss_kib.unwrap();
    assert!(rss <= 60 << 10, "{rss} KiB");
    println!("{PODS} pods: {numbers}; with 5 s of soak {rss} KiB, {} requests", soaked.json()["requests"]);
}

fn ready(world: &World) -> Value {
    world.namespace.list("apps/deployments")[0]["status"].clone()
}

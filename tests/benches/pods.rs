//! `cargo bench -p tests --bench pods`: the cost of a thousand pods, next to kubectl, in the same
//! run.
//!
//! The program is the one that is shipped (profile `dist`), the API server a real one. kubectl
//! checks less: `rollout status` reads no pod, `wait` watches one pod after another, and neither
//! compares the running image. The tests do not need kubectl; without it on `PATH` there is no
//! comparison.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking, and prints a table"
)]

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use lab::{
    HermeticCommand, ProgramRun,
    testbed::{Namespace, Testbed},
};
use serde_json::json;
use tests::tools::{found, shipped};

const PODS: u32 = 1_000;
const IMAGE: &str = "registry.example/example/dex:sha-1a2b3c4d";

/// The limits: time until the verdict, and memory.
const IN_TIME: Duration = Duration::from_secs(2);
const MEMORY_KIB: u64 = 60 << 10;

fn main() {
    let verify = shipped("verify-pods");
    let namespace = deployed();
    println!(
        "{:<44} {:>12} {:>12}",
        format!("{PODS} pods"),
        "time",
        "memory"
    );
    let ours = line("verify-pods", 5, || {
        let command = of(&verify).args(["--image", IMAGE, "--soak", "0", "--format", "json"]);
        command.args([
            "--namespace",
            namespace.name(),
            "--workload",
            "deployment/dex",
        ])
    });
    assert!(
        ours.elapsed <= IN_TIME && ours.max_rss_kib.unwrap() <= MEMORY_KIB,
        "{ours}"
    );
    assert_eq!(
        ours.json()["facts"]["pods"].as_array().map(Vec::len),
        Some(PODS as usize)
    );
    println!("  its requests: {}", ours.json()["requests"]);
    compare_with_kubectl(&ours, &namespace);
}

fn compare_with_kubectl(ours: &ProgramRun, namespace: &Namespace) {
    let Some(kubectl) = found("kubectl") else {
        println!("there is no kubectl on PATH to compare with");
        return;
    };
    let status = "rollout status deployment/dex --timeout 300s";
    let wait = "wait pods --all --for condition=Ready --timeout 300s";
    let peers = [
        ("kubectl rollout status", 5, status),
        ("kubectl wait", 1, wait),
    ];
    for (title, times, arguments) in peers {
        let theirs = line(title, times, || {
            of(&kubectl)
                .args(["--namespace", namespace.name()])
                .args(arguments.split(' '))
        });
        println!(
            "{:<44} {:>12.3}",
            "  ratio",
            ours.elapsed.as_secs_f64() / theirs.elapsed.as_secs_f64()
        );
    }
}

/// A deployment whose pods are all ready, which takes its controller about a minute.
fn deployed() -> Namespace {
    let namespace = Testbed::shared().namespace();
    let labels = json!({ "app": "dex" });
    let spec = json!({
        "replicas": PODS,
        "selector": { "matchLabels": labels },
        "template": {
            "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "dex", "image": IMAGE }] },
        },
    });
    namespace.create(
        "apps/deployments",
        &json!({ "metadata": { "name": "dex" }, "spec": spec }),
    );
    let started = Instant::now();
    let status = || namespace.list("apps/deployments")[0]["status"].clone();
    while status()["readyReplicas"] != json!(PODS) {
        assert!(started.elapsed() < Duration::from_secs(600), "{}", status());
        thread::sleep(Duration::from_secs(1));
    }
    namespace
}

fn of(program: &Path) -> HermeticCommand {
    let kubeconfig = Testbed::shared().kubernetes().kubeconfig();
    HermeticCommand::new(program)
        .time_limit(Duration::from_secs(400))
        .env("KUBECONFIG", kubeconfig)
}

/// Runs it `times` times, prints the median, and returns that run.
fn line(title: &str, times: usize, command: impl Fn() -> HermeticCommand) -> ProgramRun {
    let mut runs: Vec<ProgramRun> = (0..times).map(|_| command().run()).collect();
    for run in &runs {
        run.expect_code(0);
    }
    runs.sort_by_key(|run| run.elapsed);
    let run = runs.swap_remove(times / 2);
    let memory = run.max_rss_kib.map_or(f64::NAN, |kib| kib as f64 / 1024.0);
    println!(
        "{title:<44} {:>9.1} ms {memory:>8.1} MiB",
        run.elapsed.as_secs_f64() * 1e3
    );
    run
}

use crate::world::{NEW, OLD, World, workload};
use lab::testbed::{PodStatus, Testbed, scripts};
use serde_json::json;
use std::time::Duration;

#[test]
fn scratch() {
    let show = |world: &World, args: &[&str]| {
        println!("{}", world.verify().args(["--format", "plain"]).args(args).run())
    };
    let w = World::new();
    w.namespace
        .pods(|p| PodStatus::running().not_ready().restarted(1, 137, "Error").log("listening on 8080\n"));
    let mut d = workload(NEW, 3);
    d["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] =
        json!({ "httpGet": { "path": "/livez", "port": 8080 } });
    w.namespace.create("apps/deployments", &d);
    w.namespace.wait_for_pods("a pod", |pods| pods.len() == 3);
    let pod = w.namespace.list("pods")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    w.namespace.event(
        "pods",
        &pod,
        "Warning",
        "Unhealthy",
        "Liveness probe failed: HTTP probe failed with statuscode: 500",
    );
    w.namespace.event(
        "pods",
        &pod,
        "Normal",
        "Killing",
        "Container dex failed liveness probe, will be restarted",
    );
    show(&w, &["--timeout", "3s"]);
    let w = World::new();
    w.namespace.pods(|p| PodStatus::waiting("CreateContainerError", "failed to create containerd task: failed to create shim: OCI runtime create failed: exec: \"dexx\": executable file not found in $PATH"));
    w.deploy(NEW, 2);
    show(&w, &[]);
    let w = World::new();
    w.namespace.pods(|p| PodStatus::init_failed(0, "").init_waiting("", ""));
    let mut d = workload(NEW, 1);
    d["spec"]["template"]["spec"]["initContainers"] = json!([{ "name": "migrate", "image": NEW }]);
    w.namespace.create("apps/deployments", &d);
    show(&w, &["--timeout", "3s"]);
    let w = World::new();
    w.namespace.pods(scripts::crash_loop(2, "boom\n"));
    w.deploy(OLD, 2);
    show(&w, &["--timeout", "3s"]);
    let w = World::new();
    w.namespace.pods(|p| {
        PodStatus::running()
            .only("dex")
            .not_ready()
            .phase("Unknown")
            .reason("NodeLost", "Node which was running pod is unresponsive")
    });
    w.deploy(NEW, 1);
    show(&w, &["--timeout", "3s"]);
    let w = World::new();
    let mut d = workload(NEW, 1);
    d["spec"]["template"]["spec"]["readinessGates"] = json!([{ "conditionType": "example.org/lb" }]);
    d["spec"]["template"]["spec"]["serviceAccountName"] = json!("nope");
    w.namespace.create("apps/deployments", &d);
    show(&w, &[]);
    let w = World::new();
    let mut d = workload(NEW, 1);
    d["spec"]["template"]["spec"]["nodeSelector"] = json!({ "gpu": "yes" });
    w.namespace.create("apps/deployments", &d);
    show(&w, &["--timeout", "3s"]);
    let w = World::new();
    w.namespace.pods(scripts::timeline([(Duration::from_millis(100), PodStatus::running())]));
    w.deploy(NEW, 2);
    println!("{}", w.verify().args(["--format", "plain", "-v"]).run());
}

//! Pods that fail in other ways, seen through Argo CD alone.

use std::time::Duration;

use lab::testbed::{ScriptedStatus, scripts};
use serde_json::json;

use crate::deployed_app::{DeployedApp, NEW, OVERLAY, outcome, summary};

#[test]
fn missing_settings_refuse_after_a_grace_period() {
    let world = DeployedApp::new();
    world
        .namespace
        .pods(scripts::config_error("configmap \"dex-env\" not found"));
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (10, json!("settings-missing"), json!("environment")),
        "{run}"
    );
    assert!(
        summary(&run).contains("configmap \"dex-env\" not found"),
        "{run}"
    );
    assert!(run.elapsed < Duration::from_secs(25), "{run}");
}

#[test]
fn too_little_memory_refuses() {
    let world = DeployedApp::new();
    let killed = scripts::oom_killed();
    world.namespace.pods(move |pod| {
        let limits = &pod.object["spec"]["containers"][0]["resources"]["limits"];
        if limits["memory"] == "64Mi" {
            killed(pod)
        } else {
            scripts::healthy(pod)
        }
    });
    world.push(NEW);
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: dex\nspec:\n\
                 \x20 template:\n    spec:\n      containers:\n        - name: dex\n\
                 \x20         resources: { limits: { memory: 64Mi } }\n";
    let path = format!("{OVERLAY}/deployment.yaml");
    let commit = world
        .remote
        .commit("main", &[(&path, patch, false)], "deploy: a limit");
    let run = world.wait(&commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (10, json!("out-of-memory"), json!("change")),
        "{run}"
    );
    assert!(summary(&run).contains("64Mi"), "{run}");
}

#[test]
fn an_exhausted_quota_is_found_at_the_controller() {
    let world = DeployedApp::new();
    let quota = json!({ "metadata": { "name": "small" }, "spec": { "hard": { "pods": "2" } } });
    world.namespace.create("resourcequotas", &quota);
    lab::wait::until("the quota", || {
        world.namespace.list("resourcequotas")[0]["status"]["used"]["pods"] == "2"
    });
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).run();
    assert_eq!(
        outcome(&run),
        (10, json!("quota"), json!("environment")),
        "{run}"
    );
    assert!(summary(&run).contains("exceeded quota: small"), "{run}");
}

#[test]
fn an_unready_pod_is_awaited_until_the_deadline() {
    let world = DeployedApp::new();
    world.namespace.pods(scripts::never_ready());
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).args(["--timeout", "8s"]).run();
    assert_eq!(
        outcome(&run),
        (11, json!("not-ready"), json!("environment")),
        "{run}"
    );
    assert!(summary(&run).contains("Deployment/dex"), "{run}");
}

#[test]
fn workload_health_ignores_an_ingress_without_an_address() {
    let world = DeployedApp::new();
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: dex\n\
                   spec:\n  defaultBackend:\n    service: { name: dex, port: { name: http } }\n";
    let base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\
                resources:\n  - deployment.yaml\n  - service.yaml\n  - ingress.yaml\n";
    world.push(NEW);
    let files = [
        ("infra/argocd/base/ingress.yaml", ingress, false),
        ("infra/argocd/base/kustomization.yaml", base, false),
    ];
    let commit = world.remote.commit("main", &files, "deploy: to the world");
    let run = world.wait(&commit, NEW).args(["--timeout", "13s"]).run();
    assert_eq!(
        outcome(&run),
        (11, json!("not-ready"), json!("environment")),
        "{run}"
    );
    assert!(
        summary(&run).ends_with("Progressing: Ingress/dex: no address yet"),
        "{run}"
    );
    world
        .wait(&commit, NEW)
        .args(["--health-scope", "workloads"])
        .run()
        .expect_code(0);
}

#[test]
fn a_pod_may_start_late_and_crash_once() {
    let world = DeployedApp::new();
    let at = Duration::from_secs;
    world.namespace.pods(scripts::timeline([
        (
            at(0),
            ScriptedStatus::waiting(
                "ErrImagePull",
                "failed to do request: Head \"https://registry.example/v2/\": dial tcp: i/o timeout",
            ),
        ),
        (at(3), ScriptedStatus::fallen(1, "Error")),
        (at(4), ScriptedStatus::running().not_ready().restarted(1, 1, "Error")),
        (at(6), ScriptedStatus::running().restarted(1, 1, "Error")),
    ]));
    let commit = world.push(NEW);
    let run = world.wait(&commit, NEW).run();
    run.expect_code(0);
}

//! Applications that something else drives: people, several sources, a workload that is off.

use lab::{
    overlays::SampleOverlay,
    testbed::{ScriptedStatus, repository, scripts},
};
use serde_json::json;

use crate::{
    deployed::with_hook,
    deployed_app::{DeployedApp, NEW, OLD, OVERLAY, outcome, summary},
};

#[test]
fn a_terminated_sync_is_nobodys_fault() {
    let world = DeployedApp::new();
    world.namespace.pods(|pod| {
        if pod.name.starts_with("check") {
            ScriptedStatus::running()
        } else {
            scripts::healthy(pod)
        }
    });
    let commit = with_hook(&world, "PreSync");
    let running = world.wait(&commit, NEW).spawn();
    world.app.wait_for("the hook", |status| {
        let message = status["operationState"]["message"].as_str();
        message.is_some_and(|message| message.starts_with("waiting for completion of hook"))
    });
    // As `argocd app terminate-op` does.
    world
        .app
        .patch(&json!({ "status": { "operationState": { "phase": "Terminating" } } }));
    let run = running.wait();
    assert_eq!(
        outcome(&run),
        (10, json!("sync-terminated"), json!("nobody")),
        "{run}"
    );
    assert!(summary(&run).contains("Operation terminated"), "{run}");
}

#[test]
fn a_source_that_is_pinned_to_a_tag_does_not_count() {
    let world = DeployedApp::with(|spec| spec.without_self_heal());
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";
    let pinned = world.remote.commit(
        "main",
        &[("settings/map.yaml", settings, false)],
        "settings",
    );
    world.remote.tag("v1", &pinned);
    let url = world.remote.url();
    let source = |path: &str, target: &str| json!({ "repoURL": url, "path": path, "targetRevision": target });
    let sources = json!([source("settings", "v1"), source(OVERLAY, "main")]);
    world
        .app
        .patch(&json!({ "spec": { "source": null, "sources": sources } }));
    let commit = world.push(NEW);
    world.wait(&commit, NEW).run().expect_code(0);
    let anywhere = world.wait(&commit, NEW).without_env("RUNBOOK_BRANCH");
    anywhere.run().expect_code(0);
}

#[test]
fn a_workload_without_pods_passes_on_request() {
    let world = DeployedApp::new();
    let push = |tag: &str| {
        let text = repository::in_namespace(&SampleOverlay::dev(tag), world.namespace.name());
        let lines = text.lines().map(|line| match line.find("count: ") {
            Some(at) => format!("{}count: 0\n", &line[..at]),
            None => format!("{line}\n"),
        });
        let (path, text) = (
            format!("{OVERLAY}/kustomization.yaml"),
            lines.collect::<String>(),
        );
        world.remote.commit("main", &[(&path, &text, false)], "off")
    };
    world.app.wait_until_deployed(&push(OLD));
    let commit = push(NEW);
    let run = world.wait(&commit, NEW).arg("--allow-zero").run();
    run.expect_code(0);
    assert!(summary(&run).contains("nothing runs now"), "{run}");
}

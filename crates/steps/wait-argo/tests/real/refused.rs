//! The wait ends at once, with a reason, when it can no longer succeed.

use std::time::{Duration, Instant};

use lab::{
    HermeticCommand, ProgramRun,
    testbed::{Testbed, scripts},
};
use serde_json::json;

use crate::{
    deployed::with_hook,
    deployed_app::{DeployedApp, NEW, OVERLAY, outcome, summary, token, wait},
};

fn url() -> String {
    Testbed::shared().argocd().url()
}

/// Runs a command, and expects its end within this number of seconds, or three times that on a
/// loaded machine, but always before a grace of a minute has passed.
#[track_caller]
fn within(seconds: u64, command: &HermeticCommand) -> ProgramRun {
    let started = Instant::now();
    let run = command.run();
    assert!(
        started.elapsed() < Duration::from_secs((3 * seconds).min(55)),
        "{run}"
    );
    run
}

#[test]
fn a_missing_image_is_the_changes_fault() {
    let world = DeployedApp::new();
    world.namespace.pods(scripts::image_pull_backoff(
        "registry.example/example/dex:sha-1a2b3c4d: not found",
    ));
    let commit = world.push(NEW);
    let run = within(15, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("image-not-found"), json!("change")),
        "{run}"
    );
    let said = summary(&run);
    let pod = world
        .namespace
        .list("pods")
        .iter()
        .any(|pod| said.contains(pod["metadata"]["name"].as_str().unwrap()));
    assert!(
        pod && said.contains("container dex: cannot pull") && said.ends_with("not found"),
        "{said}"
    );
}

#[test]
fn a_denied_pull_is_a_configuration_fault() {
    let world = DeployedApp::new();
    world.namespace.pods(scripts::image_pull_backoff(
        "pull access denied, repository does not exist or may require authorization",
    ));
    let commit = world.push(NEW);
    let run = within(15, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("image-pull-denied"), json!("configuration")),
        "{run}"
    );
}

#[test]
fn a_crash_of_both_versions_blames_no_change() {
    let world = DeployedApp::new();
    let crash = scripts::crash_loop(1, "no connection to the database\n");
    world.namespace.pods(crash);
    let commit = world.push(NEW);
    let run = within(15, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("crashed-before"), json!("environment")),
        "{run}"
    );
}

#[test]
fn a_crash_loop_shows_a_readable_log() {
    let world = DeployedApp::new();
    world.new_pods(scripts::crash_loop(1, "starting\nno such table: users\n"));
    let commit = world.push(NEW);
    let argocd = Testbed::shared().argocd();
    let run = within(15, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("crash-loop"), json!("change")),
        "{run}"
    );
    assert!(summary(&run).contains("exit code 1"), "{run}");
    let line = format!(
        "`p, role:ci, logs, get, default/{}, allow`",
        world.app.name()
    );
    assert!(run.json()["hints"].to_string().contains(&line), "{run}");
    let reader = argocd.account(&[
        "p, role:ci, applications, get, */*, allow",
        "p, role:ci, logs, get, */*, allow",
    ]);
    let run = within(
        15,
        &world
            .wait(&commit, NEW)
            .env("RUNBOOK_ARGOCD_TOKEN", &reader.token),
    );
    assert!(run.stderr.contains("no such table: users"), "{run}");
    let quiet = world
        .wait(&commit, NEW)
        .env("RUNBOOK_ARGOCD_TOKEN", &reader.token)
        .args(["--log-lines", "0"])
        .run();
    assert!(
        !quiet.stderr.contains("no such table: users")
            && quiet.json()["hints"].to_string().contains("--log-lines"),
        "{quiet}"
    );
}

#[test]
fn failures_of_old_pods_do_not_count() {
    let world = DeployedApp::new();
    world.namespace.pods(|pod| {
        if pod.image.ends_with(NEW) {
            scripts::healthy(pod)
        } else {
            scripts::crash_loop(1, "no such table: users\n")(pod)
        }
    });
    world.app.wait_for("bad health", |status| {
        status["health"]["status"] != "Healthy"
    });
    let commit = world.push(NEW);
    world.wait(&commit, NEW).run().expect_code(0);
}

#[test]
fn a_missing_application_differs_from_a_hidden_one() {
    let commit = "1".repeat(40);
    let ask = |arguments: &[&str]| {
        HermeticCommand::new(env!("CARGO_BIN_EXE_wait-argo"))
            .args([
                "--argocd-server",
                &url(),
                "--app",
                "nobody",
                "--commit",
                &commit,
                "--format",
                "json",
            ])
            .args(arguments)
            .env("RUNBOOK_ARGOCD_TOKEN", token())
    };
    let once = ["--argocd-project", "default", "--timeout", "0"];
    let run = within(5, &ask(&once));
    assert_eq!(
        outcome(&run),
        (10, json!("app-missing"), json!("configuration")),
        "{run}"
    );
    let run = within(5, &ask(&[]));
    assert_eq!(
        outcome(&run),
        (21, json!("permission-missing"), json!("configuration")),
        "{run}"
    );
    assert!(
        run.json()["hints"].to_string().contains("--argocd-project"),
        "{run}"
    );
    let world = DeployedApp::new();
    let run = within(
        5,
        &wait(&url(), &[&world.app], &commit).args(["--argocd-project=elsewhere", "--timeout=0"]),
    );
    assert_eq!(
        outcome(&run),
        (10, json!("app-missing"), json!("configuration")),
        "{run}"
    );
}

#[test]
fn another_branch_overlay_or_repository_is_refused() {
    let world = DeployedApp::with(|spec| spec);
    let commit = world.push(NEW);
    for (arguments, said) in [
        (
            ["--branch", "release"],
            "it tracks main, pushed was release",
        ),
        (
            ["--overlay", "infra/argocd/overlays/prod"],
            "its path is infra/argocd/overlays/dev",
        ),
        (
            ["--repository", "data-literate/elsewhere"],
            "not from data-literate/elsewhere",
        ),
    ] {
        let run = within(5, &wait(&url(), &[&world.app], &commit).args(arguments));
        assert_eq!(
            outcome(&run),
            (10, json!("wrong-source"), json!("configuration")),
            "{run}"
        );
        assert!(summary(&run).contains(said), "{run}");
    }
    let path = world.remote.path();
    let right = [
        "--overlay",
        OVERLAY,
        "--repository",
        path.to_str().unwrap(),
        "--branch",
        "refs/heads/main",
    ];
    wait(&url(), &[&world.app], &commit)
        .args(right)
        .run()
        .expect_code(0);
}

#[test]
fn a_commit_is_gone_after_a_force_push() {
    let world = DeployedApp::new();
    let old = world.app.revision().unwrap();
    let commit = world.push(NEW);
    let git = [
        "--git-dir",
        world.remote.path().to_str().unwrap(),
        "update-ref",
        "refs/heads/main",
        &old,
    ]
    .map(str::to_owned);
    HermeticCommand::new("git").args(&git).run().expect_code(0);
    let run = within(10, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("commit-gone"), json!("nobody")),
        "{run}"
    );
    assert!(summary(&run).contains("is no longer in main"), "{run}");
}

#[test]
fn an_invalid_overlay_is_the_changes_fault() {
    let world = DeployedApp::new();
    let broken = "resources: [../../base, nowhere.yaml]\n";
    let commit = world.remote.commit(
        "main",
        &[(&format!("{OVERLAY}/kustomization.yaml"), broken, false)],
        "deploy: broken",
    );
    let run = within(30, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("render-error"), json!("change")),
        "{run}"
    );
    assert!(summary(&run).contains("nowhere.yaml"), "{run}");
}

#[test]
fn a_rejected_manifest_fails_without_a_retry() {
    let world = DeployedApp::new();
    once(&world);
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: dex\nspec:\n  selector:\n    matchLabels: { app: other }\n\
                 \x20 template:\n    metadata:\n      labels: { app: other }\n";
    let commit = world.remote.commit(
        "main",
        &[(&format!("{OVERLAY}/deployment.yaml"), patch, false)],
        "deploy: immutable",
    );
    let run = within(20, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("sync-failed"), json!("change")),
        "{run}"
    );
    let said = summary(&run);
    assert!(
        said.contains("Deployment/dex")
            && said.contains("field is immutable")
            && !said.contains("/dev/shm"),
        "{said}"
    );
    world.app.wait_for("the end of it", |status| {
        status["operationState"]["phase"] == "Failed"
    });
    let again = within(10, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&again),
        (10, json!("will-not-retry"), json!("change")),
        "{again}"
    );
    assert!(summary(&again).contains("will not retry"), "{again}");
}

/// Disables the five retries that Argo CD makes by default.
fn once(world: &DeployedApp) {
    world
        .app
        .patch(&json!({ "spec": { "syncPolicy": { "retry": { "limit": 0 } } } }));
}

#[test]
fn a_failed_hook_is_named() {
    let world = DeployedApp::new();
    once(&world);
    world.namespace.pods(|pod| {
        if pod.name.starts_with("check") {
            lab::testbed::ScriptedStatus::ended(3, "Error")
        } else {
            scripts::healthy(pod)
        }
    });
    let commit = with_hook(&world, "PreSync");
    let run = within(20, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("hook-failed"), json!("change")),
        "{run}"
    );
    assert!(
        summary(&run).contains("failed in its PreSync hook Job/check"),
        "{run}"
    );
}

#[test]
fn without_auto_sync_the_flag_is_needed() {
    let world = DeployedApp::new();
    disable_auto_sync(&world);
    let commit = world.push(NEW);
    let run = within(10, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("auto-sync-off"), json!("configuration")),
        "{run}"
    );
    let sync = world.wait(&commit, NEW).arg("--sync");
    let run = sync.run();
    assert_eq!(
        outcome(&run),
        (21, json!("permission-missing"), json!("configuration")),
        "{run}"
    );
    let line = format!(
        "`p, role:ci, applications, sync, default/{}, allow`",
        world.app.name()
    );
    assert!(run.json()["hints"].to_string().contains(&line), "{run}");
    sync.env("RUNBOOK_ARGOCD_TOKEN", syncing_token())
        .run()
        .expect_code(0);
}

/// Deploys an application of a project whose sync window denies every sync from now on.
fn with_closed_window() -> DeployedApp {
    let testbed = Testbed::shared();
    let project = format!("windows-{}", std::process::id());
    testbed.project(&project, &json!({}));
    let world = DeployedApp::with(|spec| spec.project(&project));
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/{project}");
    let window = json!({
        "kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"],
    });
    let windows = json!({ "spec": { "syncWindows": [window] } });
    testbed.kubernetes().patch(&path, &windows);
    world
}

#[test]
fn a_closed_window_refuses_or_is_awaited() {
    let world = with_closed_window();
    let refused = (10, json!("deny-window"), json!("configuration"));
    let commit = world.push(NEW);
    let run = within(20, &world.wait(&commit, NEW));
    assert_eq!(outcome(&run), refused, "{run}");
    assert!(
        summary(&run).contains("deny window `* * * * *` for 1h"),
        "{run}"
    );
    let waiting = world
        .wait(&commit, NEW)
        .args(["--wait-window", "--timeout", "12s"])
        .run();
    assert_eq!(
        outcome(&waiting),
        (11, json!("deny-window"), json!("configuration")),
        "{waiting}"
    );
    disable_auto_sync(&world);
    let sync = world.wait(&commit, NEW).arg("--sync");
    let run = within(10, &sync.env("RUNBOOK_ARGOCD_TOKEN", syncing_token()));
    assert_eq!(outcome(&run), refused, "{run}");
}

fn disable_auto_sync(world: &DeployedApp) {
    let patch = json!({ "spec": { "syncPolicy": { "automated": null } } });
    world.app.patch(&patch);
}

/// A token of an account that may also sync.
fn syncing_token() -> String {
    let policy = [
        "p, role:ci, applications, get, */*, allow",
        "p, role:ci, applications, sync, */*, allow",
    ];
    Testbed::shared().argocd().account(&policy).token
}

#[test]
fn a_paused_deployment_is_refused() {
    let world = DeployedApp::new();
    let patch =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: dex\nspec:\n  paused: true\n";
    let commit = world.remote.commit(
        "main",
        &[(&format!("{OVERLAY}/deployment.yaml"), patch, false)],
        "deploy: paused",
    );
    let run = within(15, &world.wait(&commit, NEW));
    assert_eq!(
        outcome(&run),
        (10, json!("paused"), json!("configuration")),
        "{run}"
    );
}

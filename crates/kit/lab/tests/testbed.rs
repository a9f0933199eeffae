//! The testbed is real: Argo CD deploys, Kubernetes schedules, and the test plays the pods.

use std::time::Duration;

use lab::overlays::SampleOverlay;
use lab::testbed::{
    AccountRule, AppSpec, Capacity, Namespace, ScriptedStatus, Testbed, TestbedApp, repository,
    scripts,
};
use lab::{GitRemote, HermeticCommand, ProgramRun};
use reqwest::Method;
use serde_json::{Value, json};

const OVERLAY: &str = "infra/argocd/overlays/dev";

/// An overlay in a repository, its namespace, and the application that brings one to the other.
struct DeployedApp {
    app: TestbedApp,
    namespace: Namespace,
    remote: GitRemote,
    commit: String,
}

fn deploy(tag: &str) -> DeployedApp {
    let testbed = Testbed::shared();
    let (namespace, remote) = (testbed.namespace(), GitRemote::new());
    let commit = push(&remote, &namespace, tag);
    let app = testbed.app(&AppSpec::new(&namespace, &remote.url(), OVERLAY));
    DeployedApp {
        app,
        namespace,
        remote,
        commit,
    }
}

fn push(remote: &GitRemote, namespace: &Namespace, tag: &str) -> String {
    let files = repository::files(&SampleOverlay::dev(tag), namespace.name());
    remote.change("main", &files, &format!("deploy: {tag}"))
}

fn images(pods: &[Value]) -> Vec<&str> {
    pods.iter()
        .filter_map(|pod| pod["spec"]["containers"][0]["image"].as_str())
        .collect()
}

fn waits_for(pod: &Value, reason: &str) -> bool {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
}

fn argocd(token: &str, arguments: &[&str]) -> ProgramRun {
    let testbed = Testbed::shared();
    let server = testbed.argocd().address();
    HermeticCommand::new(testbed.program("argocd"))
        .args(["--server", server, "--plaintext", "--auth-token", token])
        .args(arguments)
        .run()
}

/// A pod with one container, for tests without an app.
fn pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": {
            "containers": [{
                "name": "dex",
                "image": "registry.example/dex:sha-1",
                "resources": { "requests": { "cpu": "2" } },
            }],
        },
    })
}

#[test]
fn an_app_runs_the_image_of_its_overlay() {
    let DeployedApp {
        app,
        namespace,
        commit,
        remote: _remote,
    } = deploy("sha-1");
    app.wait_until_deployed(&commit);
    let pods = namespace.list("pods");
    assert_eq!(images(&pods), ["registry.example/example/dex:sha-1"; 2]);
    let id = pods[0]["status"]["containerStatuses"][0]["imageID"]
        .as_str()
        .unwrap();
    assert!(
        id.starts_with("registry.example/example/dex@sha256:"),
        "{id}"
    );
}

#[test]
fn argocd_app_wait_accepts_the_old_revision() {
    let DeployedApp {
        app,
        namespace,
        remote,
        commit,
    } = deploy("sha-1");
    app.wait_until_deployed(&commit);
    let next = push(&remote, &namespace, "sha-2");
    let wait = [
        "app",
        "wait",
        app.name(),
        "--sync",
        "--health",
        "--timeout",
        "60",
    ];
    let run = argocd(Testbed::shared().argocd().admin_token(), &wait);
    run.expect_code(0);
    assert_eq!(app.revision(), Some(commit));
    assert_eq!(
        images(&namespace.list("pods")),
        ["registry.example/example/dex:sha-1"; 2]
    );
    app.wait_until_deployed(&next);
    namespace.wait_for_pods("the new pods", |pods| {
        images(pods) == ["registry.example/example/dex:sha-2"; 2]
    });
}

#[test]
fn argocd_shows_a_failed_image_pull() {
    let DeployedApp {
        app,
        namespace,
        remote: _remote,
        commit: _,
    } = deploy("sha-none");
    namespace.pods(scripts::image_pull_backoff(
        "registry.example/example/dex:sha-none: not found",
    ));
    app.refresh();
    app.wait_for("bad health", |status| {
        status["health"]["status"] == "Progressing"
    });
    let sick = |node: &Value| node["kind"] == "Pod" && node["health"]["status"] == "Degraded";
    lab::wait::until("a sick pod in the tree", || {
        app.tree()["nodes"]
            .as_array()
            .is_some_and(|nodes| nodes.iter().any(sick))
    });
    let tree = app.tree();
    let pod = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| sick(node))
        .unwrap();
    let message = pod["health"]["message"].as_str().unwrap();
    assert!(message.contains("sha-none: not found"), "{message}");
}

#[test]
fn a_crash_loop_can_be_read_about() {
    let namespace = Testbed::shared().namespace();
    namespace.pods(scripts::crash_loop(1, "starting\nno such table: users\n"));
    namespace.create("pods", &pod("dex"));
    let pods = namespace.wait_for_pods("the loop", |pods| {
        waits_for(&pods[0], "CrashLoopBackOff")
            && pods[0]["status"]["containerStatuses"][0]["restartCount"] == 1
    });
    let last = &pods[0]["status"]["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!(
        (&last["exitCode"], &last["reason"]),
        (&json!(1), &json!("Error"))
    );
    let testbed = Testbed::shared().kubernetes();
    let log = namespace.path("pods/dex/log?container=dex&previous=true&tailLines=1");
    let answer = testbed.ask_as(testbed.admin_token(), Method::GET, &log);
    assert_eq!(
        String::from_utf8_lossy(&answer.body),
        "no such table: users\n"
    );
}

#[test]
fn a_story_goes_by_the_clock() {
    let namespace = Testbed::shared().namespace();
    let at = Duration::from_millis;
    namespace.pods(scripts::timeline([
        (
            at(0),
            ScriptedStatus::waiting("CreateContainerConfigError", "configmap \"dex\" not found"),
        ),
        (at(600), ScriptedStatus::running().not_ready()),
        (
            at(1200),
            ScriptedStatus::running().image_id("registry.example/dex@sha256:1"),
        ),
    ]));
    namespace.create("pods", &pod("dex"));
    namespace.wait_for_pods("the error", |pods| {
        waits_for(&pods[0], "CreateContainerConfigError")
    });
    let ready = |pods: &[Value]| pods[0]["status"]["containerStatuses"][0]["ready"] == true;
    namespace.wait_for_pods("the start", |pods| {
        pods[0]["status"]["phase"] == "Running" && !ready(pods)
    });
    let pods = namespace.wait_for_pods("the end", ready);
    assert_eq!(
        pods[0]["status"]["containerStatuses"][0]["imageID"],
        "registry.example/dex@sha256:1"
    );
}

#[test]
fn a_pod_that_does_not_fit_is_unschedulable() {
    let namespace = Testbed::shared().namespace_on(Capacity {
        cpu: 1,
        ..Capacity::default()
    });
    namespace.create("pods", &pod("dex"));
    let pods = namespace.wait_for_pods("the scheduler", |pods| {
        pods[0]["status"]["conditions"].is_array()
    });
    let condition = &pods[0]["status"]["conditions"][0];
    assert_eq!(condition["reason"], "Unschedulable");
    assert!(
        condition["message"]
            .as_str()
            .unwrap()
            .contains("Insufficient cpu"),
        "{condition}"
    );
}

#[test]
fn a_pod_may_refuse_to_end() {
    let namespace = Testbed::shared().namespace();
    namespace.pods(scripts::stuck_terminating());
    namespace.create("pods", &pod("dex"));
    namespace.wait_for_pods("the pod", |pods| pods[0]["status"]["phase"] == "Running");
    let kubernetes = Testbed::shared().kubernetes();
    kubernetes.delete(&namespace.path("pods/dex"));
    std::thread::sleep(Duration::from_millis(500));
    assert!(namespace.list("pods")[0]["metadata"]["deletionTimestamp"].is_string());
    namespace.pods(scripts::healthy);
    namespace.wait_for_pods("no pod", <[Value]>::is_empty);
}

#[test]
fn a_pod_may_be_played_by_hand() {
    let namespace = Testbed::shared().namespace();
    let mut pod = pod("dex");
    pod["metadata"]["annotations"] = json!({ "testbed/hands-off": "" });
    namespace.create("pods", &pod);
    let scheduled = |pods: &[Value]| pods[0]["spec"]["nodeName"].is_string();
    namespace.wait_for_pods("a node", scheduled);
    let status = json!({ "status": { "phase": "Failed", "reason": "Evicted" } });
    Testbed::shared()
        .kubernetes()
        .patch(&namespace.path("pods/dex/status"), &status);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(namespace.list("pods")[0]["status"]["reason"], "Evicted");
}

#[test]
fn an_argocd_account_has_exactly_its_policy() {
    let DeployedApp {
        app,
        commit,
        remote: _remote,
        namespace: _namespace,
    } = deploy("sha-1");
    app.wait_until_deployed(&commit);
    let argocd = Testbed::shared().argocd();
    let ci = argocd.account(&["p, role:ci, applications, get, */*, allow"]);
    let path = format!("/api/v1/applications/{}?project=default", app.name());
    assert_eq!(
        argocd.ask_as(&ci.token, Method::GET, &path, None).status,
        200
    );
    let sync = format!("/api/v1/applications/{}/sync", app.name());
    assert_eq!(
        argocd
            .ask_as(&ci.token, Method::POST, &sync, Some(&json!({})))
            .status,
        403
    );
    argocd.change_account(&ci, &[]);
    assert_eq!(
        argocd.ask_as(&ci.token, Method::GET, &path, None).status,
        403
    );
    assert_eq!(
        argocd
            .ask_as(&argocd.expired_token(&ci), Method::GET, &path, None)
            .status,
        401
    );
    assert_eq!(argocd.ask_as("wrong", Method::GET, &path, None).status, 401);
}

#[test]
fn a_kubernetes_account_has_exactly_its_role() {
    let testbed = Testbed::shared();
    let namespace = testbed.namespace();
    let account = namespace.account(
        "verify-pods",
        &[AccountRule::new("", "pods", "get,list,watch")],
    );
    let ask = |token: &str, kind: &str| {
        testbed
            .kubernetes()
            .ask_as(token, Method::GET, &namespace.path(kind))
            .status
    };
    assert_eq!(ask(&account.token, "pods"), 200);
    assert_eq!(ask(&account.token, "apps/deployments"), 403);
    assert_eq!(ask(&account.expired, "pods"), 401);
    assert_eq!(ask("wrong", "pods"), 401);
    namespace.change_account(&account, &[AccountRule::new("apps", "deployments", "list")]);
    lab::wait::until("the new role", || {
        ask(&account.token, "apps/deployments") == 200
    });
    assert_eq!(ask(&account.token, "pods"), 403);
}

#[test]
fn a_private_world_stops_and_leaves_nothing() {
    let testbed = Testbed::private();
    let folder = testbed.folder().to_owned();
    let processes = testbed.processes();
    assert_eq!(processes.len(), 8, "{processes:?}");
    testbed.stop_argocd();
    assert_eq!(testbed.processes().len(), 5);
    testbed.start_argocd();
    assert!(
        testbed.argocd().get("/api/version")["Version"]
            .as_str()
            .unwrap()
            .starts_with("v3.")
    );
    testbed.stop_kubernetes();
    assert!(
        testbed
            .kubernetes()
            .try_ask(Method::GET, "/version", None)
            .is_err()
    );
    testbed.start_kubernetes();
    assert_eq!(
        testbed.kubernetes().get("/version")["gitVersion"],
        "v1.36.1"
    );
    drop(testbed);
    assert!(!folder.exists());
    let ids = processes
        .iter()
        .map(|(_, id, _)| format!("/proc/{id}/cmdline"));
    let alive: Vec<_> = ids
        .filter(|file| std::fs::read(file).is_ok_and(|line| !line.is_empty()))
        .collect();
    assert!(alive.is_empty(), "{alive:?}");
}

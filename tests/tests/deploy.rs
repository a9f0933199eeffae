//! From an image to proven pods, on a real registry, a real git remote, a real Argo CD and a real
//! Kubernetes API: the four reasons why the steps exist.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lab::{
    Command, Image, Registry, Remote, Run,
    overlays::Overlay,
    testbed::{App, AppSpec, Namespace, Testbed, repository, scripts},
};
use serde_json::{Value, json};
use tests::{
    act::{self, Consumer},
    tools::binary,
};

const REPOSITORY: &str = "data-literate/dex";
const OLD: &str = "sha-00000000";
const NEW: &str = "sha-1a2b3c4d";
/// What `wait-argo` declares to need, for any application.
const POLICY: [&str; 1] = ["p, role:ci, applications, get, */*, allow"];

/// Stage and prod of one branch, deployed with the old image.
struct World {
    registry: Arc<Registry>,
    remote: Remote,
    namespaces: [Namespace; 2],
    apps: [App; 2],
    token: String,
}

impl World {
    fn new() -> Self {
        let (testbed, registry, remote) = (
            Testbed::shared(),
            Arc::new(Registry::plain()),
            Remote::new(),
        );
        image().push(&registry, REPOSITORY, OLD);
        let namespaces = [testbed.namespace(), testbed.namespace()];
        let overlays = [Overlay::stage(OLD), Overlay::prod(OLD)]
            .map(|overlay| overlay.new_name(&name(&registry)));
        let mut files = repository::files(&overlays[0], namespaces[0].name());
        files.extend(repository::files(&overlays[1], namespaces[1].name()));
        let commit = remote.change("main", &files, "deploy: start");
        for namespace in &namespaces {
            namespace.pods(scripts::pulled_from(Arc::clone(&registry)));
        }
        let paths =
            ["stage", "prod"].map(|environment| format!("infra/argocd/overlays/{environment}"));
        let app = |index: usize| {
            testbed.app(&AppSpec::new(
                &namespaces[index],
                &remote.url(),
                &paths[index],
            ))
        };
        let apps = [app(0), app(1)];
        apps.iter().for_each(|app| app.wait_until_deployed(&commit));
        let token = testbed.argocd().account(&POLICY).token;
        Self {
            registry,
            remote,
            namespaces,
            apps,
            token,
        }
    }

    fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", name(&self.registry))
    }

    fn check_image(&self, tag: &str) -> Command {
        step("check-image").args([
            "--image",
            &self.image(tag),
            "--platform",
            "linux/amd64,linux/arm64",
        ])
    }

    /// Writes the image into both overlays and returns the commit.
    fn bump(&self, image: &str) -> String {
        let run = step("bump-overlay")
            .args([
                "--overlay",
                "infra/argocd/overlays/stage",
                "--overlay",
                "infra/argocd/overlays/prod",
            ])
            .args([
                "--image",
                image,
                "--branch",
                "main",
                "--remote",
                &self.remote.url(),
            ])
            .run();
        let document = run.json();
        assert_eq!(run.code, 0, "{run}");
        document["facts"]["commit"].as_str().unwrap().to_owned()
    }

    fn wait_argo(&self, commit: &str, image: &str) -> Command {
        let apps = self.apps.iter().flat_map(|app| ["--app", app.name()]);
        step("wait-argo")
            .args([
                "--argocd-server",
                &Testbed::shared().argocd().url(),
                "--argocd-project",
                self.apps[0].project(),
            ])
            .args(apps)
            .args(["--commit", commit, "--image", image, "--branch", "main"])
            .env("RUNBOOK_ARGOCD_TOKEN", &self.token)
    }

    /// Deploys the new image by the workflow, with this token for Argo CD.
    fn workflow(&self, consumer: &Consumer, token: &str) -> act::Run {
        let (testbed, [stage, prod]) = (Testbed::shared(), &self.namespaces);
        consumer
            .dispatch()
            .input("image", &self.image(NEW))
            .variable("OVERLAYS", &self.remote.url())
            .variable("ARGOCD_SERVER", &testbed.argocd().url())
            .variable(
                "APPS",
                &[self.apps[0].name(), self.apps[1].name()].join(","),
            )
            .variable("NAMESPACES", &[stage.name(), prod.name()].join(","))
            .variable(
                "KUBECONFIG",
                &testbed.kubernetes().kubeconfig().display().to_string(),
            )
            .secret("ARGOCD_TOKEN", token)
            .run()
    }

    /// What both overlays are on the branch.
    fn overlays(&self) -> [Option<String>; 2] {
        ["stage", "prod"].map(|environment| {
            let path = format!("infra/argocd/overlays/{environment}/kustomization.yaml");
            self.remote.file("main", &path)
        })
    }

    fn verify_pods(&self, image: &str) -> Command {
        let namespaces = self
            .namespaces
            .iter()
            .flat_map(|namespace| ["--namespace", namespace.name()]);
        step("verify-pods")
            .args(namespaces)
            .args([
                "--workload",
                "deployment/dex",
                "--image",
                image,
                "--soak",
                "1s",
            ])
            .env("KUBECONFIG", Testbed::shared().kubernetes().kubeconfig())
    }
}

fn name(registry: &Registry) -> String {
    format!("{}/{REPOSITORY}", registry.address())
}

fn image() -> Image {
    Image::index()
        .platform("linux/amd64")
        .platform("linux/arm64")
        .attestations()
}

fn step(name: &str) -> Command {
    Command::new(binary(name)).args(["--format", "json"])
}

fn outcome(run: &Run) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

#[test]
fn an_image_goes_from_the_registry_to_proven_pods_of_two_environments() {
    let world = World::new();
    let pushed = image()
        .created("2026-02-02T00:00:00Z")
        .push(&world.registry, REPOSITORY, NEW);
    let checked = world.check_image(NEW).run();
    assert_eq!(checked.code, 0, "{checked}");
    let facts = checked.json()["facts"].clone();
    let pinned = facts["image"].as_str().unwrap();
    let digests: Vec<&str> = facts["digests"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(digests.contains(&pushed.digest.as_str()));
    let commit = world.bump(pinned);
    assert_eq!(commit, world.remote.tip("main"));
    let waited = world
        .wait_argo(&commit, pinned)
        .args(["--digest", &digests.join(",")])
        .run();
    assert_eq!(waited.code, 0, "{waited}");
    for app in waited.json()["subjects"].as_array().unwrap() {
        assert_eq!(app["verdict"], "passed", "{waited}");
    }
    assert!(
        world
            .apps
            .iter()
            .all(|app| app.revision().as_deref() == Some(commit.as_str()))
    );
    let verified = world
        .verify_pods(pinned)
        .args(["--digest", &digests.join(",")])
        .run();
    assert_eq!(verified.code, 0, "{verified}");
    let running = |namespace: &Namespace| {
        namespace.list("pods").iter().all(|pod| {
            let status = &pod["status"]["containerStatuses"][0];
            status["imageID"]
                .as_str()
                .is_some_and(|id| id.ends_with(&pushed.digest))
        })
    };
    assert!(world.namespaces.iter().all(running));
}

/// A repository with the workflow.
fn consumer() -> Consumer {
    let steps = [
        "check-image",
        "bump-overlay",
        "wait-argo",
        "verify-pods",
        "rollback-overlay",
    ];
    Consumer::new("deploy.yml", &steps)
}

#[test]
fn a_workflow_with_four_uses_goes_from_an_image_to_proven_pods() {
    let world = World::new();
    let pushed = image()
        .created("2026-02-02T00:00:00Z")
        .push(&world.registry, REPOSITORY, NEW);
    let run = world.workflow(&consumer(), &world.token);
    assert_eq!(run.job("deploy"), "success", "{run}");
    assert_eq!(
        run.step("deploy/bump").outputs["commit"],
        world.remote.tip("main"),
        "{run}"
    );
    assert_eq!(
        run.step("deploy/argo").outputs["verdict"],
        "passed",
        "{run}"
    );
    assert!(
        run.step("deploy/pods").outputs["digests"].contains(&pushed.digest),
        "{run}"
    );
    assert!(
        run.step("deploy/argo/run").summary.contains("```mermaid"),
        "{run}"
    );
    assert!(
        run.log.iter().all(|line| !line.contains(&world.token)),
        "{run}"
    );
    assert_eq!(run.result("deploy/rollback"), "skipped", "{run}");
}

#[test]
fn a_workflow_rolls_back_a_bad_image_and_fails_with_the_reason() {
    let world = World::new();
    image()
        .created("2026-02-02T00:00:00Z")
        .push(&world.registry, REPOSITORY, NEW);
    let before = world.overlays();
    for namespace in &world.namespaces {
        let pulled = scripts::pulled_from(Arc::clone(&world.registry));
        let falling = scripts::crash_loop(1, "no such table: users\n");
        namespace.pods(move |pod| {
            if pod.image.contains(NEW) {
                falling(pod)
            } else {
                pulled(pod)
            }
        });
    }
    let consumer = consumer();
    let run = world.workflow(&consumer, &world.token);
    assert_eq!(run.job("deploy"), "failure", "{run}");
    let argo = run.step("deploy/argo/run");
    let words = ["reason", "fault"].map(|name| argo.outputs[name].as_str());
    assert_eq!(
        (words, argo.annotations[0].kind.as_str()),
        (["crash-loop", "change"], "error"),
        "{run}"
    );
    let rollback = world.remote.log("main")[0].clone();
    assert_eq!(
        run.step("deploy/rollback").outputs["commit"],
        rollback.id,
        "{run}"
    );
    assert!(
        rollback.title().starts_with("rollback(stage,prod): "),
        "{}",
        rollback.message
    );
    assert!(
        rollback.message.contains("\n\ncrash-loop\n\n"),
        "{}",
        rollback.message
    );
    assert_eq!(
        run.step("deploy/back").outputs["verdict"],
        "passed",
        "{run}"
    );
    assert_eq!(world.overlays(), before);
    assert!(
        world
            .apps
            .iter()
            .all(|app| app.revision().as_deref() == Some(rollback.id.as_str()))
    );
    // The same image again is held back.
    let again = world.workflow(&consumer, &world.token);
    assert_eq!(
        again.step("deploy/bump/run").outputs["reason"],
        "held",
        "{again}"
    );
    assert_eq!(
        (again.result("deploy/rollback"), world.remote.tip("main")),
        ("skipped", rollback.id)
    );
}

#[test]
fn a_workflow_rolls_nothing_back_that_the_image_is_not_to_blame_for() {
    let world = World::new();
    image()
        .created("2026-02-02T00:00:00Z")
        .push(&world.registry, REPOSITORY, NEW);
    let run = world.workflow(&consumer(), "wrong");
    assert_eq!(run.job("deploy"), "failure", "{run}");
    assert_eq!(
        run.step("deploy/argo/run").outputs["fault"],
        "configuration",
        "{run}"
    );
    assert_eq!(run.result("deploy/rollback"), "skipped", "{run}");
    assert_eq!(
        run.step("deploy/bump").outputs["commit"],
        world.remote.tip("main"),
        "{run}"
    );
}

#[test]
fn the_old_revision_is_never_green() {
    let world = World::new();
    image()
        .created("2026-02-02T00:00:00Z")
        .push(&world.registry, REPOSITORY, NEW);
    let commit = world.bump(&world.image(NEW));
    let testbed = Testbed::shared();
    let argocd = Command::new(testbed.program("argocd"))
        .args([
            "--server",
            testbed.argocd().address(),
            "--plaintext",
            "--auth-token",
            testbed.argocd().admin_token(),
        ])
        .args([
            "app",
            "wait",
            world.apps[1].name(),
            "--sync",
            "--health",
            "--timeout",
            "60",
        ])
        .run();
    assert_eq!(argocd.code, 0, "{argocd}");
    let at = world.apps[1].revision();
    assert_ne!(
        at.as_deref(),
        Some(commit.as_str()),
        "`argocd app wait` is green at the old revision"
    );
    let waited = world.wait_argo(&commit, &world.image(NEW)).run();
    assert_eq!(waited.code, 0, "{waited}");
    assert!(
        world
            .apps
            .iter()
            .all(|app| app.revision().as_deref() == Some(commit.as_str()))
    );
}

#[test]
fn a_bad_image_is_the_changes_fault_within_fifteen_seconds() {
    let world = World::new();
    let image = world.image("sha-never-pushed");
    let commit = world.bump(&image);
    let started = Instant::now();
    let waited = world.wait_argo(&commit, &image).run();
    assert_eq!(
        outcome(&waited),
        (10, json!("image-not-found"), json!("change")),
        "{waited}"
    );
    assert!(started.elapsed() < Duration::from_secs(15), "{waited}");
    let verified = world.verify_pods(&image).run();
    assert_eq!(
        outcome(&verified),
        (10, json!("image-not-found"), json!("change")),
        "{verified}"
    );
    for run in [&waited, &verified] {
        let summary = run.json()["summary"].as_str().unwrap().to_owned();
        assert!(
            summary.contains("dex-") && summary.contains("not found"),
            "{summary}"
        );
    }
}

#[test]
fn no_answer_is_told_from_no() {
    let testbed = Testbed::private();
    let (namespace, remote) = (testbed.namespace(), Remote::new());
    let overlay = Overlay::prod(OLD);
    let commit = remote.change(
        "main",
        &repository::files(&overlay, namespace.name()),
        "deploy: start",
    );
    let app = testbed.app(&AppSpec::new(
        &namespace,
        &remote.url(),
        "infra/argocd/overlays/prod",
    ));
    app.wait_until_deployed(&commit);
    let image = format!("registry.example/example/dex:{OLD}");
    let wait = |token: &str| {
        step("wait-argo")
            .args([
                "--argocd-server",
                &testbed.argocd().url(),
                "--app",
                app.name(),
                "--commit",
                &commit,
            ])
            .args([
                "--argocd-project",
                app.project(),
                "--image",
                &image,
                "--timeout",
                "20s",
            ])
            .env("RUNBOOK_ARGOCD_TOKEN", token)
            .run()
    };
    let verify = |token: &str| {
        step("verify-pods")
            .args([
                "--namespace",
                namespace.name(),
                "--workload",
                "deployment/dex",
                "--image",
                &image,
            ])
            .args(["--soak", "0s", "--timeout", "20s"])
            .env(
                "KUBECONFIG",
                testbed.kubernetes().kubeconfig_for(token, namespace.name()),
            )
            .run()
    };
    let nothing = testbed.argocd().account(&[]);
    let bystander = namespace.account("bystander", &[]);
    for run in [wait("wrong"), verify("wrong")] {
        assert_eq!(
            outcome(&run),
            (21, json!("credentials-rejected"), json!("configuration")),
            "{run}"
        );
    }
    for (run, line) in [
        (wait(&nothing.token), "p, role:"),
        (verify(&bystander.token), "resources: ["),
    ] {
        assert_eq!(
            outcome(&run),
            (21, json!("permission-missing"), json!("configuration")),
            "{run}"
        );
        assert!(run.json()["hints"].to_string().contains(line), "{run}");
    }
    let token = testbed.argocd().account(&POLICY).token;
    assert_eq!(wait(&token).code, 0);
    testbed.stop_argocd();
    assert_eq!(wait(&token).code, 20);
    let admin = testbed.kubernetes().admin_token().to_owned();
    testbed.stop_kubernetes();
    assert_eq!(verify(&admin).code, 20);
}

//! From an image to verified pods, on a real registry, a real git remote, a real Argo CD and a real
//! Kubernetes API: the four reasons why the steps exist.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lab::{
    GitRemote, HermeticCommand, Image, ProgramRun, PushedImage, Registry,
    overlays::SampleOverlay,
    testbed::{AppSpec, Namespace, Testbed, TestbedApp, repository, scripts},
};
use serde_json::{Value, json};
use tests::{
    act::{self, Consumer},
    tools::binary,
};

const REPOSITORY: &str = "data-literate/dex";
const OLD: &str = "sha-00000000";
const NEW: &str = "sha-1a2b3c4d";
/// The permissions that `wait-argo` declares, for any application.
const POLICY: [&str; 1] = ["p, role:ci, applications, get, */*, allow"];

/// Stage and prod of one branch, deployed with the old image.
struct DeployWorld {
    registry: Arc<Registry>,
    remote: GitRemote,
    namespaces: [Namespace; 2],
    apps: [TestbedApp; 2],
    token: String,
}

impl DeployWorld {
    fn new() -> Self {
        let (testbed, registry, remote) = (
            Testbed::shared(),
            Arc::new(Registry::plain()),
            GitRemote::new(),
        );
        image().push(&registry, REPOSITORY, OLD);
        let namespaces = [testbed.namespace(), testbed.namespace()];
        let overlays = [SampleOverlay::stage(OLD), SampleOverlay::prod(OLD)]
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

    /// Pushes the new image.
    fn push_new(&self) -> PushedImage {
        let image = image().created("2026-02-02T00:00:00Z");
        image.push(&self.registry, REPOSITORY, NEW)
    }

    /// Returns whether Argo CD has compared both applications with this commit last.
    fn is_at(&self, commit: &str) -> bool {
        let at = |app: &TestbedApp| app.revision().as_deref() == Some(commit);
        self.apps.iter().all(at)
    }

    /// Returns whether all pods of both environments run this digest.
    fn runs(&self, digest: &str) -> bool {
        self.namespaces.iter().all(|namespace| {
            namespace.list("pods").iter().all(|pod| {
                let status = &pod["status"]["containerStatuses"][0];
                status["imageID"]
                    .as_str()
                    .is_some_and(|id| id.ends_with(digest))
            })
        })
    }

    /// Lets containers of the new image end soon after each start.
    fn crash_the_new_image(&self) {
        for namespace in &self.namespaces {
            let pulled = scripts::pulled_from(Arc::clone(&self.registry));
            let falling = scripts::crash_loop(1, "no such table: users\n");
            namespace.pods(move |pod| {
                if pod.image.contains(NEW) {
                    falling(pod)
                } else {
                    pulled(pod)
                }
            });
        }
    }

    fn check_image(&self, tag: &str) -> HermeticCommand {
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

    fn wait_argo(&self, commit: &str, image: &str) -> HermeticCommand {
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
    fn workflow(&self, consumer: &Consumer, token: &str) -> act::WorkflowRun {
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

    /// Returns both overlays on the branch.
    fn overlays(&self) -> [Option<String>; 2] {
        ["stage", "prod"].map(|environment| {
            let path = format!("infra/argocd/overlays/{environment}/kustomization.yaml");
            self.remote.file("main", &path)
        })
    }

    fn verify_pods(&self, image: &str) -> HermeticCommand {
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

fn step(name: &str) -> HermeticCommand {
    HermeticCommand::new(binary(name)).args(["--format", "json"])
}

fn outcome(run: &ProgramRun) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

#[test]
fn an_image_reaches_verified_pods_of_two_environments() {
    let world = DeployWorld::new();
    let pushed = world.push_new();
    let checked = world.check_image(NEW).run();
    assert_eq!(checked.code, 0, "{checked}");
    let facts = checked.json()["facts"].clone();
    let pinned = facts["image"].as_str().unwrap();
    let digests = facts["digests"].as_array().unwrap();
    let digests: Vec<&str> = digests.iter().filter_map(Value::as_str).collect();
    assert!(digests.contains(&pushed.digest.as_str()));
    let digests = digests.join(",");

    let commit = world.bump(pinned);
    assert_eq!(commit, world.remote.tip("main"));
    let waited = world
        .wait_argo(&commit, pinned)
        .args(["--digest", &digests]);
    let waited = waited.run();
    assert_eq!(waited.code, 0, "{waited}");
    for app in waited.json()["subjects"].as_array().unwrap() {
        assert_eq!(app["verdict"], "passed", "{waited}");
    }
    assert!(world.is_at(&commit));
    let verified = world.verify_pods(pinned).args(["--digest", &digests]).run();
    assert_eq!(verified.code, 0, "{verified}");
    assert!(world.runs(&pushed.digest));
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
fn a_workflow_deploys_and_verifies_an_image() {
    let world = DeployWorld::new();
    let pushed = world.push_new();
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
fn a_workflow_rolls_a_crashing_image_back() {
    let world = DeployWorld::new();
    world.push_new();
    let before = world.overlays();
    world.crash_the_new_image();
    let consumer = consumer();
    let run = world.workflow(&consumer, &world.token);
    assert_eq!(run.job("deploy"), "failure", "{run}");
    let argo = run.step("deploy/argo/run");
    let words = ["reason", "fault"].map(|name| argo.outputs[name].as_str());
    assert_eq!(words, ["crash-loop", "change"], "{run}");
    assert_eq!(argo.annotations[0].kind, "error", "{run}");

    let rollback = world.remote.log("main")[0].clone();
    let message = &rollback.message;
    let output = |step: &str, name: &str| run.step(step).outputs[name].clone();
    assert_eq!(output("deploy/rollback", "commit"), rollback.id, "{run}");
    assert!(
        rollback.title().starts_with("rollback(stage,prod): "),
        "{message}"
    );
    assert!(message.contains("\n\ncrash-loop\n\n"), "{message}");
    assert_eq!(output("deploy/back", "verdict"), "passed", "{run}");
    assert_eq!(world.overlays(), before);
    assert!(world.is_at(&rollback.id));

    // The rollback holds the same image back.
    let again = world.workflow(&consumer, &world.token);
    let bump = again.step("deploy/bump/run");
    assert_eq!(bump.outputs["reason"], "held", "{again}");
    assert_eq!(again.result("deploy/rollback"), "skipped", "{again}");
    assert_eq!(world.remote.tip("main"), rollback.id);
}

#[test]
fn a_configuration_fault_is_not_rolled_back() {
    let world = DeployWorld::new();
    world.push_new();
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
fn the_old_revision_never_passes() {
    let world = DeployWorld::new();
    world.push_new();
    let commit = world.bump(&world.image(NEW));
    let testbed = Testbed::shared();
    let argocd = HermeticCommand::new(testbed.program("argocd"))
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
        "`argocd app wait` passes at the old revision"
    );
    let waited = world.wait_argo(&commit, &world.image(NEW)).run();
    assert_eq!(waited.code, 0, "{waited}");
    assert!(world.is_at(&commit));
}

#[test]
fn a_missing_image_is_refused_within_fifteen_seconds() {
    let world = DeployWorld::new();
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

/// Prod alone, deployed in a testbed of its own, whose parts may be stopped.
struct PrivateWorld {
    testbed: Testbed,
    namespace: Namespace,
    app: TestbedApp,
    commit: String,
    _remote: GitRemote,
}

impl PrivateWorld {
    const IMAGE: &str = "registry.example/example/dex:sha-00000000";

    fn new() -> Self {
        let testbed = Testbed::private();
        let (namespace, remote) = (testbed.namespace(), GitRemote::new());
        let files = repository::files(&SampleOverlay::prod(OLD), namespace.name());
        let commit = remote.change("main", &files, "deploy: start");
        let path = "infra/argocd/overlays/prod";
        let app = testbed.app(&AppSpec::new(&namespace, &remote.url(), path));
        app.wait_until_deployed(&commit);
        Self {
            testbed,
            namespace,
            app,
            commit,
            _remote: remote,
        }
    }

    fn wait_argo(&self, token: &str) -> ProgramRun {
        step("wait-argo")
            .args(["--argocd-server", &self.testbed.argocd().url()])
            .args(["--argocd-project", self.app.project()])
            .args(["--app", self.app.name(), "--commit", &self.commit])
            .args(["--image", Self::IMAGE, "--timeout", "20s"])
            .env("RUNBOOK_ARGOCD_TOKEN", token)
            .run()
    }

    fn verify_pods(&self, token: &str) -> ProgramRun {
        let (kubernetes, namespace) = (self.testbed.kubernetes(), self.namespace.name());
        step("verify-pods")
            .args(["--namespace", namespace, "--workload", "deployment/dex"])
            .args(["--image", Self::IMAGE, "--soak", "0s", "--timeout", "20s"])
            .env("KUBECONFIG", kubernetes.kubeconfig_for(token, namespace))
            .run()
    }
}

#[test]
fn no_answer_differs_from_no() {
    let world = PrivateWorld::new();
    for run in [world.wait_argo("wrong"), world.verify_pods("wrong")] {
        let expected = (21, json!("credentials-rejected"), json!("configuration"));
        assert_eq!(outcome(&run), expected, "{run}");
    }
    let nothing = world.testbed.argocd().account(&[]);
    let bystander = world.namespace.account("bystander", &[]);
    for (run, line) in [
        (world.wait_argo(&nothing.token), "p, role:"),
        (world.verify_pods(&bystander.token), "resources: ["),
    ] {
        let expected = (21, json!("permission-missing"), json!("configuration"));
        assert_eq!(outcome(&run), expected, "{run}");
        assert!(run.json()["hints"].to_string().contains(line), "{run}");
    }
    let token = world.testbed.argocd().account(&POLICY).token;
    assert_eq!(world.wait_argo(&token).code, 0);
    world.testbed.stop_argocd();
    assert_eq!(world.wait_argo(&token).code, 20);
    let admin = world.testbed.kubernetes().admin_token().to_owned();
    world.testbed.stop_kubernetes();
    assert_eq!(world.verify_pods(&admin).code, 20);
}

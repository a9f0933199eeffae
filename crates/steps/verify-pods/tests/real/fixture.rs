//! The start of every test: a namespace, an account with the declared permissions, and a workload.

use lab::{
    HermeticCommand, ProgramRun,
    testbed::{Account, AccountRule, Namespace, Testbed},
};
use serde_json::{Value, json};

/// The repository of the image.
pub(crate) const REPOSITORY: &str = "registry.example/example/dex";
/// The image that runs at the start.
pub(crate) const OLD: &str = "registry.example/example/dex:sha-00000000";
/// The wanted image.
pub(crate) const NEW: &str = "registry.example/example/dex:sha-1a2b3c4d";

/// A namespace, and the account that the step uses.
pub(crate) struct PodFixture {
    pub(crate) namespace: Namespace,
    pub(crate) account: Account,
}

impl PodFixture {
    pub(crate) fn new() -> Self {
        Self::of(Testbed::shared().namespace())
    }

    /// Makes the account in a namespace.
    pub(crate) fn of(namespace: Namespace) -> Self {
        let account = namespace.account("verify-pods", &declared());
        Self { namespace, account }
    }

    /// Verifies the wanted image, as the account.
    pub(crate) fn verify(&self) -> HermeticCommand {
        verify(&[&self.namespace]).env("KUBECONFIG", &self.account.kubeconfig)
    }

    /// Creates a Deployment `dex` with this number of pods.
    pub(crate) fn deploy(&self, image: &str, replicas: u32) {
        self.namespace
            .create("apps/deployments", &workload(image, replicas));
    }

    /// Returns the name of the only pod once it exists.
    pub(crate) fn first_pod(&self) -> String {
        self.namespace
            .wait_for_pods("a pod", |pods| pods.len() == 1);
        let pods = self.namespace.list("pods");
        pods[0]["metadata"]["name"].as_str().unwrap().to_owned()
    }

    /// Changes a workload: a merge patch of its `spec`.
    pub(crate) fn change(&self, workload: &str, spec: &Value) {
        let path = self.namespace.path(&format!("apps/{workload}"));
        Testbed::shared()
            .kubernetes()
            .patch(&path, &json!({ "spec": spec }));
    }

    /// Sets the image of a workload.
    pub(crate) fn set_image(&self, workload: &str, image: &str) {
        self.change(workload, &template(image));
    }

    /// Returns once this number of pods of an image are ready.
    pub(crate) fn wait_until_ready(&self, image: &str, count: usize) {
        let ready = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array();
            pod["spec"]["containers"][0]["image"] == image
                && conditions.is_some_and(|all| {
                    all.iter().any(|condition| {
                        condition["type"] == "Ready" && condition["status"] == "True"
                    })
                })
        };
        self.namespace.wait_for_pods("ready pods", |pods| {
            pods.iter().filter(|pod| ready(pod)).count() == count
        });
    }
}

/// Verifies the wanted image in namespaces, without credentials. The settings are variables, so
/// that the flags of a test win.
pub(crate) fn verify(namespaces: &[&Namespace]) -> HermeticCommand {
    let names: Vec<&str> = namespaces
        .iter()
        .map(|namespace| namespace.name())
        .collect();
    HermeticCommand::new(env!("CARGO_BIN_EXE_verify-pods"))
        .args(["--namespace", &names.join(",")])
        .env("RUNBOOK_IMAGE", NEW)
        .env("RUNBOOK_FORMAT", "json")
        .env("RUNBOOK_SOAK", "1s")
        .env("RUNBOOK_TIMEOUT", "40s")
}

/// The Role that the step declares.
pub(crate) fn declared() -> Vec<AccountRule> {
    kubernetes::RULES.iter().map(rule).collect()
}

/// A rule as the testbed writes it.
pub(crate) fn rule(rule: &kubernetes::RoleRule) -> AccountRule {
    AccountRule::new(rule.group, &rule.resources.join(","), &rule.verbs.join(","))
}

/// Returns a workload `dex`, a Deployment or, with few changes, another kind.
pub(crate) fn workload(image: &str, replicas: u32) -> Value {
    let mut spec = template(image);
    spec["replicas"] = json!(replicas);
    spec["selector"] = json!({ "matchLabels": { "app": "dex" } });
    json!({ "metadata": { "name": "dex" }, "spec": spec })
}

/// The part of a workload's `spec` that names the image.
pub(crate) fn template(image: &str) -> Value {
    json!({
        "template": {
            "metadata": { "labels": { "app": "dex" } },
            "spec": { "containers": [{ "name": "dex", "image": image }] },
        },
    })
}

/// Exit code, reason and fault.
pub(crate) fn outcome(run: &ProgramRun) -> (i32, Value, Value) {
    let document = run.json();
    (
        run.code,
        document["reason"].clone(),
        document["fault"].clone(),
    )
}

/// Checks the outcome, and that the words have all of these.
#[track_caller]
pub(crate) fn expect(run: &ProgramRun, code: i32, reason: &str, fault: &str, words: &[&str]) {
    assert_eq!(outcome(run), (code, json!(reason), json!(fault)), "{run}");
    let summary = run.json()["summary"].as_str().unwrap().to_owned();
    assert!(
        words.iter().all(|word| summary.contains(word)),
        "{words:?}\n{run}"
    );
}

/// Checks that it passed, and returns its notices.
#[track_caller]
pub(crate) fn passed(run: &ProgramRun) -> String {
    run.expect_code(0);
    run.json()["notices"].to_string()
}

/// The digest of one letter.
pub(crate) fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}
